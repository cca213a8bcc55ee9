// Agreement, seen from outside: what a mesh must hold, and how soon.

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/agreement_world.h"

namespace picket::testing {
namespace {

using namespace std::chrono_literals;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread.
    return text == nullptr || *text == '\0' ? otherwise : std::stoull(text);
}

// How long until every agent holds the target's next epoch.
std::optional<Duration> until_all_hold(AgreementWorld& world, std::size_t target,
                                       std::uint32_t epoch, Duration most) {
    const Duration began = world.elapsed();
    while (world.elapsed() - began < most) {
        if (world.all_hold(target, epoch)) return world.elapsed() - began;
        world.run_for(10ms);
    }
    return std::nullopt;
}

TEST_CASE("a mesh of five holds an outage within seconds, and its end") {
    AgreementWorld world({.agents = 5, .seed = 1});
    world.tracing = true;
    world.run_for(30s);
    CHECK(world.all_hold(0, 0));
    CHECK(world.state(0, 0) == gossip::State::up);
    world.targets()[0].manner = Manner::refuses;
    const auto opened = until_all_hold(world, 0, 1, 10s);
    REQUIRE_MESSAGE(opened.has_value(), world.trace);
    CHECK(*opened <= 4s);
    world.run_for(30s);
    world.targets()[0].manner = Manner::answers;
    const auto cleared = until_all_hold(world, 0, 2, 20s);
    REQUIRE_MESSAGE(cleared.has_value(), world.trace);
    CHECK(*cleared <= 5s);
    CHECK(world.complaints() == "");
    std::cout << to_seconds(*opened) << " s, " << to_seconds(*cleared) << " s\n";
}

struct Times {
    double median = 0;
    double worst = 0;
};

Times of(std::vector<double> seconds) {
    std::sort(seconds.begin(), seconds.end());
    return {seconds[seconds.size() / 2], seconds.back()};
}

struct Expected {
    std::size_t agents;
    double median;
    double worst;
};

// Twenty outages at random phases, and their ends.
void check_times(Manner manner, const Expected& expected) {
    CAPTURE(static_cast<int>(manner));
    CAPTURE(expected.agents);
    std::vector<double> opened;
    std::vector<double> cleared;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        AgreementWorld world({.agents = expected.agents, .seed = seed});
        world.targets()[0].dawdle = 1s;
        world.run_for(250s + Duration(seed * 473'000));
        world.targets()[0].manner = manner;
        const auto down = until_all_hold(world, 0, 1, 60s);
        CHECK(down.has_value());
        opened.push_back(to_seconds(down.value_or(99s)));
        world.run_for(40s + Duration(seed * 573'000));
        world.targets()[0].manner = Manner::answers;
        const auto up = until_all_hold(world, 0, 2, 60s);
        CHECK(up.has_value());
        cleared.push_back(to_seconds(up.value_or(99s)));
        CHECK(world.complaints() == "");
        CHECK(world.attempts_peak(0, 2s) <= 16);
        // Four times what it costs at rest.
        CHECK(world.attempts_peak(0, 60s) <= 4 * 6 * std::min<std::size_t>(expected.agents, 5));
    }
    const Times open = of(opened);
    const Times clear = of(cleared);
    CHECK(open.median <= expected.median);
    CHECK(open.worst <= expected.worst);
    std::cout << "agents " << expected.agents << ", manner " << static_cast<int>(manner)
              << ": held by all after " << open.median << " s, at worst " << open.worst
              << " s; its end " << clear.median << " s, " << clear.worst << " s\n";
}

TEST_CASE("a refused target is held down by all within seconds, however many they are") {
    for (const Expected& expected : {Expected{1, 7.5, 12.1},
                                     {2, 4.2, 6.6},
                                     {3, 3.4, 4.8},
                                     {5, 2.7, 3.9},
                                     {12, 2.8, 4.0},
                                     {100, 2.9, 4.2}}) {
        check_times(Manner::refuses, expected);
    }
}

TEST_CASE("so is one that swallows what is sent to it, one timeout later") {
    for (const Expected& expected : {Expected{1, 10.5, 15.1},
                                     {2, 8.4, 11.0},
                                     {3, 7.6, 8.9},
                                     {5, 6.8, 7.9},
                                     {12, 6.8, 8.0},
                                     {100, 6.9, 8.2}}) {
        check_times(Manner::swallows, expected);
    }
}

TEST_CASE("so is one that answers too late") {
    for (const Expected& expected : {Expected{1, 8.5, 13.1},
                                     {2, 6.2, 8.6},
                                     {3, 5.4, 6.8},
                                     {5, 4.8, 5.9},
                                     {12, 4.8, 6.0},
                                     {100, 4.9, 6.2}}) {
        check_times(Manner::dawdles, expected);
    }
}

// ---- Nobody is told what is not so

std::set<AgentIndex> some_of(Random& random, std::size_t agents, std::size_t count) {
    std::set<AgentIndex> chosen;
    while (chosen.size() < count) chosen.insert(random.below(agents));
    return chosen;
}

// Up to 49 % of the agents are parted from the others and from the target, for a while.
void part_and_heal(AgreementWorld& world, Random& random, Duration most) {
    const std::size_t agents = world.size();
    const std::size_t count = 1 + random.below(std::max<std::size_t>((agents - 1) / 2, 1));
    world.partition(some_of(random, agents, count));
    world.run_for(1s + Duration(static_cast<Duration::rep>(
                           random.below(static_cast<std::uint64_t>(most.count())))));
    world.heal();
}

// The panel's three of fifteen agents are cut off for about as long as an attempt takes.
std::size_t heal_while_asking(std::uint64_t seed, const gossip::Ablations& ablations) {
    Random random(seed);
    AgreementWorld world({.agents = 15, .seed = seed, .witnesses = 3, .ablations = ablations});
    world.run_for(300s + Duration(static_cast<Duration::rep>(random.below(10'000'000))));
    std::set<AgentIndex> side;
    for (AgentIndex agent = 0; agent < 15; ++agent) {
        const auto seat = world.agreement(agent).seat(AgreementWorld::key(0));
        if (seat.has_value()) side.insert(agent);
    }
    world.partition(side);
    world.run_for(500ms + Duration(static_cast<Duration::rep>(random.below(6'000'000))));
    world.heal();
    world.run_for(20s);
    return world.false_openings();
}

struct Tally20 {
    std::size_t outages = 0;
    std::size_t missed = 0;
    std::size_t false_ones = 0;
    std::string complaints;
};

// Twenty minutes with partitions and real outages in between.
Tally20 twenty_minutes(std::uint64_t seed, const gossip::Ablations& ablations) {
    Random random(seed);
    AgreementWorld world(
        {.agents = 15, .seed = seed, .weather = {.loss_percent = 5}, .ablations = ablations});
    Tally20 result;
    world.run_for(30s);
    while (world.elapsed() < 20min) {
        if (random.chance(2, 3)) {
            part_and_heal(world, random, 90s);
            world.run_for(30s);
            continue;
        }
        const std::uint32_t before = world.epoch_of(0, 0);
        world.targets()[0].manner = random.chance(1, 2) ? Manner::refuses : Manner::swallows;
        world.run_for(60s);
        ++result.outages;
        if (!world.all_hold(0, before + 1)) ++result.missed;
        world.targets()[0].manner = Manner::answers;
        world.run_for(60s);
    }
    result.false_ones = world.false_openings();
    result.complaints = world.complaints();
    return result;
}

TEST_CASE("in runs of twenty minutes with partitions no outage is false, none missed") {
    Tally20 sum;
    for (std::uint64_t seed = 1; seed <= setting("RUNS", 200) / 8; ++seed) {
        CAPTURE(seed);
        const Tally20 run = twenty_minutes(seed, {});
        CHECK(run.false_ones == 0);
        CHECK(run.missed == 0);
        CHECK(run.complaints == "");
        sum.outages += run.outages;
    }
    std::cout << sum.outages << " outages, none missed, none false\n";
}

TEST_CASE("without the roll call a side that is cut off tells outages that are none") {
    std::size_t false_ones = 0;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        false_ones += twenty_minutes(seed, {.no_roll_call = true}).false_ones;
    }
    std::cout << "no roll call: " << false_ones << " false outages in 8 runs\n";
    CHECK(false_ones > 0);
}

TEST_CASE("without 'begun after the first attempt' the roll call proves too little") {
    std::size_t false_ones = 0;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        false_ones += twenty_minutes(seed, {.roll_call_at_any_time = true}).false_ones;
    }
    std::cout << "a roll call of any time: " << false_ones << " false outages in 8 runs\n";
    CHECK(false_ones > 0);
}

TEST_CASE("a roll call that passes after the attempts proves too little, too") {
    std::size_t false_ones = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        false_ones += heal_while_asking(seed, {.roll_call_beside_attempts = true});
        CHECK(heal_while_asking(seed, {}) == 0);
    }
    std::cout << "a roll call beside the attempts: " << false_ones
              << " false outages in 60 partitions\n";
    CHECK(false_ones > 0);
}

// Two of five said FAIL and stand still since; the outage ends; a third loses its path.
std::size_t opened_by_old_votes(const gossip::Ablations& ablations) {
    std::size_t count = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        AgreementWorld world({.agents = 5, .seed = seed, .ablations = ablations});
        world.run_for(230s);
        world.targets()[0].manner = Manner::refuses;
        world.run_for(90s);
        for (AgentIndex agent = 0; agent < 2; ++agent) world.pause(agent, 120s);
        world.targets()[0].manner = Manner::answers;
        world.run_for(15s);
        if (world.epoch_of(2, 0) != 2) continue;
        world.targets()[0].cut = {3};
        world.run_for(20s);
        if (world.epoch_of(2, 0) == 3) ++count;
    }
    return count;
}

