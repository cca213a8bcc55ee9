#include "checks/types/command.h"

#include <array>

#include "checks/types/forms.h"
#include "checks/types/keys.h"

namespace picket::checks {
namespace {

using namespace words;

constexpr std::array<std::string_view, 2> plugin_states{"warning", "critical"};

constexpr std::array<std::string_view, 1> any{"any"};

// clang-format off
constexpr std::array keys{
    Key{"command", required, question, in<&CommandQuery::command>,
        "an array of the program's absolute path and its arguments (no shell is involved)",
        "The plugin to run, by the Nagios plugin rules.", {.check = check_argument, .check_first = check_absolute_path}},
    Key{"env", optional, question, in<&CommandQuery::env>, "a table of strings such as { HOME = \"/root\" }",
        "Its environment, beside PATH and LC_ALL=C.", {.check = check_argument, .check_member = check_variable}},
    Key{"env_keep", optional, question, in<&CommandQuery::env_keep>, "an array of names",
        "Variables of the agent's own environment that it gets too.", {.check = check_variable}},
    Key{"user", optional, question, in<&CommandQuery::user>, "the name of a user",
        "Whom to run it as, with that user's groups; the agent must be allowed to.", {.check = check_line}},
    Key{"memory_max", optional, question, bytes<&CommandQuery::memory_max>, "a size such as \"1GiB\"",
        "How much memory each of its processes may map."},
    Key{"cpu_max", optional, question, in<&CommandQuery::cpu_max>, a_duration,
        "How long each of its processes may compute, in whole seconds.", {.min = 1000, .max = 86'400'000}},
    Key{"processes_max", optional, question, in<&CommandQuery::processes_max>, "a whole number or \"any\"",
        "How many processes its user may have then.", {.min = 1, .max = 1'000'000, .choices = Words(any)}},
    Key{"files_max", optional, question, in<&CommandQuery::files_max>, "a whole number or \"any\"",
        "How many files each of its processes may have open.", {.min = 4, .max = 1'000'000, .choices = Words(any)}},
    Key{"file_size_max", optional, question, bytes<&CommandQuery::file_size_max>, "a size such as \"1GiB\"",
        "How large a file may be that it writes."},
    Key{"working_directory", optional, question, in<&CommandQuery::working_directory>, "an absolute path",
        "Where it runs.", {.check = check_absolute_path}},
    Key{"fail_on", optional, question, in<&CommandQuery::fail_on>, "\"warning\" or \"critical\"",
        "The least state that is held against the target.", {.choices = Words(plugin_states)}},
};
// clang-format on

}  // namespace

const TypeEntry& command_type() {
    static const TypeEntry entry{.type = Type::command,
                                 .keys = keys,
                                 .query = [] { return Query(CommandQuery{}); },
                                 .scope = Scope::host};
    return entry;
}

}  // namespace picket::checks
