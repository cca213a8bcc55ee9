// What a dns check asks and expects; the keys are in docs/CHECKS.md.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/time.h"
#include "checks/query.h"

namespace picket::checks {

struct TypeEntry;

enum class DnsTransport : std::uint8_t { udp, tcp };

struct DnsQuery {
    static constexpr Type type = Type::dns;

    Text name;
    std::string record_type = "A";     // key `type`
    Text server;                       // HOST or HOST:PORT; empty: the system's resolvers.
    std::vector<std::string> servers;  // Each is asked, and each must pass; in place of `server`.
    DnsTransport transport = DnsTransport::udp;
    std::vector<std::string> rcode{"NOERROR"};  // Those that pass.
    std::vector<std::string> answers;  // Each must be among the answers, in presentation form.
    std::vector<std::string> answers_exact;   // These are the answers, and there are no others.
    std::vector<std::string> answers_within;  // Ranges; every address must be in one of them.
    std::uint32_t answers_min = 1;            // Of the type that was asked for, with NOERROR.
    std::string answers_match;                // RE2 that every answer must match.
    std::string answers_any_match;            // RE2 that one answer must match.
    std::string answers_not_match;            // RE2 that no answer may match.
    std::optional<Duration> ttl_below;
    std::optional<Duration> ttl_above;
    bool authoritative = false;  // The answer must be.
    bool serial_equal = false;   // Of the SOA records of all servers.
    bool recursion = true;

    bool operator==(const DnsQuery&) const = default;
};

const TypeEntry& dns_type();

}  // namespace picket::checks