TEST_CASE("votes on what is over open nothing, but if they counted for ever they would") {
    CHECK(opened_by_old_votes({}) == 0);
    const std::size_t without = opened_by_old_votes({.votes_for_ever = true});
    std::cout << "votes for ever: " << without << " of 20 outages told again\n";
    CHECK(without > 0);
}

// An outage is held; a minority is parted with a path to where the target seems well.
std::size_t false_recoveries(const gossip::Ablations& ablations) {
    std::size_t count = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        AgreementWorld world({.agents = 5, .seed = seed, .witnesses = 2, .ablations = ablations});
        world.run_for(30s);
        // Down for all; then well for agents 0 and 1, who are on their own.
        for (AgentIndex agent = 0; agent < 5; ++agent) world.targets()[0].cut.insert(agent);
        world.run_for(40s);
        if (!world.all_hold(0, 1)) continue;
        world.targets_inside = {0};
        world.partition({0, 1});
        for (AgentIndex agent = 0; agent < 2; ++agent) world.targets()[0].cut.erase(agent);
        world.run_for(60s);
        if (world.epoch_of(0, 0) == 2) ++count;
    }
    return count;
}

TEST_CASE("a side that is cut off closes nothing, but without the roll call it would") {
    CHECK(false_recoveries({}) == 0);
    const std::size_t without = false_recoveries({.clear_without_roll_call = true});
    std::cout << "CLEAR without the roll call: " << without << " of 40 false recoveries\n";
    CHECK(without > 0);
}

