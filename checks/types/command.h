// What a command check runs and expects; the keys are in docs/CHECKS.md.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/time.h"
#include "checks/amount.h"
#include "checks/query.h"

namespace picket::checks {

struct TypeEntry;

enum class PluginState : std::uint8_t { warning, critical };

struct CommandQuery {
    static constexpr Type type = Type::command;

    std::vector<Text> command;  // Absolute path and arguments; no shell.
    std::vector<std::pair<std::string, Text>>
        env;  // Sorted by name. All that it gets beside PATH and LC_ALL=C.
    std::vector<std::string> env_keep;  // Names of variables that it gets as the agent has them.
    std::string user;                   // Whom to run as; empty: as the agent.
    std::optional<Amount> memory_max;   // Bytes of address space.
    std::optional<Duration> cpu_max;    // In whole seconds.
    std::optional<std::uint32_t> processes_max;  // Of its user. Absent: "any".
    std::optional<std::uint32_t> files_max;      // Open ones. Absent: "any".
    std::optional<Amount> file_size_max;         // Bytes that it may write to one file.
    std::string working_directory = "/";
    PluginState fail_on = PluginState::critical;  // The least state held against the target.

    bool operator==(const CommandQuery&) const = default;
};

const TypeEntry& command_type();

}  // namespace picket::checks
