// Whole agents, simulated: what only shows where membership, dissemination, disks and
// agreement work together.

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <iostream>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/accord_world.h"
#include "tests/sim/families.h"

namespace picket::testing {
namespace {

using namespace std::chrono_literals;

bool all_know_why(const AccordWorld& world, std::size_t target, std::uint32_t epoch,
                  std::uint32_t sub = 0) {
    for (AgentIndex agent = 0; agent < world.size(); ++agent) {
        if (!world.up(agent)) continue;
        const auto* why = world.spread(agent).evidence(AccordWorld::key(target), epoch, sub);
        if (why == nullptr) return false;
    }
    return true;
}

// Of the liveness of a host, as an agent holds it.
std::uint32_t host_epoch(const AccordWorld& world, AgentIndex agent, AgentIndex host) {
    const auto* verdict =
        world.spread(agent).verdict(gossip::check_key("host/" + AccordWorld::name(host)));
    return verdict == nullptr ? 0 : verdict->epoch;
}

TEST_CASE("every agent can say why, one that was away and one that lost its disk, too") {
    AccordWorld world({.agents = 6, .seed = 2});
    world.run_for(40s);
    world.crash(4);
    world.crash(5);
    world.run_for(20s);
    world.targets()[0].manner = Manner::refuses;
    world.run_for(15s);
    REQUIRE(world.all_hold(0, 1));
    CHECK(all_know_why(world, 0, 1));
    world.restart(4);
    world.restart(5, false);
    world.run_for(20s);
    CHECK(world.all_hold(0, 1));
    CHECK(all_know_why(world, 0, 1));
    world.targets()[0].manner = Manner::answers;
    world.run_for(20s);
    CHECK(world.all_hold(0, 2));
    CHECK(all_know_why(world, 0, 2));
    CHECK(world.complaints() == "");
}

TEST_CASE("why a check is degraded, and why it is no more, all can say") {
    AccordWorld world({.agents = 10, .zones = 2, .seed = 5});
    world.run_for(40s);
    for (AgentIndex agent = 0; agent < 10; agent += 2) world.targets()[0].cut.insert(agent);
    world.run_for(120s);
    const auto degraded = world.verdict(1, 0);
    REQUIRE(degraded.has_value());
    REQUIRE(degraded->zones_failing == std::vector<std::string>{"a"});
    CHECK(all_know_why(world, 0, 0, degraded->sub));
    world.targets()[0].cut.clear();
    world.run_for(60s);
    const auto restored = world.verdict(1, 0);
    REQUIRE(restored.has_value());
    CHECK(restored->zones_failing.empty());
    CHECK(restored->sub > degraded->sub);
    CHECK(all_know_why(world, 0, 0, restored->sub));
    const auto told = world.spread(3).evidence_of_epoch(AccordWorld::key(0), 0);
    REQUIRE(told.size() >= 2);
    CHECK(told.front()->rule == gossip::Rule::degrade);
    CHECK(told.back()->rule == gossip::Rule::restore);
    const auto failed = [&](const auto& cast) {
        return cast.vote == gossip::Vote::fail && told.front()->witnesses[cast.witness].zone == "a";
    };
    CHECK(std::ranges::any_of(told.front()->votes, failed));
    CHECK(world.complaints() == "");
}

// Agents 3 and 4 of five are cut off from the others, and from the target.
TEST_CASE("who is cut off tells what it sees where its definition wants that, and its end") {
    using gossip::PartitionPolicy;
    for (const auto policy :
         {PartitionPolicy::freeze, PartitionPolicy::page, PartitionPolicy::local}) {
        CAPTURE(static_cast<int>(policy));
        AccordWorld world({.agents = 5, .seed = 8, .on_partition = policy, .target_zone = "a"});
        world.run_for(60s);
        world.partition({3, 4});
        world.run_for(45s);
        const bool page = policy == PartitionPolicy::page;
        for (const AgentIndex agent : {3U, 4U}) CHECK(world.shadows(agent).size() == page);
        if (policy == PartitionPolicy::local) {
            world.run_for(10min);
            CHECK(world.shadows(3).size() == 1);  // In zone a, as the target is.
            CHECK(world.shadows(4).empty());
        }
        world.heal();
        world.run_for(60s);
        const std::size_t told = policy == PartitionPolicy::freeze ? 0 : 2;
        CHECK(world.shadows(3).size() == told);
        if (told > 0) CHECK(world.shadows(3).back().find("over") != std::string::npos);
        for (AgentIndex agent = 0; agent < 3; ++agent) CHECK(world.shadows(agent).empty());
        CHECK(world.all_hold(0, 0));
        CHECK(world.complaints() == "");
    }
}

TEST_CASE("who is cut off tells nothing that most witnesses on its side see otherwise") {
    AccordWorld world({.agents = 15, .seed = 9, .on_partition = gossip::PartitionPolicy::page});
    world.run_for(60s);
    const std::set<AgentIndex> side{9, 10, 11, 12, 13, 14};
    world.network().partition(side);  // From each other; all reach the target.
    world.run_for(60s);
    const auto witness = std::ranges::find_if(side, [&](AgentIndex agent) {
        return world.agreement(agent).seat(AccordWorld::key(0)).has_value();
    });
    REQUIRE(witness != side.end());
    world.targets().sick.insert(*witness);
    world.run_for(3min);
    for (const AgentIndex agent : side) CHECK(world.shadows(agent).empty());
    CHECK(world.state(*witness, 0) == gossip::State::unknown);
    CHECK_FALSE(world.check_view(*witness, 0).shadow_outage);
    world.network().heal();
    world.run_for(60s);
    CHECK(world.complaints() == "");
}

// The stopped ones have a seat until membership declares them dead.
double until_held_by_three(Manner manner, std::uint64_t seed) {
    AccordWorld world({.agents = 5, .seed = seed});
    world.run_for(240s + Duration(seed * 473'000));
    for (const AgentIndex agent : {3U, 4U}) world.pause(agent, 60s);
    world.run_for(Duration(seed % 3 * 1'500'000));
    world.targets()[0].manner = manner;
    const Duration broken = world.elapsed();
    const auto held = [&] {
        return world.epoch_of(0, 0) == 1 && world.epoch_of(1, 0) == 1 && world.epoch_of(2, 0) == 1;
    };
    while (!held() && world.elapsed() - broken < 30s) world.run_for(50ms);
    const double taken = to_seconds(world.elapsed() - broken);
    world.run_for(90s);
    CHECK(world.all_hold(0, 1));
    CHECK(world.complaints() == "");
    return taken;
}

TEST_CASE("two witnesses of five that are stopped delay no outage beyond ten seconds") {
    for (const Manner manner : {Manner::refuses, Manner::swallows}) {
        std::vector<double> taken;
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            CAPTURE(seed);
            taken.push_back(until_held_by_three(manner, seed));
            CHECK(taken.back() <= 10);
        }
        std::ranges::sort(taken);
        std::cout << "two of five stopped, manner " << static_cast<int>(manner) << ": " << taken[10]
                  << " s, at worst " << taken.back() << " s\n";
    }
}

TEST_CASE("a hundred agents that start together ask a target as five do") {
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        CAPTURE(seed);
        AccordWorld world({.agents = 100, .seed = seed});
        world.run_for(40s);
        CHECK(world.attempts_peak(0, 2s) <= 5);
        CHECK(world.attempts_peak(0, 40s) <= 20);
        CHECK(world.all_hold(0, 0));
        CHECK(world.complaints() == "");
    }
}

TEST_CASE("a host that dies is told by votes, and that it is back, on all agents") {
    AccordWorld world({.agents = 7, .seed = 4});
    world.run_for(40s);
    world.crash(3);
    world.run_for(45s);
    for (const AgentIndex agent : {0U, 1U, 2U, 4U, 5U, 6U}) CHECK(host_epoch(world, agent, 3) == 1);
    world.crash(5);
    world.run_for(5s);
    world.restart(5, false);
    world.run_for(20s);
    CHECK(host_epoch(world, 5, 3) == 1);
    world.restart(3);
    world.run_for(60s);
    for (AgentIndex agent = 0; agent < 7; ++agent) CHECK(host_epoch(world, agent, 3) == 2);
    CHECK(world.complaints() == "");
}

// Who held the outage is another run by then, of which none has met the host.
TEST_CASE("a host that comes back after all others were restarted is told so, too") {
    for (const bool forgotten : {false, true}) {
        CAPTURE(forgotten);
        AccordWorld world({.agents = 5, .seed = 6});
        world.run_for(40s);
        world.crash(4);
        world.run_for(45s);
        for (AgentIndex agent = 0; agent < 4; ++agent) REQUIRE(host_epoch(world, agent, 4) == 1);
        for (AgentIndex agent = 0; agent < 4; ++agent) {
            world.crash(agent);
            world.run_for(2s);
            world.restart(agent);
            world.run_for(20s);
        }
        world.run_for(75s);
        const gossip::CheckKey host = gossip::check_key("host/" + AccordWorld::name(4));
        for (AgentIndex agent = 0; agent < 4; ++agent) {
            CHECK(world.state_of(agent, host) == gossip::State::down);
        }
        if (forgotten) world.run_for(11min);
        CHECK(world.spread(0).reference().counts(AccordWorld::name(4)) != forgotten);
        world.restart(4);
        world.run_for(60s);
        for (AgentIndex agent = 0; agent < 5; ++agent) CHECK(host_epoch(world, agent, 4) == 2);
        CHECK(world.complaints() == "");
    }
}

TEST_CASE("nobody is told dead by a side that is cut off, and the notice is with all later") {
    AccordWorld world({.agents = 7, .seed = 5});
    world.run_for(40s);
    world.partition({0, 1, 2});
    world.run_for(90s);
    for (const AgentIndex agent : {0U, 1U, 2U}) {
        for (const AgentIndex host : {3U, 4U, 5U, 6U}) CHECK(host_epoch(world, agent, host) == 0);
        CHECK(world.state(agent, 0) == gossip::State::unknown);
        CHECK(world.agreement(agent).no_quorum_text().find("3 of 7 known agents answer, 4") !=
              std::string::npos);
    }
    world.heal();
    world.run_for(60s);
    for (AgentIndex agent = 0; agent < 7; ++agent) {
        CHECK(world.agreement(agent).no_quorum_text().empty());
        CHECK(world.spread(agent).registry().count(gossip::RecordKind::notice) >= 1);
        CHECK(world.state(agent, 0) == gossip::State::up);
    }
    CHECK(world.complaints() == "");
}

TEST_CASE("half of six gone for good: the notice, then forget, then normal") {
    AccordWorld world({.agents = 6, .seed = 3});
    world.run_for(40s);
    for (const AgentIndex agent : {3U, 4U, 5U}) world.crash(agent);
    world.run_for(60s);
    // The tie may be the survivors' own: then there is nothing to forget.
    if (world.agreement(0).quorum()) {
        CHECK(world.agreement(1).quorum());
    } else {
        CHECK(world.agreement(0).no_quorum_text().find("3 of 6") != std::string::npos);
    }
    for (const AgentIndex agent : {3U, 4U, 5U}) {
        CHECK(world.forget(0, AccordWorld::name(agent)) == 1);
        world.retire(agent);
    }
    world.run_for(30s);
    for (const AgentIndex agent : {0U, 1U, 2U}) {
        CHECK(world.agreement(agent).quorum());
        CHECK(world.spread(agent).reference().counted().size() == 3);
    }
    world.targets()[0].manner = Manner::refuses;
    world.run_for(15s);
    CHECK(world.all_hold(0, 1));
    // Whoever comes back all the same counts again: nothing that was forgotten does so alone.
    world.run_for(10min);
    for (const AgentIndex agent : {0U, 1U, 2U}) {
        CHECK(world.spread(agent).reference().counted().size() == 3);
    }
    world.restart(4);
    world.run_for(60s);
    for (const AgentIndex agent : {0U, 1U, 2U, 4U}) {
        CHECK(world.spread(agent).reference().counted().size() == 4);
    }
    CHECK(world.complaints() == "");
}

// L6. Each host gets a successor with another name; nobody says goodbye.
TEST_CASE("a fleet of twenty whose hosts live an hour keeps its quorum") {
    constexpr std::size_t fleet = 20;
    constexpr std::size_t generations = 3;
    AccordWorld world({.agents = fleet * generations, .seed = 6, .begin = fleet});
    world.run_for(60s);
    std::size_t without_quorum = 0;
    std::size_t known_peak = 0;
    for (AgentIndex next = fleet; next < world.size(); ++next) {
        world.crash(next - fleet);
        world.retire(next - fleet);
        world.run_for(30s);
        world.restart(next, false);
        for (int second = 0; second < 150; second += 10) {
            world.run_for(10s);
            for (AgentIndex agent = next - fleet + 1; agent < next; ++agent) {
                if (!world.agreement(agent).quorum()) ++without_quorum;
                known_peak = std::max(known_peak, world.spread(agent).reference().counted().size());
            }
        }
    }
    std::cout << "one-hour hosts: a fleet of " << fleet << " knows at most " << known_peak
              << " agents\n";
    CHECK(without_quorum == 0);
    CHECK(known_peak <= fleet + 6);
    CHECK(world.complaints() == "");
}

// L5, with the queues and packets that carry it.
TEST_CASE("of twelve whole agents all hold a thousand outages ten seconds after they began") {
    AccordWorld world({.agents = 12, .targets = 1000, .seed = 3});
    world.run_for(60s);
    for (std::size_t target = 0; target < 1000; ++target) {
        world.targets()[target].manner = Manner::refuses;
    }
    world.run_for(10s);
    std::size_t held = 0;
    std::size_t held_by_all = 0;
    for (std::size_t target = 0; target < 1000; ++target) {
        std::size_t by = 0;
        for (AgentIndex agent = 0; agent < 12; ++agent) by += world.epoch_of(agent, target) == 1;
        held += by > 0;
        held_by_all += by == 12;
    }
    world.run_for(20s);
    std::size_t later = 0;
    for (std::size_t target = 0; target < 1000; ++target) later += world.all_hold(target, 1);
    std::cout << "1,000 checks at once: " << held << " confirmed within 10 s, " << held_by_all
              << " on all agents; " << later << " within 30 s\n";
    CHECK(held == 1000);
    CHECK(later == 1000);
    CHECK(world.complaints() == "");
}

// Payload of packets and of streams, that one agent sends in a second; once everything is told.
double bytes_at_rest(std::size_t agents, std::size_t targets) {
    AccordWorld world({.agents = agents, .targets = targets, .interval = 30s, .converged = true});
    const auto sent = [&] { return world.mesh().packet_bytes() + world.mesh().stream_bytes(); };
    world.run_for(180s);
    CHECK(world.all_hold(targets - 1, 0));
    const std::uint64_t before = sent();
    world.run_for(120s);
    CHECK(world.complaints() == "");
    return static_cast<double>(sent() - before) / 120 / static_cast<double>(agents);
}

TEST_CASE("checks that are well cost the mesh nothing") {
    const double few = bytes_at_rest(12, 1);
    const double many = bytes_at_rest(12, 200);
    std::cout << "at rest, 12 agents: " << few << " bytes a second with one check, " << many
              << " with 200\n";
    CHECK(many <= few + 20);
}

TEST_CASE("figures of a large mesh: what a thousand checks cost at rest" * doctest::skip()) {
    const std::size_t agents = setting("NODES", 100);
    const double few = bytes_at_rest(agents, 1);
    const double many = bytes_at_rest(agents, 1000);
    std::cout << agents << " agents at rest, bytes a second and agent: " << few
              << " with one check, " << many << " with a thousand\n";
    CHECK(many <= few + 100);
}

// `make sim-large ONLY='a thousand agents'`, of one family with FAULT=3, as families.h counts them.
TEST_CASE("figures of a large mesh: a thousand agents under each fault" * doctest::skip()) {
    const std::size_t agents = setting("NODES", 1000);
    const std::uint64_t first = setting("SEED", 1);
    for (std::size_t fault = 0; fault < fault_names.size(); ++fault) {
        if (setting("FAULT", fault) != fault) continue;
        for (std::uint64_t seed = first; seed < first + setting("RUNS", 1); ++seed) {
            const auto began = std::clock();
            CHECK(play_seed<AccordWorld>(seed, agents, Fault(fault)) == "");
            std::cout << fmt::format("{} agents, {}, seed {}: {} s of CPU", agents,
                                     fault_names[fault], seed,
                                     (std::clock() - began) / CLOCKS_PER_SEC)
                      << std::endl;
        }
    }
}

}  // namespace
}  // namespace picket::testing
