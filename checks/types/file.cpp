#include "checks/types/file.h"

#include <fmt/format.h>

#include <array>

#include "checks/types/forms.h"
#include "checks/types/keys.h"

namespace picket::checks {
namespace {

using namespace words;
using Q = FileQuery;

constexpr std::array<std::string_view, 2> tolerances{"fail", "ok"};
constexpr std::array<std::string_view, 2> ages{"newest", "oldest"};
constexpr std::array<std::string_view, 1> any{"any"};

// clang-format off
constexpr std::array keys{
    Key{"path", required, question, in<&Q::path>, "an absolute path or a pattern such as \"/var/backups/*.gz\"",
        "The file or files to look at.", {.check = check_absolute_path}},
    Key{"missing", optional, question, in<&Q::missing>, "\"fail\" or \"ok\"",
        "What it means when there is no such file.", {.choices = Words(tolerances)}},
    Key{"older_than", optional, question, in<&Q::older_than>, a_duration,
        "Fails when the file was written longer ago than this.", {.max = 3660ULL * 86'400'000}},
    Key{"newer_than", optional, question, in<&Q::newer_than>, a_duration,
        "Fails when the file was written later than this ago.", {.max = 3660ULL * 86'400'000}},
    Key{"age_of", optional, question, in<&Q::age_of>, "\"newest\" or \"oldest\"",
        "Which of several files the age is of: backups have a newest, queues an oldest one.", {.choices = Words(ages)}},
    Key{"size_above", optional, question, bytes<&Q::size_above>, "a size such as \"10GiB\"",
        "Fails when one of the files is larger."},
    Key{"size_below", optional, question, bytes<&Q::size_below>, "a size such as \"10GiB\"",
        "Fails when one of the files is smaller."},
    Key{"count_min", optional, question, in<&Q::count_min>, "a whole number or \"any\"",
        "Fails when there are fewer files.", {.max = 1'000'000, .choices = Words(any)}},
    Key{"count_max", optional, question, in<&Q::count_max>, "a whole number or \"any\"",
        "Fails when there are more files.", {.max = 1'000'000, .choices = Words(any)}},
};
// clang-format on

void check_query(const Definition& definition, const Complain& complain) {
    const auto& query = definition.query.as<Q>();
    if (query.count_min && query.count_max && *query.count_max < *query.count_min) {
        complain("count_max", fmt::format("{} is below count_min, which is {}", *query.count_max,
                                          *query.count_min));
    }
}

}  // namespace

const TypeEntry& file_type() {
    static const TypeEntry entry{.type = Type::file,
                                 .keys = keys,
                                 .query = [] { return Query(FileQuery{}); },
                                 .scope = Scope::host,
                                 .check = check_query};
    return entry;
}

}  // namespace picket::checks
