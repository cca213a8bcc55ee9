// Membership, seen from outside a whole mesh.
//
// Each test states a promise and tries to break it with bad networks and bad luck.
// `make sim SEED=1234 RUNS=1` plays one seed again and prints its story.

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

#include "tests/sim/scenario.h"
#include "tests/sim/sim_mesh.h"

namespace picket::testing {
namespace {

using gossip::Liveness;
using namespace std::chrono_literals;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread.
    return text == nullptr || *text == '\0' ? otherwise : std::stoull(text);
}

TEST_CASE("whatever the fault, the mesh finds together again, and is right") {
    const std::uint64_t first = setting("SEED", 1);
    const std::uint64_t runs = setting("RUNS", 200);
    const std::uint64_t agents = setting("NODES", 0);
    for (std::uint64_t seed = first; seed < first + runs; ++seed) {
        const Report report = run_scenario(seed, agents);
        CAPTURE(seed);
        CAPTURE(to_text(report.family));
        CAPTURE(report.agents);
        CHECK_MESSAGE(report.complaints.empty(), report.complaints);
        if (runs == 1) std::cout << report.trace;
    }
}

// For the sanitisers, which are too slow for all seeds: `make test` runs this alone.
TEST_CASE("ten seeds of each size hold" * doctest::skip()) {
    for (const std::size_t agents : scenario_sizes) {
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            const Report report = run_scenario(1000 * agents + seed, agents);
            CAPTURE(seed);
            CAPTURE(report.agents);
            CHECK_MESSAGE(report.complaints.empty(), report.complaints);
        }
    }
}

TEST_CASE("one seed gives one history, bit for bit") {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        const Report once = run_scenario(seed, 12);
        CHECK(once.trace == run_scenario(seed, 12).trace);
        CHECK_FALSE(once.trace.empty());
    }
}

TEST_CASE("a mesh that starts at once is complete within three seconds") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        SimMesh mesh({.agents = 50, .seed = seed, .start_spread = 200ms, .trace = false});
        mesh.run_for(3s);
        CHECK(disagreements(mesh) == "");
    }
}

TEST_CASE("no healthy member is declared failed while a tenth of all packets is lost") {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        CAPTURE(seed);
        SimMesh mesh({.agents = 50, .seed = seed, .weather = {.loss_percent = 10}, .trace = false});
        mesh.run_for(180s);
        CHECK(mesh.false_alarms() == 0);
        CHECK(disagreements(mesh) == "");
    }
}

TEST_CASE("an encrypted and compressed mesh behaves as any other") {
    SimMesh mesh(
        {.agents = 7, .seed = 3, .compress = true, .key = "0123456789abcdef", .trace = false});
    mesh.run_for(10s);
    CHECK(disagreements(mesh) == "");
    mesh.crash(2);
    mesh.run_for(failure_bound(gossip::timings::lan, 7));
    CHECK(disagreements(mesh) == "");
    CHECK(mesh.false_alarms() == 0);
}

// The longest of them; a run that asks for a few seeds leaves it out.
TEST_CASE("a thousand agents for ten minutes raise no false alarm") {
    if (setting("RUNS", 200) < 200) return;
    SimMesh mesh({.agents = setting("NODES", 1000), .start_spread = 5s, .trace = false});
    mesh.run_for(60s);
    CHECK(disagreements(mesh) == "");
    const std::uint64_t before = mesh.packet_bytes();
    mesh.run_for(9min);
    CHECK(mesh.false_alarms() == 0);
    std::cout << (mesh.packet_bytes() - before) / mesh.size() / 540
              << " B/s per agent in packets at rest\n";
}

// What the onlooker's false alarms are for: a test of the checker itself.
TEST_CASE("an agent that nothing reaches is noticed by the checkers") {
    SimMesh mesh({.agents = 5, .seed = 1});
    mesh.run_for(20s);
    for (AgentIndex other = 0; other < 4; ++other) mesh.network().cut(other, 4);
    mesh.run_for(60s);
    CHECK(disagreements(mesh) != "");
}

TEST_CASE("two sides find together when even their tombstones are gone") {
    SimMesh mesh({.agents = 4, .seed = 1, .trace = false});
    mesh.run_for(20s);
    mesh.network().partition({0, 1});
    mesh.run_for(25h);
    mesh.network().heal();
    mesh.run_for(4min);
    CHECK(disagreements(mesh) == "");
}

TEST_CASE("two sides that forgot each other long ago find together") {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        CAPTURE(seed);
        SimMesh mesh({.agents = 8, .seed = seed, .trace = false});
        mesh.run_for(20s);
        mesh.network().partition({0, 1, 2});
        mesh.run_for(20min);
        CHECK_FALSE(mesh.belief(0, 5).has_value());
        mesh.network().heal();
        mesh.run_for(4min);
        CHECK(disagreements(mesh) == "");
    }
}

}  // namespace
}  // namespace picket::testing
