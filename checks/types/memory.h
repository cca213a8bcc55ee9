// The memory type: what is left of this host's memory, and who waits for it.

#pragma once

#include <optional>

#include "checks/amount.h"
#include "checks/query.h"

namespace picket::checks {

struct TypeEntry;

struct MemoryQuery {
    static constexpr Type type = Type::memory;

    std::optional<Amount> available_below{};  // Bytes or percent.
    std::optional<Amount> swap_used_above{};  // Bytes or percent.
    std::optional<double> pressure_above{};   // Percent of the time; PSI "some", over a minute.

    bool operator==(const MemoryQuery&) const = default;
};

const TypeEntry& memory_type();

}  // namespace picket::checks
