// Commands: what each of picket's commands asks, and what it prints.
//
// --json passes the agent's document through byte for byte. Otherwise it is read
// and rendered; where the agent refuses, its message goes to the errors.

#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "agent/cli/command_line.h"
#include "agent/cli/display.h"

namespace picket::cli {

enum class ExitCode : int { done = 0, failed = 1, usage = 2, no_agent = 3 };

// `status --exit-code` has a scale of its own.
constexpr int exit_some_not_up = 1;
constexpr int exit_some_down = 2;

// The world as the commands see it.
struct Terminal {
    Style style;
    bool interactive = false;      // The output is a terminal: it may be cleared.
    std::string database_default;  // Read where no agent answers.
    std::function<WallTime()> now;
    // Returns false where nobody reads any more.
    std::function<bool(std::string_view)> print;
    std::function<void(std::string_view)> complain;
    std::function<void(Duration)> sleep;
    std::function<std::string()> read_line;                // Of standard input.
    std::function<std::string(std::size_t)> random_bytes;  // Fit for a key.
};

// Runs all but `validate` and `probe FILE`, which are picketd's. Returns the exit code.
int run_command(const Invocation& invocation, const Terminal& terminal);

// The words after `picketd` where picketd is to run the invocation; empty where not.
std::vector<std::string> picketd_arguments(const Invocation& invocation);

}  // namespace picket::cli
