// The only place that asks the kernel for entropy.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace picket::io {

// A seed for Random; also good enough for identifiers that nobody may guess.
std::uint64_t random_seed();

// At most 256 bytes, fit for keys.
std::string random_bytes(std::size_t count);

}  // namespace picket::io
