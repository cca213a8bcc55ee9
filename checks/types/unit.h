// The unit type: whether systemd's units are as they should be.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/base/time.h"
#include "checks/query.h"

namespace picket::checks {

struct TypeEntry;

struct UnitQuery {
    static constexpr Type type = Type::unit;

    std::string unit{};                               // A name or a pattern, "app@*.service".
    std::vector<std::string> active_state{"active"};  // The states that pass.
    std::vector<std::string> sub_state{};             // Empty: any.
    std::vector<std::string> result{};                // Empty: any. "success" ...
    std::vector<std::string> unit_file_state{};       // Empty: any. "enabled" ...
    std::optional<Duration> active_below{};  // Active for less: it was started again lately.

    bool operator==(const UnitQuery&) const = default;
};

const TypeEntry& unit_type();

}  // namespace picket::checks