// One of two zones loses its path to the targets.
std::size_t opened_by_one_zone(const gossip::Ablations& ablations, std::size_t& degraded) {
    AgreementWorld world({.agents = 10, .targets = 100, .zones = 2, .ablations = ablations});
    world.run_for(40s);
    for (std::size_t target = 0; target < 100; ++target) {
        for (AgentIndex agent = 0; agent < 10; agent += 2)
            world.targets()[target].cut.insert(agent);
    }
    world.run_for(150s);
    std::size_t opened = 0;
    for (std::size_t target = 0; target < 100; ++target) {
        if (world.epoch_of(1, target) % 2 == 1) ++opened;
        const auto held = world.verdict(1, target);
        const bool named = held.has_value() && held->zones_failing == std::vector<std::string>{"a"};
        if (named && world.state(1, target) == gossip::State::degraded) ++degraded;
    }
    return opened;
}

TEST_CASE("a zone that lost its path degrades the checks, and opens none") {
    std::size_t degraded = 0;
    CHECK(opened_by_one_zone({}, degraded) == 0);
    CHECK(degraded >= 95);
    std::size_t ignored = 0;
    const std::size_t opened = opened_by_one_zone({.one_zone_opens = true}, ignored);
    std::cout << degraded << " of 100 degraded; without the two-zone rule " << opened
              << " opened\n";
    CHECK(opened > 20);
}

TEST_CASE("a restart while cut off opens nothing, but without the reference it would") {
    for (const bool kept : {true, false}) {
        std::size_t opened = 0;
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            AgreementWorld world({.agents = 5, .seed = seed, .reference_kept = kept});
            world.run_for(30s);
            world.partition({3});
            world.run_for(20s);
            world.crash(3);
            world.run_for(5s);
            world.restart(3);
            world.run_for(60s);
            if (world.epoch_of(3, 0) == 1) ++opened;
            if (!kept) continue;
            CHECK(world.state(3, 0) == gossip::State::unknown);
            CHECK(world.agreement(3).no_quorum_text().find(
                      "1 of 5 known agents answer, 3 needed") != std::string::npos);
        }
        CHECK(opened == (kept ? 0U : 20U));
    }
}

}  // namespace
}  // namespace picket::testing
