#include "checks/types/tcp.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "checks/capture.h"
#include "checks/interpolation.h"
#include "checks/types/connection_keys.h"
#include "checks/types/keys.h"
#include "checks/types/rows.h"

namespace picket::checks {
namespace {

using namespace words;

Status check_send(std::string_view text) {
    PICKET_TRY(interpolated_names(text));
    return {};
}

// clang-format off
constexpr std::array step_keys{
    RowKey<TcpStep>{"send", &TcpStep::send, a_string,
        "What to send; {{name}} is what an earlier expect captured as (?P<name>...), {{1}} the first group of the last one.", check_send},
    RowKey<TcpStep>{"expect", &TcpStep::expect, a_pattern,
        "What to wait for; the step goes on once it is found.", check_expression},
    RowKey<TcpStep>{"starttls", &TcpStep::starttls, a_boolean,
        "Whether TLS begins after this step.", nullptr},
};

std::vector<Fault> read_steps(const Value& value, Definition& definition) {
    if (value.kind == Value::Kind::array && value.items.empty()) {
        return {{value.position, {}, "expected at least one table with send, expect and starttls"}};
    }
    return read_rows<TcpStep>(value, step_keys, definition.query.as<TcpQuery>().step);
}
std::optional<std::string> write_steps(const Definition& definition) {
    return write_rows<TcpStep>(definition.query.as<TcpQuery>().step, step_keys);
}

constexpr std::array own{
    Key{"address", required, question, in<&TcpQuery::address>, "HOST:PORT or [IPV6]:PORT",
        "Where to connect.", {.check = check_address}},
    Key{"send", optional, question, in<&TcpQuery::send>, a_string,
        "What to send once connected."},
    Key{"expect", optional, question, in<&TcpQuery::expect>, a_pattern,
        "Must be found in what comes back.", {.check = check_expression}},
    Key{"step", optional, question, own_form<read_steps, write_steps>, "an array of tables with send, expect and starttls",
        "A dialogue in place of send and expect, step by step."},
    Key{"tls", optional, question, in<&TcpQuery::tls>, a_boolean,
        "Whether TLS is spoken from the beginning."},
};
// clang-format on

constexpr auto keys = joined(own, addresses_keys<TcpQuery>, tls_keys<&TcpQuery::tls_options>);

void check_query(const Definition& definition, const Complain& complain) {
    const auto& query = definition.query.as<TcpQuery>();
    check_tls(query.tls_options, complain);
    if (query.step.empty()) return;
    if (!query.send.value.empty()) complain("send", "belongs into the first step");
    if (!query.expect.empty()) complain("expect", "belongs into the first step");
    std::vector<std::string> known;
    bool secured = query.tls;
    for (std::size_t i = 0; i < query.step.size(); ++i) {
        const TcpStep& step = query.step[i];
        const auto names = interpolated_names(step.send);
        for (const std::string& name : names.value_or(std::vector<std::string>())) {
            if (std::ranges::count(known, name) > 0) continue;
            complain(fmt::format("step[{}].send", i),
                     fmt::format("no earlier expect captures {}", name));
        }
        if (!step.expect.empty())
            std::ranges::move(CapturingPattern(step.expect).groups(), std::back_inserter(known));
        if (step.starttls && secured)
            complain(fmt::format("step[{}].starttls", i), "TLS is spoken already");
        secured = secured || step.starttls;
    }
}

}  // namespace

const TypeEntry& tcp_type() {
    static const TypeEntry entry{.type = Type::tcp,
                                 .keys = keys,
                                 .query = [] { return Query(TcpQuery{}); },
                                 .check = check_query};
    return entry;
}

}  // namespace picket::checks
