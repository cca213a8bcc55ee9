// The ntp type: whether a time server is synchronised, and agrees with this host.

#pragma once

#include <cstdint>
#include <optional>

#include "agent/base/time.h"
#include "checks/query.h"

namespace picket::checks {

struct TypeEntry;

struct NtpQuery {
    static constexpr Type type = Type::ntp;

    Text server;  // HOST or HOST:PORT.
    std::optional<Duration> offset_above{};
    std::uint32_t stratum_above = 15;
    std::optional<Duration> root_dispersion_above{};

    bool operator==(const NtpQuery&) const = default;
};

const TypeEntry& ntp_type();

}  // namespace picket::checks
