// The heartbeat type: whether a job says, as often as it should, that it is well.

#pragma once

#include <optional>

#include "agent/base/time.h"
#include "checks/query.h"

namespace picket::checks {

struct TypeEntry;

struct HeartbeatQuery {
    static constexpr Type type = Type::heartbeat;

    Duration period{0};
    Duration grace = std::chrono::minutes(1);
    std::optional<Duration> runtime_above{};  // From a start to its success or failure.

    bool operator==(const HeartbeatQuery&) const = default;
};

const TypeEntry& heartbeat_type();

}  // namespace picket::checks
