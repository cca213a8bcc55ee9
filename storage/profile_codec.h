// Profile codec: profiles (entry.h) as bytes, alone and as a table of distinct ones.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/entry.h"
#include "storage/packing.h"

namespace picket::storage {

// state | class << 2 | figures << 6 (one byte), message, interval, number of figures if any.
void put_profile(std::string& bytes, const Profile& profile);

// Where the reader is not ok() afterwards there was none.
Profile take_profile(ByteReader& reader);

// Distinct profiles, numbered as they first came.
class ProfileTable {
public:
    std::size_t index_of(const Profile& profile);
    void put(std::string& bytes) const;

private:
    std::vector<Profile> profiles_;
};

// Absent where there is none, or one with more than `count_max` profiles.
std::optional<std::vector<Profile>> take_profile_table(ByteReader& reader, std::size_t count_max);

}  // namespace picket::storage
