// Families: the kinds of trouble that a mesh is played under, each as a script that runs
// in either world (AccordWorld, AgreementWorld).
//
// A seed draws a family and its details. The mesh starts; the trouble begins at 40 s and
// is over by 190 s; then all must hold the same, and a real outage and its end must be
// found in time. What happened meanwhile the onlooker has judged.

#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "agent/base/random.h"
#include "tests/sim/sim_targets.h"

namespace picket::testing {

// A number from the environment, as `make sim` sets them.
inline std::uint64_t setting(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread.
    return text == nullptr || *text == '\0' ? otherwise : std::stoull(text);
}

enum class Fault {
    none,
    loss,
    duplicates,
    tails,
    partition,
    zone_partition,
    flapping_partition,
    short_partition,
    cut_after_roll_call,  // Shorter than five seconds.
    heal_while_asking,
    three_way,
    one_way,
    sick,
    a_tenth_sick,
    a_third_sick,
    pauses,
    starved,
    clock_steps,
    churn,
    rolling_restart,
    restart_isolated,
    memory_lost,
    old_snapshot,
    edits,
    host_and_service,
    flapping_target,
    flapping_then_death,
};
constexpr std::array<std::string_view, 27> fault_names{"none",
                                                       "loss",
                                                       "duplicates",
                                                       "tails",
                                                       "partition",
                                                       "zone partition",
                                                       "flapping partition",
                                                       "short partition",
                                                       "cut after roll call",
                                                       "heal while asking",
                                                       "three-way",
                                                       "one-way",
                                                       "sick",
                                                       "a tenth sick",
                                                       "a third sick",
                                                       "pauses",
                                                       "starved",
                                                       "clock steps",
                                                       "churn",
                                                       "rolling restart",
                                                       "restart isolated",
                                                       "memory lost",
                                                       "old snapshot",
                                                       "edits",
                                                       "host and service",
                                                       "flapping target",
                                                       "flapping then death"};

// As a seed draws it first of all; FAULT= names another.
inline Fault fault_of(Random& random) {
    return static_cast<Fault>(setting("FAULT", random.below(fault_names.size())));
}

// Half of the mesh, or a part of it, is gone for the others, who ask about each of them.
inline bool parts_the_mesh(Fault fault) {
    constexpr std::array parting{Fault::partition,          Fault::zone_partition,
                                 Fault::flapping_partition, Fault::short_partition,
                                 Fault::three_way,          Fault::churn};
    return std::find(parting.begin(), parting.end(), fault) != parting.end();
}

template <typename World>
class Scenario {
public:
    using enum Fault;

    Scenario(World& world, Random& random) : world_(world), random_(random) {}

    void play(Fault fault) {
        using namespace std::chrono_literals;
        switch (fault) {
            case none:
                return;
            case loss:
                return weather({.loss_percent = 5 + static_cast<unsigned>(random_.below(26))});
            case duplicates:
                return weather({.delay_max = 80ms, .duplicate_percent = 50});
            case tails:
                return weather({.tail_percent = 20, .tail_max = 1500ms});
            case partition:
                return part(minority(), up_to(90s));
            case zone_partition:
                return part(third_zone(), 60s);
            case flapping_partition:
                return part_often(5, 3s, 8s);
            case short_partition:
                return part_often(8, 0s, 5s);
            case cut_after_roll_call:
                return cut_after_a_roll_call();
            case heal_while_asking:
                return heal_while_they_ask();
            case three_way:
                return part_three_ways();
            case one_way:
                return go_deaf();
            case sick:
                return fall_sick(1);
            case a_tenth_sick:
                return fall_sick(std::max<std::size_t>(1, agents() / 10));
            case a_third_sick:
                return fall_sick(std::max<std::size_t>(1, agents() * 3 / 10));
            case pauses:
                return stop(6, 12s, 15s);
            case starved:
                return stop(60, 900ms, 2s);
            case clock_steps:
                return step_clocks();
            case churn:
                return come_and_go();
            case rolling_restart:
                return restart_during_an_outage();
            case restart_isolated:
                return restart_alone();
            case memory_lost:
                return restart_all(agents() < 3);
            case old_snapshot:
                return restore_old_disk();
            case edits:
                return edit_definitions();
            case host_and_service:
                return agents() > 1 ? die_together() : void();
            case flapping_target:
                return flap();
            case flapping_then_death:
                return flap_then_die();
        }
    }

private:
    std::size_t agents() const { return world_.size(); }
    SimTarget& target() { return world_.targets()[0]; }
    Duration up_to(Duration most) {
        return Duration(
            static_cast<Duration::rep>(random_.below(static_cast<std::uint64_t>(most.count()))));
    }
    AgentIndex anybody() { return random_.below(agents()); }
    // Fewer than half.
    std::set<AgentIndex> minority() {
        std::set<AgentIndex> side;
        const std::size_t count = agents() < 3 ? 1 : 1 + random_.below((agents() - 1) / 2);
        while (side.size() < count) side.insert(anybody());
        return side;
    }
    std::set<AgentIndex> third_zone() const {
        std::set<AgentIndex> side;
        for (AgentIndex agent = 2; agent < agents(); agent += 3) side.insert(agent);
        return side;
    }
    // The witnesses, as far as they are no majority.
    std::set<AgentIndex> witnesses() {
        std::set<AgentIndex> side;
        for (AgentIndex agent = 0; agent < agents(); ++agent) {
            if (2 * (side.size() + 1) >= agents()) break;
            if (world_.agreement(agent).seat(World::key(0)).has_value()) side.insert(agent);
        }
        return side.empty() ? minority() : side;
    }

