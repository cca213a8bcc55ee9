#include "checks/types/ntp.h"

#include <array>

#include "checks/types/keys.h"

namespace picket::checks {
namespace {

using namespace words;
using Q = NtpQuery;

// clang-format off
constexpr std::array keys{
    Key{"server", required, question, in<&Q::server>, "HOST or HOST:PORT",
        "The time server to ask.", {.check = check_server}},
    Key{"offset_above", optional, question, in<&Q::offset_above>, a_duration,
        "Fails when its clock and this host's differ by more, either way.", {.min = 1, .max = 86'400'000}},
    Key{"stratum_above", optional, question, in<&Q::stratum_above>, a_count,
        "Fails when it is further than this from a reference clock.", {.min = 1, .max = 15}},
    Key{"root_dispersion_above", optional, question, in<&Q::root_dispersion_above>, a_duration,
        "Fails when it is less sure than this of the time.", {.min = 1, .max = 86'400'000}},
};
// clang-format on

}  // namespace

const TypeEntry& ntp_type() {
    static const TypeEntry entry{
        .type = Type::ntp, .keys = keys, .query = [] { return Query(NtpQuery{}); }};
    return entry;
}

}  // namespace picket::checks
