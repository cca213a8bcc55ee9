// Asking a probe once, in a test.

#pragma once

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/assert.h"
#include "agent/io/clock.h"
#include "agent/io/http_client.h"
#include "agent/io/icmp_socket.h"
#include "agent/io/loop.h"
#include "agent/io/resolver.h"
#include "checks/definition.h"
#include "checks/outcome.h"
#include "checks/probes/kinds.h"
#include "checks/probes/probe.h"
#include "tests/support/loopback_server.h"

namespace picket::testing {

// One of each of the things that probes share.
class SharedServices {
public:
    explicit SharedServices(io::Loop& loop, std::vector<SocketAddress> system_servers = {})
        : loop_(loop), resolvers_(loop, std::move(system_servers)), http_(loop) {}

    checks::ProbeServices get() { return {loop_, resolvers_, http_, icmp_}; }

private:
    io::Loop& loop_;
    io::Resolvers resolvers_;
    io::HttpClient http_;
    io::IcmpSockets icmp_{loop_};
};

// What probes share, on a loop of its own.
struct ProbeBench {
    io::Loop loop;
    io::Resolvers resolvers{loop};
    io::HttpClient http{loop};
    io::IcmpSockets icmp{loop};

    checks::ProbeServices services() { return {loop, resolvers, http, icmp}; }

    // Runs `probe` to its outcome and requires that it keeps its promises.
    checks::Outcome ask(checks::Probe& probe, Duration timeout = std::chrono::seconds(60)) {
        std::optional<checks::Outcome> result;
        bool within_start = true;
        const Instant now = io::monotonic_now();
        probe.start(now, now + timeout, [&](checks::Outcome outcome) {
            CHECK(!within_start);
            CHECK(!result.has_value());
            result = std::move(outcome);
        });
        within_start = false;
        REQUIRE(run_until(loop, [&] { return result.has_value(); }));
        return *result;
    }

    checks::Outcome ask(const checks::Definition& definition,
                        Duration timeout = std::chrono::seconds(60)) {
        return ask(*checks::make_probe(definition, services()), timeout);
    }

    // Asks with ever longer time-outs until the message says `part`: how far a
    // probe gets in a short time is the machine's affair.
    checks::Outcome ask_until_said(const checks::Definition& definition, std::string_view part) {
        checks::Outcome outcome;
        for (Duration timeout(20'000); timeout < std::chrono::seconds(30); timeout *= 4) {
            outcome = ask(definition, timeout);
            CHECK(outcome.latency >= timeout);
            if (outcome.message.find(part) != std::string::npos) break;
        }
        return outcome;
    }
};

// For a test that has a loop of its own: asserts that the probe answers, later,
// once and by the deadline.
inline checks::Outcome run_probe(io::Loop& loop, checks::Probe& probe, Duration timeout) {
    std::optional<checks::Outcome> outcome;
    const Instant now = io::monotonic_now();
    probe.start(now, now + timeout, [&](checks::Outcome found) {
        PICKET_ASSERT(!outcome.has_value());
        outcome = std::move(found);
        loop.stop();
    });
    PICKET_ASSERT(!outcome.has_value());
    loop.run();
    PICKET_ASSERT(outcome.has_value());
    return *std::move(outcome);
}

inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace picket::testing
