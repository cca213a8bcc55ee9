// The only place that asks the kernel for entropy.

#pragma once

#include <cstdint>

namespace picket::io {

// A seed for Random; also good enough for identifiers that nobody may guess.
std::uint64_t random_seed();

}  // namespace picket::io
