// Figures of large meshes, for docs/PERFORMANCE.md: `make sim-large ONLY=membership
// NODES=10000 LOSS=0`; WINDOW is how many simulated seconds are measured, where 60 take
// too long.
//
// The mesh starts converged, so that what is measured is how it runs, not how it
// was put together. Skipped among the tests: here nothing is promised but that all
// hear of everything.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/scenario.h"
#include "tests/sim/sim_mesh.h"

namespace picket::testing {
namespace {

using gossip::Liveness;
using gossip::MemberEvent;
using namespace std::chrono_literals;

std::size_t setting(const char* name, std::size_t otherwise) {
    const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread.
    return text == nullptr || *text == '\0' ? otherwise : std::stoul(text);
}

double at(const std::vector<Duration>& sorted, double share) {
    if (sorted.empty()) return 0;
    const auto place = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1));
    return to_seconds(sorted[place]);
}

// One message from agent 0; who hears it for the first time tells it on, as Serf's
// agents do. Returns when each heard it.
std::vector<Duration> spread_one(SimMesh& mesh) {
    std::vector<Duration> heard;
    std::vector<bool> knows(mesh.size());
    const Duration begin = mesh.elapsed();
    const std::string payload = fmt::format("p {}", begin.count());
    const auto tell = [&](AgentIndex agent) {
        knows[agent] = true;
        heard.push_back(mesh.elapsed() - begin);
        const Status told = mesh.mesh(agent).broadcast(mesh.clock(agent), gossip::Rank::verdicts, 1,
                                                       payload, gossip::Audience::picket);
        CHECK(told.has_value());
    };
    mesh.on_user = [&](AgentIndex agent, const gossip::UserMessage& message) {
        if (message.payload == payload && !knows[agent]) tell(agent);
    };
    tell(0);
    mesh.pump(0);
    while (heard.size() < mesh.size() && mesh.elapsed() - begin < 30s) mesh.run_for(100ms);
    mesh.on_user = nullptr;
    CHECK(heard.size() == mesh.size());
    std::ranges::sort(heard);
    return heard;
}

// Crashes one agent in a hundred at once. Returns when each of them was known failed
// to all that still run.
std::vector<Duration> crash_some(SimMesh& mesh) {
    const std::size_t victims = std::max<std::size_t>(1, mesh.size() / 100);
    std::vector<std::size_t> observers(mesh.size());
    std::vector<Duration> everywhere;
    const Duration begin = mesh.elapsed();
    const std::size_t rest = mesh.size() - victims;
    mesh.on_event = [&](AgentIndex, const MemberEvent& event) {
        if (event.kind != MemberEvent::Kind::changed) return;
        if (event.member.liveness != Liveness::failed) return;
        const AgentIndex subject = std::stoul(event.member.name.substr(1));
        if (mesh.up(subject) || ++observers[subject] != rest) return;
        everywhere.push_back(mesh.elapsed() - begin);
    };
    for (AgentIndex i = 0; i < victims; ++i) mesh.crash(2 + i * 97 % (mesh.size() - 2));
    const Duration bound = failure_bound(gossip::timings::lan, mesh.size());
    while (everywhere.size() < victims && mesh.elapsed() - begin < bound) mesh.run_for(1s);
    mesh.on_event = nullptr;
    CHECK(everywhere.size() == victims);
    return everywhere;
}

void print_figures(std::size_t agents, unsigned loss, Duration window) {
    SimMesh mesh({.agents = agents, .seed = 1, .converged = true, .trace = false});
    mesh.run_for(window / 2);
    mesh.network().set_weather({.loss_percent = loss});
    mesh.run_for(10s);
    const std::uint64_t packets = mesh.packets();
    const std::uint64_t packet_bytes = mesh.packet_bytes();
    const std::uint64_t stream_bytes = mesh.stream_bytes();
    mesh.run_for(window);
    const double per_agent = to_seconds(window) * static_cast<double>(agents);
    const double packet_rate = static_cast<double>(mesh.packet_bytes() - packet_bytes) / per_agent;
    const double stream_rate = static_cast<double>(mesh.stream_bytes() - stream_bytes) / per_agent;
    const double rate = static_cast<double>(mesh.packets() - packets) / per_agent;
    // Told piece by piece: the largest meshes take long, and their memory may run out.
    const std::vector<Duration> heard = spread_one(mesh);
    std::cout << fmt::format("| {} | {} % | {:.2f} / {:.2f} / {:.2f} s | {:.0f} + {:.0f} | {:.1f} ",
                             agents, loss, at(heard, 0.5), at(heard, 0.99), at(heard, 1.0),
                             packet_rate, stream_rate, rate)
              << std::flush;
    const std::vector<Duration> failed = crash_some(mesh);
    mesh.run_for(window);
    std::cout << fmt::format("| {} of {} in {:.1f} / {:.1f} s | {} |", failed.size(),
                             std::max<std::size_t>(1, agents / 100), at(failed, 0.5),
                             at(failed, 1.0), mesh.false_alarms())
              << std::endl;
}

TEST_CASE("figures of a large mesh: membership" * doctest::skip()) {
    std::cout << "| agents | loss | one broadcast known to 50 / 99 / 100 % | bytes/s per agent, "
                 "packets + streams | packets/s | crashed agents known failed everywhere, median / "
                 "last | false alarms |\n|---|---|---|---|---|---|---|\n";
    const std::size_t agents = setting("NODES", 1000);
    const Duration window = 1s * setting("WINDOW", 60);
    for (const unsigned loss : {0u, 10u, 30u}) {
        if (setting("LOSS", loss) == loss) print_figures(agents, loss, window);
    }
}

}  // namespace
}  // namespace picket::testing
