// Which of a name's addresses a check asks.

#pragma once

#include <cstdint>

namespace picket::checks {

enum class Addresses : std::uint8_t {
    any,    // In order, until one accepts the connection.
    first,  // The first and no other.
    all,    // Each must pass: finds the one dead address behind a name.
};

}  // namespace picket::checks
