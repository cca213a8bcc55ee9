// Agreement under faults: each seed draws one family, 250 simulated seconds, and the onlooker
// looks at what was told. `make sim SEED=1234 RUNS=1 NODES=15` plays one again.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <set>
#include <string>

#include "tests/sim/accord_world.h"
#include "tests/sim/agreement_world.h"
#include "tests/sim/families.h"

namespace picket::testing {
namespace {

using namespace std::chrono_literals;

// Whole agents; but of the seeds that part a hundred of them, which take some seconds of CPU each,
// every fourth. The others are played with AgreementWorld, whose Agreement is the same. NODES=100
// plays all of them whole, WHOLE=0 none.
bool played_whole(std::uint64_t seed, std::size_t agents) {
    Random random(seed);
    const bool cheap = agents < 100 || !parts_the_mesh(fault_of(random)) || seed % 4 == 0;
    return setting("WHOLE", cheap || setting("NODES", 0) != 0 ? 1 : 0) != 0;
}

TEST_CASE("whatever the fault, no outage is false, none is missed, and all hold the same") {
    const std::uint64_t first = setting("SEED", 1);
    const std::uint64_t runs = setting("RUNS", 200);
    const std::uint64_t only = setting("NODES", 0);
    for (const std::size_t agents : {1U, 2U, 3U, 5U, 15U, 100U}) {
        if (only != 0 && agents != only) continue;
        for (std::uint64_t seed = first; seed < first + runs; ++seed) {
            CAPTURE(seed);
            CAPTURE(agents);
            CHECK((played_whole(seed, agents) ? play_seed<AccordWorld>(seed, agents)
                                              : play_seed<AgreementWorld>(seed, agents)) == "");
        }
    }
}

TEST_CASE("ten seeds of each size hold whatever the fault" * doctest::skip()) {
    for (const std::size_t agents : {1U, 2U, 3U, 5U}) {
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            CHECK(play_seed<AccordWorld>(seed, agents) == "");
        }
    }
}

// From the moment a target refuses until all hold its outage, at a random moment.
double until_all_hold(std::uint64_t seed, unsigned loss_percent) {
    Random random(seed);
    AccordWorld world(
        {.agents = 15, .seed = random.next(), .weather = {.loss_percent = loss_percent}});
    world.run_for(60s + Duration(random.below(10'000'000)));
    world.targets()[0].manner = Manner::refuses;
    const Duration broken = world.elapsed();
    while (!world.all_hold(0, 1) && world.elapsed() - broken < 60s) world.run_for(50ms);
    CHECK(world.complaints() == "");
    return to_seconds(world.elapsed() - broken);
}

TEST_CASE("packets that are lost delay an outage by little, and never hide it") {
    const double bound = to_seconds(opens_within(15, 10s, 3s));
    for (const unsigned loss : {0U, 10U, 30U}) {
        std::vector<double> taken;
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            CAPTURE(loss);
            CAPTURE(seed);
            taken.push_back(until_all_hold(seed, loss));
            CHECK(taken.back() <= (loss <= 10 ? bound : 3 * bound));
        }
        std::ranges::sort(taken);
        std::cout << loss << " % of packets lost: an outage is with all after " << taken[10]
                  << " s, at worst " << taken.back() << " s\n";
    }
}

TEST_CASE("a thousand checks that fail at once are confirmed within ten seconds") {
    AgreementWorld world({.agents = 12, .targets = 1000, .seed = 3});
    world.run_for(30s);
    for (std::size_t target = 0; target < 1000; ++target) {
        world.targets()[target].manner = Manner::refuses;
    }
    world.run_for(10s);
    std::size_t held = 0;
    for (std::size_t target = 0; target < 1000; ++target)
        held += world.all_hold(target, 1) ? 1U : 0U;
    CHECK(held == 1000);
    CHECK(world.complaints() == "");
}

// Behind a router that swallows all. An agent may ask 256 at a time, for ten seconds each, so
// most attempts wait for longer than any of them takes.
TEST_CASE("more silent targets than an agent may ask at once are all confirmed") {
    constexpr std::size_t targets = 600;
    AgreementWorld world({.agents = 3,
                          .targets = targets,
                          .seed = 3,
                          .interval = 30s,
                          .timeout = 10s,
                          .attempts_at_once = 256});
    world.run_for(90s);
    for (std::size_t target = 0; target < targets; ++target) {
        world.targets()[target].manner = Manner::swallows;
    }
    world.run_for(3min);
    std::size_t held = 0;
    for (std::size_t target = 0; target < targets; ++target) {
        held += world.all_hold(target, 1) ? 1U : 0U;
    }
    CHECK(held == targets);
    CHECK(world.complaints() == "");
}

// A monitor in one place asks three times, and tells after the third failure in a row.
std::size_t false_alarms_of_one_place(double failing, std::uint64_t seed, Duration length) {
    Random random(seed);
    std::size_t alarms = 0;
    int in_row = 0;
    for (Duration at{0}; at < length; at += 10s) {
        const bool fails = random.chance(static_cast<std::uint64_t>(failing * 1e6), 1'000'000);
        in_row = fails ? in_row + 1 : 0;
        if (in_row == 3) ++alarms;
    }
    return alarms;
}

struct FalseVerdicts {
    std::size_t mesh = 0;
    std::size_t one_place = 0;
};

// Attempts fail by chance. What twelve agents tell of ten checks, and a monitor each.
FalseVerdicts false_verdicts(double failing, Duration length) {
    AgreementWorld world({.agents = 12, .targets = 10, .seed = 9});
    for (std::size_t target = 0; target < 10; ++target) world.targets()[target].failing = failing;
    world.run_for(length);
    FalseVerdicts told{.mesh = world.openings()};
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        told.one_place += false_alarms_of_one_place(failing, seed, length);
    }
    return told;
}

TEST_CASE("attempts that fail by chance open fewer outages than three retries in one place") {
    const FalseVerdicts told = false_verdicts(0.05, 2h);
    std::cout << "p = 0.05: " << told.mesh << " false outages in 20 check-hours, " << told.one_place
              << " of one place\n";
    CHECK(told.mesh <= told.one_place);
}

TEST_CASE("figures of a large mesh: false verdicts a day" * doctest::skip()) {
    const auto days = static_cast<int>(setting("DAYS", 1));
    std::cout << "| an attempt fails by chance | false outages of 10 checks, mesh of 12 "
                 "| one place, 3 attempts |\n|---|---|---|\n";
    for (const double failing : {0.001, 0.01, 0.05}) {
        const FalseVerdicts told = false_verdicts(failing, days * 24h);
        std::cout << "| " << failing * 100 << " % | " << told.mesh << " | " << told.one_place
                  << " |\n";
    }
}

}  // namespace
}  // namespace picket::testing
