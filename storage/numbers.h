// Numbers: a column of integers that are much alike, as few bits. Pure.
//
// Stored is by how much each differs from the one before, or from the usual one (the median),
// whichever is shorter, in Rice codes of the width that suits the column best. A column in which
// all differ by nothing has no bits at all; one number far from the others costs itself alone.
//
//   numbers   {scheme u8, width u8, usual (signed), length in bytes, bits}
//
// How many there are, whoever stores them knows.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "storage/packing.h"

namespace picket::storage {

void put_numbers(std::string& bytes, std::span<const std::int64_t> numbers);

// False where there are not exactly `count` of them.
bool take_numbers(ByteReader& reader, std::size_t count, std::vector<std::int64_t>& numbers);

}  // namespace picket::storage
