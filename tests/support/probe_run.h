// Asking a probe once, in a test.

#pragma once

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>

#include "agent/io/clock.h"
#include "agent/io/http_client.h"
#include "agent/io/loop.h"
#include "agent/io/resolver.h"
#include "checks/definition.h"
#include "checks/outcome.h"
#include "checks/probes/kinds.h"
#include "tests/support/loopback_server.h"

namespace picket::test {

// What probes share, on a loop of its own.
struct ProbeBench {
    io::Loop loop;
    io::Resolvers resolvers{loop};
    io::HttpClient http{loop};

    checks::ProbeServices services() { return {loop, resolvers, http}; }

    // Runs `probe` to its outcome and requires that it keeps its promises.
    checks::Outcome ask(checks::Probe& probe, Duration timeout = std::chrono::seconds(10)) {
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
                        Duration timeout = std::chrono::seconds(10)) {
        return ask(*checks::make_probe(definition, services()), timeout);
    }
};

inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace picket::test