    void weather(const Weather& bad) {
        world_.network().set_weather(bad);
        world_.run_for(std::chrono::seconds(90));
        world_.network().set_weather({});
    }
    void part(const std::set<AgentIndex>& side, Duration length) {
        if (side.empty()) return;
        world_.partition(side);
        world_.run_for(length);
        world_.heal();
    }
    void part_often(int times, Duration least, Duration more) {
        for (int i = 0; i < times; ++i) {
            part(minority(), least + up_to(more));
            world_.run_for(up_to(more));
        }
    }
    // A witness sees a failure and its roll call passes; then it is cut off.
    void cut_after_a_roll_call() {
        for (int i = 0; i < 4; ++i) {
            const std::set<AgentIndex> side = witnesses();
            const AgentIndex witness = *side.begin();
            const auto passed = [&] {
                const auto& last = world_.agreement(witness).last_roll_call();
                return last.has_value() && last->passed ? last->began : Instant{};
            };
            const Instant before = passed();
            target().cut = {witness};
            for (int step = 0; step < 300 && passed() == before; ++step) {
                world_.run_for(std::chrono::milliseconds(50));
            }
            target().cut.clear();
            part(side, up_to(std::chrono::seconds(5)));
            world_.run_for(std::chrono::seconds(5) + up_to(std::chrono::seconds(10)));
        }
    }
    // The panel is cut off for about as long as an attempt takes.
    void heal_while_they_ask() {
        for (int i = 0; i < 6; ++i) {
            part(witnesses(), std::chrono::milliseconds(500) + up_to(std::chrono::seconds(6)));
            world_.run_for(std::chrono::seconds(5) + up_to(std::chrono::seconds(8)));
        }
    }
    void part_three_ways() {
        for (AgentIndex a = 0; a < agents(); ++a) {
            for (AgentIndex b = 0; b < agents(); ++b) {
                if (a % 3 != b % 3) world_.cut(a, b);
            }
        }
        world_.run_for(std::chrono::seconds(40));
        world_.heal();
    }
    void go_deaf() {
        const AgentIndex deaf = anybody();
        for (AgentIndex other = 0; other < agents(); ++other) {
            if (other != deaf && !random_.chance(1, 3)) world_.cut(other, deaf);
        }
        world_.run_for(std::chrono::seconds(60));
        world_.heal();
    }
    void fall_sick(std::size_t count) {
        while (world_.targets().sick.size() < count) world_.targets().sick.insert(anybody());
        world_.run_for(std::chrono::seconds(90));
        world_.targets().sick.clear();
    }
    void stop(int times, Duration most, Duration apart) {
        for (int i = 0; i < times && world_.elapsed() < std::chrono::seconds(140); ++i) {
            world_.pause(anybody(), up_to(most));
            world_.run_for(up_to(apart));
        }
    }
    void step_clocks() {
        for (int i = 0; i < 6; ++i) {
            world_.step_clock(anybody(), std::chrono::hours(random_.chance(1, 2) ? 1 : -1));
            world_.run_for(std::chrono::seconds(10));
        }
    }
    void restart(AgentIndex agent, Duration down, bool memory_kept = true) {
        world_.crash(agent);
        world_.run_for(down);
        world_.restart(agent, memory_kept);
    }
    // Up to three in ten are gone at a time.
    void come_and_go() {
        const std::size_t most = std::max<std::size_t>(1, agents() * 3 / 10);
        while (world_.elapsed() < std::chrono::seconds(130)) {
            std::set<AgentIndex> gone;
            while (gone.size() < most) gone.insert(anybody());
            for (const AgentIndex agent : gone) world_.crash(agent);
            world_.run_for(std::chrono::seconds(2) + up_to(std::chrono::seconds(20)));
            for (const AgentIndex agent : gone) world_.restart(agent);
            world_.run_for(std::chrono::seconds(5) + up_to(std::chrono::seconds(10)));
        }
    }
    void restart_all(bool memory_kept) {
        for (AgentIndex agent = 0; agent < agents() && world_.elapsed() < std::chrono::seconds(140);
             ++agent) {
            restart(agent, std::chrono::seconds(1) + up_to(std::chrono::seconds(2)), memory_kept);
            world_.run_for(std::chrono::seconds(agents() > 20 ? 1 : 6));
        }
    }
    void restart_during_an_outage() {
        target().manner = Manner::refuses;
        world_.run_for(std::chrono::seconds(20));
        restart_all(true);
        target().manner = Manner::answers;
    }
    void restart_alone() {
        const AgentIndex agent = anybody();
        world_.partition({agent});
        world_.run_for(std::chrono::seconds(20));
        restart(agent, std::chrono::seconds(3));
        world_.run_for(std::chrono::seconds(40));
        world_.heal();
    }
    // A machine is restored as it was before an outage.
    void restore_old_disk() {
        if constexpr (requires { world_.restore_snapshot(0); }) {
            const AgentIndex agent = anybody();
            world_.take_snapshot(agent);
            flap();
            world_.crash(agent);
            world_.restore_snapshot(agent);
            world_.run_for(std::chrono::seconds(3));
            world_.restart(agent);
        }
    }
    // A roll-out from agent to agent while an outage is held, and one back.
    void edit_definitions() {
        if constexpr (requires { world_.edit(0, 2); }) {
            target().manner = random_.chance(1, 2) ? Manner::refuses : Manner::answers;
            world_.run_for(std::chrono::seconds(15));
            const Duration hurried = Duration(10'000'000) / static_cast<Duration::rep>(agents());
            for (const std::uint64_t revision : {2U, 3U}) {
                for (AgentIndex agent = 0; agent < agents(); ++agent) {
                    world_.edit(agent, revision);
                    world_.run_for(agents() <= 20 ? up_to(std::chrono::seconds(3)) : hurried);
                }
                world_.run_for(std::chrono::seconds(10));
            }
            target().manner = Manner::answers;
        }
    }
    void die_together() {
        const AgentIndex host = anybody();
        target().host = host;
        world_.crash(host);
        world_.run_for(std::chrono::seconds(60));
        world_.restart(host);
        target().host.reset();
        target().manner = Manner::answers;
    }
    void flap() {
        for (int i = 0; i < 6; ++i) {
            target().manner = i % 2 == 0 ? Manner::refuses : Manner::answers;
            world_.run_for(std::chrono::seconds(15));
        }
        target().manner = Manner::answers;
    }
    void flap_then_die() {
        flap();
        target().manner = Manner::swallows;
        world_.run_for(std::chrono::seconds(30));
        target().manner = Manner::answers;
    }

