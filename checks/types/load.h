// The load type: how many tasks run or wait to, and how long they wait.

#pragma once

#include <optional>
#include <vector>

#include "checks/query.h"

namespace picket::checks {

struct TypeEntry;

struct LoadQuery {
    static constexpr Type type = Type::load;

    // Averages over 1, 5 and 15 minutes; one number stands for all three. Empty: any.
    std::vector<double> above{};
    std::vector<double> per_core_above{};
    std::optional<double> pressure_above{};     // Percent; PSI "some" of the CPU, over a minute.
    std::optional<double> io_pressure_above{};  // The same of I/O.

    bool operator==(const LoadQuery&) const = default;
};

const TypeEntry& load_type();

}  // namespace picket::checks
