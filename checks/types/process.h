// The process type: whether the processes that should run do, and no others.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/base/time.h"
#include "checks/amount.h"
#include "checks/query.h"

namespace picket::checks {

struct TypeEntry;

struct ProcessQuery {
    static constexpr Type type = Type::process;

    std::string name{};     // Of the program; empty: any.
    std::string cmdline{};  // RE2 over the words of its command, joined by blanks.
    std::string pidfile{};  // A file that holds the process's number.
    std::string user{};     // Whose it is; empty: anybody's.
    std::uint32_t count_min = 1;
    std::optional<std::uint32_t> count_max{};  // Absent: "any".
    std::optional<Duration> age_below{};       // Of any of them.
    std::optional<Duration> age_above{};
    std::optional<Amount> rss_above{};  // Of any of them; bytes, or percent of the memory.

    bool operator==(const ProcessQuery&) const = default;
};

const TypeEntry& process_type();

}  // namespace picket::checks