    World& world_;
    Random& random_;
};

// One agent alone and two of two have no majority that could outvote a sick or cut one: what they
// open may be false.
inline bool price_of_smallness(std::size_t agents, Fault fault) {
    constexpr std::array cuts{Fault::sick,
                              Fault::a_tenth_sick,
                              Fault::a_third_sick,
                              Fault::partition,
                              Fault::zone_partition,
                              Fault::flapping_partition,
                              Fault::short_partition,
                              Fault::cut_after_roll_call,
                              Fault::heal_while_asking,
                              Fault::one_way,
                              Fault::three_way,
                              Fault::restart_isolated};
    return agents < 3 && std::find(cuts.begin(), cuts.end(), fault) != cuts.end();
}

// From the moment a target refuses for all until all hold its outage: I/k + T_s + J + T +
// g + 2 s, while the soft timeout is not learnt yet; three attempts where one is alone.
inline Duration opens_within(std::size_t agents, Duration interval, Duration timeout) {
    using namespace std::chrono_literals;
    if (agents == 1) return interval + 2 * 1s + 2s;
    const Duration slot = interval / static_cast<Duration::rep>(std::min<std::size_t>(agents, 5));
    return slot + timeout + 500ms + timeout + 1s + 2s;
}

// Complaints but for those of outages that are none.
inline std::string without_false_openings(const std::string& complaints) {
    std::string others;
    std::istringstream lines(complaints);
    for (std::string line; std::getline(lines, line);) {
        if (line.find("S5: ") == std::string::npos) others += line + '\n';
    }
    return others;
}

// What everybody holds of the target, and who witnesses it, must be one and the same; empty where
// it is.
template <typename World>
std::string differences(const World& world) {
    std::set<std::string> versions;
    std::set<std::string> panels;
    std::string complaints;
    for (AgentIndex agent = 0; agent < world.size(); ++agent) {
        const auto held = world.verdict(agent, 0);
        if (held) versions.insert(fmt::format("{}.{}.{}", held->era, held->epoch, held->sub));
        const auto view = world.check_view(agent, 0);
        std::string panel;
        std::size_t fit = 0;
        for (const auto& witness : view.panel) {
            panel += witness.name + " ";
            fit += witness.fit;
        }
        panels.insert(panel);
        // Of as many as it would have if everybody were fit.
        if (fit < std::min<std::size_t>(world.size(), 5) / 2 + 1) {
            complaints += fmt::format("L4: to a{} the panel is {}, {} fit\n", agent, panel, fit);
        }
    }
    if (versions.size() > 1) complaints += fmt::format("L1: {}\n", fmt::join(versions, ", "));
    if (World::tells_fitness && panels.size() > 1)
        complaints += fmt::format("L4: {}\n", fmt::join(panels, ", "));
    return complaints;
}

// Plays one seed, with the fault that it draws or that is named; a line for each promise that was
// broken.
template <typename World>
std::string play_seed(std::uint64_t seed, std::size_t agents, std::optional<Fault> named = {}) {
    using namespace std::chrono_literals;
    Random random(seed);
    const Fault drawn = fault_of(random);
    const Fault fault = named.value_or(drawn);
    typename World::Options options{.agents = agents, .seed = random.next()};
    // How a large mesh comes to know itself is played elsewhere, and costs as much as all else.
    if constexpr (requires { options.converged; }) options.converged = agents >= 100;
    World world(options);
    world.tracing = setting("TRACE", 0) != 0;
    world.run_for(40s);
    Scenario<World>(world, random).play(fault);
    const Duration settled = std::max<Duration>(190s, world.elapsed() + 60s);
    world.run_for(settled - world.elapsed());
    std::string complaints = price_of_smallness(agents, fault)
                                 ? without_false_openings(world.complaints())
                                 : world.complaints();

    // All is well again: the agents agree, and a real outage is found in time.
    const std::uint32_t before = world.epoch_of(0, 0);
    if (!world.all_hold(0, before)) complaints += "L1: views differ\n";
    if (before % 2 == 1) complaints += "L3: an outage is held that is over\n";
    complaints += differences(world);
    world.targets()[0].manner = Manner::refuses;
    world.run_for(opens_within(agents, 10s, 3s));
    if (!world.all_hold(0, before + 1)) complaints += "L2: a real outage is not held by all\n";
    world.run_for(20s);
    world.targets()[0].manner = Manner::answers;
    // An interval and two rounds; one that opens often lasts a minute.
    world.run_for(20s + (before >= 2 ? 40s : 0s));
    if (!world.all_hold(0, before + 2)) complaints += "L3: its end is not held by all\n";
    if (world.attempts_peak(0, 2s) > 16) complaints += "more than 16 questions in two seconds\n";
    if (world.attempts_peak(0, 60s) > 4 * 6 * std::min<std::size_t>(agents, 5)) {
        complaints += "more than four times the steady load in a minute\n";
    }
    if (world.tracing) std::cout << world.trace;
    if (complaints.empty()) return complaints;
    return fmt::format("{}, {} agents, seed {}:\n{}", fault_names[static_cast<std::size_t>(fault)],
                       agents, seed, complaints);
}

}  // namespace picket::testing
