// Vote: what one witness says of one check.

#pragma once

#include <cstdint>

namespace picket::gossip {

enum class Vote : std::uint8_t {
    ok,
    fail,
    abstain,  // It could not ask, or may not accuse; counts for neither side.
};

}  // namespace picket::gossip
