// A range of HTTP status codes, both ends included: "2xx" is 200-299.

#pragma once

#include <cstdint>

namespace picket::checks {

struct StatusRange {
    std::uint16_t first = 200;
    std::uint16_t last = 299;

    bool operator==(const StatusRange&) const = default;
};

}  // namespace picket::checks
