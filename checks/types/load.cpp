#include "checks/types/load.h"

#include <array>

#include "checks/types/forms.h"
#include "checks/types/keys.h"

namespace picket::checks {
namespace {

using namespace words;
using Q = LoadQuery;

// clang-format off
constexpr std::array keys{
    Key{"above", optional, question, numbers<&Q::above, 3>, "a number or an array of up to 3",
        "Fails when a load average is higher: one number for all, or those of 1, 5 and 15 minutes."},
    Key{"per_core_above", optional, question, numbers<&Q::per_core_above, 3>, "a number or an array of up to 3",
        "The same, of the load divided by the number of cores."},
    Key{"pressure_above", optional, question, in<&Q::pressure_above>, "a percentage such as \"10%\"",
        "Fails when tasks waited for a CPU for more of the last minute (PSI).", {.max = 100}},
    Key{"io_pressure_above", optional, question, in<&Q::io_pressure_above>, "a percentage such as \"10%\"",
        "Fails when tasks waited for I/O for more of the last minute (PSI).", {.max = 100}},
};
// clang-format on

}  // namespace

const TypeEntry& load_type() {
    static const TypeEntry entry{.type = Type::load,
                                 .keys = keys,
                                 .query = [] { return Query(LoadQuery{}); },
                                 .scope = Scope::host};
    return entry;
}

}  // namespace picket::checks
