#include "checks/types/heartbeat.h"

#include <array>

#include "checks/types/keys.h"

namespace picket::checks {
namespace {

using namespace words;
using Q = HeartbeatQuery;

constexpr std::uint64_t year_ms = 366ULL * 86'400'000;

// clang-format off
constexpr std::array keys{
    Key{"period", required, question, in<&Q::period>, a_duration,
        "How long after a success the next one is due.", {.min = 1, .max = year_ms}},
    Key{"grace", optional, question, in<&Q::grace>, a_duration,
        "How much later than due a success may come.", {.max = year_ms}},
    Key{"runtime_above", optional, question, in<&Q::runtime_above>, a_duration,
        "Fails when a job that said that it started does not end within this.", {.min = 1, .max = year_ms}},
};
// clang-format on

}  // namespace

const TypeEntry& heartbeat_type() {
    static const TypeEntry entry{.type = Type::heartbeat,
                                 .keys = keys,
                                 .query = [] { return Query(HeartbeatQuery{}); },
                                 .scope = Scope::host};
    return entry;
}

}  // namespace picket::checks
