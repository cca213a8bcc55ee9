#include "checks/types/unit.h"

#include <fmt/format.h>

#include <array>

#include "checks/types/forms.h"
#include "checks/types/keys.h"

namespace picket::checks {
namespace {

using namespace words;
using Q = UnitQuery;

constexpr std::array<std::string_view, 7> active_states{
    "active", "reloading", "inactive", "failed", "activating", "deactivating", "maintenance"};

Status check_unit(std::string_view text) {
    const bool shaped = !text.empty() && text.size() <= 255 && !text.starts_with('-') &&
                        text.find_first_of(" /\t\n") == std::string_view::npos;
    if (!shaped) return failure(Code::invalid, fmt::format("'{}' is not the name of a unit", text));
    return check_line(text);
}

// clang-format off
constexpr std::array keys{
    Key{"unit", required, question, in<&Q::unit>, "a unit such as \"nginx.service\"",
        "The unit, or a pattern such as \"app@*.service\" for several, each of which must pass.", {.check = check_unit}},
    Key{"active_state", optional, question, words_among<&Q::active_state, active_states>, "states such as \"active\"",
        "The states that pass, as systemctl shows them."},
    Key{"sub_state", optional, question, in<&Q::sub_state>, "states such as \"running\"",
        "The sub-states that pass; none named: any.", {.check = check_line}},
    Key{"result", optional, question, in<&Q::result>, "results such as \"success\"",
        "How the unit may have ended last; none named: any way.", {.check = check_line}},
    Key{"unit_file_state", optional, question, in<&Q::unit_file_state>, "states such as \"enabled\"",
        "Whether the unit starts at boot, as systemctl is-enabled says; none named: either.", {.check = check_line}},
    Key{"active_below", optional, question, in<&Q::active_below>, a_duration,
        "Fails when the unit became active later than this ago: it was restarted.", {.max = 366ULL * 86'400'000}},
};
// clang-format on

}  // namespace

const TypeEntry& unit_type() {
    static const TypeEntry entry{.type = Type::unit,
                                 .keys = keys,
                                 .query = [] { return Query(UnitQuery{}); },
                                 .scope = Scope::host};
    return entry;
}

}  // namespace picket::checks
