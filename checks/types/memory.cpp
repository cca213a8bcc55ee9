#include "checks/types/memory.h"

#include <array>

#include "checks/types/forms.h"
#include "checks/types/keys.h"

namespace picket::checks {
namespace {

using namespace words;
using Q = MemoryQuery;

// clang-format off
constexpr std::array keys{
    Key{"available_below", optional, question, bytes_or_percent<&Q::available_below>, "a size such as \"10GiB\" or a percentage such as \"10%\"",
        "Fails when less memory could be had without swapping."},
    Key{"swap_used_above", optional, question, bytes_or_percent<&Q::swap_used_above>, "a size such as \"10GiB\" or a percentage such as \"10%\"",
        "Fails when more of the swap is used."},
    Key{"pressure_above", optional, question, in<&Q::pressure_above>, "a percentage such as \"10%\"",
        "Fails when tasks waited for memory for more of the last minute (PSI).", {.max = 100}},
};
// clang-format on

}  // namespace

const TypeEntry& memory_type() {
    static const TypeEntry entry{.type = Type::memory,
                                 .keys = keys,
                                 .query = [] { return Query(MemoryQuery{}); },
                                 .scope = Scope::host};
    return entry;
}

}  // namespace picket::checks
