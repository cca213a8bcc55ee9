// A probe run to its end on the test's own loop.

#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "agent/base/assert.h"
#include "agent/io/clock.h"
#include "agent/io/http_client.h"
#include "agent/io/loop.h"
#include "agent/io/resolver.h"
#include "checks/probes/kinds.h"
#include "checks/probes/probe.h"

namespace picket::tests {

// One of each of the things that probes share.
class SharedServices {
public:
    explicit SharedServices(io::Loop& loop, std::vector<SocketAddress> system_servers = {})
        : loop_(loop), resolvers_(loop, std::move(system_servers)), http_(loop) {}

    checks::ProbeServices get() { return {loop_, resolvers_, http_}; }

private:
    io::Loop& loop_;
    io::Resolvers resolvers_;
    io::HttpClient http_;
};

// Asserts that the probe answers, later, once and by the deadline.
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

}  // namespace picket::tests
