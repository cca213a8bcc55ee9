#include "checks/types/icmp.h"

#include <fmt/format.h>

#include <array>

#include "checks/types/keys.h"

namespace picket::checks {
namespace {

using namespace words;

// clang-format off
constexpr std::array keys{
    Key{"address", required, question, in<&IcmpQuery::address>, "a host name or an IP address",
        "Whom to ping.", {.check = check_host}},
    Key{"packets", optional, question, in<&IcmpQuery::packets>, a_count,
        "How many echo requests to send.", {.min = 1, .max = 100}},
    Key{"packet_interval", optional, question, in<&IcmpQuery::packet_interval>, a_duration,
        "The time from one request to the next; all must go out before the timeout.", {.min = 1, .max = 60'000}},
    Key{"size", optional, question, in<&IcmpQuery::size>, "a size in bytes",
        "The payload of a request.", {.max = 65'000, .size = true}},
    Key{"loss_above", optional, question, in<&IcmpQuery::loss_above>, "a percentage such as \"50%\"",
        "Fails when more than this is lost.", {.max = 100}},
    Key{"rtt_min_above", optional, question, in<&IcmpQuery::rtt_min_above>, a_duration,
        "Fails when even the shortest round trip takes longer.", {.min = 1, .max = 60'000}},
    Key{"rtt_avg_above", optional, question, in<&IcmpQuery::rtt_avg_above>, a_duration,
        "Fails when round trips take longer on average.", {.min = 1, .max = 60'000}},
    Key{"rtt_max_above", optional, question, in<&IcmpQuery::rtt_max_above>, a_duration,
        "Fails when the longest round trip takes longer.", {.min = 1, .max = 60'000}},
    Key{"jitter_above", optional, question, in<&IcmpQuery::jitter_above>, a_duration,
        "Fails when one round trip differs from the next by more on average.", {.min = 1, .max = 60'000}},
    Key{"ttl", optional, question, in<&IcmpQuery::ttl>, a_count,
        "How many routers a request may pass; 0: as many as the kernel lets it.", {.max = 255}},
    Key{"dont_fragment", optional, question, in<&IcmpQuery::dont_fragment>, a_boolean,
        "Whether no router may divide a request; one that is too large for the way then fails."},
};
// clang-format on

void check_sending(const Definition& definition, const Complain& complain) {
    const auto& query = definition.query.as<IcmpQuery>();
    const Duration sending = query.packet_interval * (query.packets - 1);
    if (sending < definition.timeout) return;
    complain(
        "packet_interval",
        fmt::format("sending {} packets takes {}, which is not below the timeout of {}",
                    query.packets, format_duration(sending), format_duration(definition.timeout)));
}

}  // namespace

const TypeEntry& icmp_type() {
    static const TypeEntry entry{.type = Type::icmp,
                                 .keys = keys,
                                 .query = [] { return Query(IcmpQuery{}); },
                                 .check = check_sending};
    return entry;
}

}  // namespace picket::checks
