// What an icmp check asks and expects; the keys are in docs/CHECKS.md.

#pragma once

#include <cstdint>
#include <optional>

#include "agent/base/time.h"
#include "checks/query.h"

namespace picket::checks {

struct TypeEntry;

struct IcmpQuery {
    static constexpr Type type = Type::icmp;

    Text address;  // A name or an address.
    std::uint32_t packets = 3;
    Duration packet_interval = std::chrono::milliseconds(100);
    std::uint32_t size = 56;  // Payload bytes.
    double loss_above = 50;   // Percent; failed when more is lost.
    std::optional<Duration> rtt_min_above;
    std::optional<Duration> rtt_avg_above;
    std::optional<Duration> rtt_max_above;
    std::optional<Duration> jitter_above;  // Mean difference of one round trip to the next.
    std::uint32_t ttl = 0;                 // 0: the kernel's own.
    bool dont_fragment = false;

    bool operator==(const IcmpQuery&) const = default;
};

const TypeEntry& icmp_type();

}  // namespace picket::checks
