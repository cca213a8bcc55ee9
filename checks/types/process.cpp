#include "checks/types/process.h"

#include <fmt/format.h>

#include <array>

#include "checks/types/forms.h"
#include "checks/types/keys.h"

namespace picket::checks {
namespace {

using namespace words;
using Q = ProcessQuery;

constexpr std::array<std::string_view, 1> any{"any"};

// clang-format off
constexpr std::array keys{
    Key{"name", optional, question, in<&Q::name>, "the name of a program",
        "What the processes are called, without a directory.", {.check = check_line}},
    Key{"cmdline", optional, question, in<&Q::cmdline>, a_pattern,
        "Must be found in the words of the command, joined by blanks.", {.check = check_expression}},
    Key{"pidfile", optional, question, in<&Q::pidfile>, a_path,
        "The file that holds the number of the process.", {.check = check_absolute_path}},
    Key{"user", optional, question, in<&Q::user>, "the name of a user",
        "Whose processes are counted.", {.check = check_line}},
    Key{"count_min", optional, question, in<&Q::count_min>, a_count,
        "Fails when there are fewer.", {.max = 1'000'000}},
    Key{"count_max", optional, question, in<&Q::count_max>, "a whole number or \"any\"",
        "Fails when there are more.", {.max = 1'000'000, .choices = Words(any)}},
    Key{"age_below", optional, question, in<&Q::age_below>, a_duration,
        "Fails when one of them was started later than this ago.", {.max = 366ULL * 86'400'000}},
    Key{"age_above", optional, question, in<&Q::age_above>, a_duration,
        "Fails when one of them was started longer ago than this.", {.max = 366ULL * 86'400'000}},
    Key{"rss_above", optional, question, bytes_or_percent<&Q::rss_above>, "a size such as \"10GiB\" or a percentage such as \"10%\"",
        "Fails when one of them holds more of the memory."},
};
// clang-format on

void check_subject(const Definition& definition, const Complain& complain) {
    const auto& query = definition.query.as<ProcessQuery>();
    if (query.name.empty() && query.cmdline.empty() && query.pidfile.empty()) {
        complain("name", "one of name, cmdline and pidfile must say which processes are meant");
    }
    if (query.name.find('/') != query.name.npos) {
        complain("name", "holds a '/': a process is called by its program without the directory");
    }
    if (query.count_max && *query.count_max < query.count_min) {
        complain("count_max", fmt::format("{} is below count_min, which is {}", *query.count_max,
                                          query.count_min));
    }
}

}  // namespace

const TypeEntry& process_type() {
    static const TypeEntry entry{.type = Type::process,
                                 .keys = keys,
                                 .query = [] { return Query(ProcessQuery{}); },
                                 .scope = Scope::host,
                                 .check = check_subject};
    return entry;
}

}  // namespace picket::checks
