#include "tests/sim/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "agent/base/assert.h"

namespace picket::testing {
namespace {

using gossip::Liveness;
using std::chrono::seconds;

constexpr Duration fault_begins = seconds(40);
constexpr Duration fault_lasts = seconds(70);
constexpr Duration run_lasts = seconds(250);

// What the seed decided beside the family.
struct Run {
    SimMesh& mesh;
    Random& random;
    Report& report;

    AgentIndex victim() const { return random.below(mesh.size()); }
    Duration up_to(Duration max) const {
        return Duration(random.below(static_cast<std::uint64_t>(max.count()) + 1));
    }
    void complain(std::string line) const { report.complaints += std::move(line) + "\n"; }
    void until(Duration end) const {
        if (end > mesh.elapsed()) mesh.run_for(end - mesh.elapsed());
    }
};

bool present(std::optional<Liveness> liveness) {
    return liveness.has_value() && gossip::present(*liveness);
}

void expect_gone_everywhere(const Run& run, AgentIndex gone, std::string_view promise) {
    for (AgentIndex observer = 0; observer < run.mesh.size(); ++observer) {
        if (!run.mesh.up(observer) || observer == gone) continue;
        if (!present(run.mesh.belief(observer, gone))) continue;
        run.complain(fmt::format("{}: {} still holds {} present at {:.1f} s", promise,
                                 SimMesh::name(observer), SimMesh::name(gone),
                                 to_seconds(run.mesh.elapsed())));
    }
}

void expect_no_alarm(const Run& run) {
    if (run.mesh.false_alarms() == 0) return;
    run.complain(
        fmt::format("a healthy member was declared failed {} times", run.mesh.false_alarms()));
}

void crash_and_return(const Run& run, SimMesh::Memory memory, bool elsewhere) {
    const AgentIndex agent = run.victim();
    run.mesh.crash(agent);
    run.until(fault_begins + run.up_to(fault_lasts));
    run.mesh.restart(agent, memory, elsewhere);
}

void weather(const Run& run, const Weather& weather) {
    run.mesh.network().set_weather(weather);
    run.until(fault_begins + fault_lasts);
    run.mesh.network().set_weather({});
}

std::set<AgentIndex> random_side(const Run& run) {
    std::set<AgentIndex> side;
    const std::size_t size = 1 + run.random.below(run.mesh.size() - 1);
    while (side.size() < size) side.insert(run.victim());
    return side;
}

void partition(const Run& run, Duration duration) {
    run.mesh.network().partition(random_side(run));
    run.until(fault_begins + duration);
    run.mesh.network().heal();
}

void cut(const Run& run) {
    const AgentIndex agent = run.victim();
    const bool deaf = run.random.chance(1, 2);
    for (AgentIndex other = 0; other < run.mesh.size(); ++other) {
        if (other == agent || run.random.chance(1, 3)) continue;
        deaf ? run.mesh.network().cut(other, agent) : run.mesh.network().cut(agent, other);
    }
    run.until(fault_begins + fault_lasts);
    run.mesh.network().heal();
}

void crash(const Run& run) {
    const AgentIndex agent = run.victim();
    run.mesh.crash(agent);
    run.until(fault_begins + failure_bound(gossip::timings::lan, run.mesh.size()));
    expect_gone_everywhere(run, agent, "a crashed agent is failed within the bound");
    run.until(run_lasts);
    expect_no_alarm(run);
}

void leave(const Run& run) {
    const AgentIndex agent = run.victim();
    run.mesh.leave(agent);
    run.until(fault_begins + seconds(10));
    expect_gone_everywhere(run, agent, "who leaves is known to have left");
    if (run.random.chance(1, 2)) run.mesh.rejoin(agent);
    run.until(run_lasts);
    expect_no_alarm(run);
}

void deaf_joiner(const Run& run) {
    const AgentIndex agent = run.mesh.size() - 1;
    run.mesh.crash(agent);
    for (AgentIndex other = 0; other < agent; ++other) run.mesh.network().cut(other, agent);
    run.until(fault_begins + seconds(35));
    run.mesh.restart(agent, SimMesh::Memory::lost);
    run.until(fault_begins + fault_lasts);
    run.mesh.network().heal();
}

// As virtual machines that were asleep: some wake up later than they think, one
// after the other or all at once.
void clock_jumps(const Run& run) {
    const std::size_t jumps = 1 + run.random.below(run.mesh.size());
    for (std::size_t i = 0; i < jumps; ++i) {
        run.mesh.jump_clock(run.victim(), run.up_to(std::chrono::hours(1)));
        if (run.random.chance(1, 2)) run.until(run.mesh.elapsed() + run.up_to(seconds(5)));
    }
    run.until(run_lasts);
    expect_no_alarm(run);
}

void play(const Run& run) {
    switch (run.report.family) {
        case Family::calm:
            run.until(run_lasts);
            return expect_no_alarm(run);
        case Family::loss:
            return weather(run, {.loss_percent = 5 + static_cast<unsigned>(run.random.below(26))});
        case Family::duplicates:
            weather(run, {.delay_max = std::chrono::milliseconds(80), .duplicate_percent = 50});
            run.until(run_lasts);
            return expect_no_alarm(run);
        case Family::tails:
            return weather(run, {.tail_percent = 20, .tail_max = std::chrono::milliseconds(1500)});
        case Family::one_way_cut:
            return cut(run);
        case Family::partition:
            return partition(run, run.up_to(fault_lasts));
        case Family::long_partition:
            // Long enough that both sides have reaped each other.
            return partition(run, fault_lasts);
        case Family::pause:
            run.mesh.pause(run.victim(), run.up_to(fault_lasts));
            run.until(run_lasts);
            return expect_no_alarm(run);
        case Family::crash:
            return crash(run);
        case Family::restart:
            return crash_and_return(run, SimMesh::Memory::kept, false);
        case Family::amnesia:
            return crash_and_return(run, SimMesh::Memory::lost, false);
        case Family::move:
            return crash_and_return(run, SimMesh::Memory::kept, true);
        case Family::leave:
            return leave(run);
        case Family::deaf_joiner:
            return deaf_joiner(run);
        case Family::clock_jump:
            return clock_jumps(run);
    }
}

}  // namespace

std::string_view to_text(Family family) {
    static constexpr std::array<std::string_view, family_count> words{
        "calm",      "loss",  "duplicates",  "tails",          "one-way cut",
        "partition", "pause", "crash",       "restart",        "amnesia",
        "move",      "leave", "deaf joiner", "long partition", "clock jump"};
    return words[static_cast<std::size_t>(family)];
}

// The first probe: somebody asks within so many intervals, but for one in a million
// runs. Then the longest deadline of a prober that is not well, the suspicion with
// nobody to confirm it, and the time for the word to spread.
Duration failure_bound(const gossip::Timings& timings, std::size_t agents) {
    constexpr int intervals_to_first_probe = 14;
    const gossip::SuspicionTimes suspicion = gossip::suspicion_times(timings, agents);
    return timings.probe_interval * (intervals_to_first_probe + timings.health_max) +
           suspicion_timeout(suspicion, 0) + 25 * timings.gossip_interval;
}

std::string disagreements(const SimMesh& mesh) {
    std::string lines;
    for (AgentIndex observer = 0; observer < mesh.size(); ++observer) {
        if (!mesh.up(observer)) continue;
        for (AgentIndex subject = 0; subject < mesh.size(); ++subject) {
            const auto belief = mesh.belief(observer, subject);
            if (present(belief) == mesh.up(subject)) continue;
            lines += fmt::format("{} holds {} {}, which {}\n", SimMesh::name(observer),
                                 SimMesh::name(subject),
                                 belief.has_value() ? to_text(*belief) : "unknown",
                                 mesh.up(subject) ? "runs" : "is gone");
        }
    }
    return lines;
}

Report run_scenario(std::uint64_t seed, std::size_t agents) {
    Random random(seed);
    Report report;
    report.family = static_cast<Family>(random.below(family_count));
    const std::size_t drawn = scenario_sizes[random.below(scenario_sizes.size())];
    report.agents = agents == 0 ? drawn : agents;
    SimMesh mesh({.agents = report.agents,
                  .seed = random.next(),
                  .start_spread = std::chrono::milliseconds(random.below(3000))});
    const Run run{mesh, random, report};
    run.until(fault_begins);
    if (const std::string lines = disagreements(mesh); !lines.empty()) {
        run.complain("the mesh is complete before the fault:\n" + lines);
    }
    play(run);
    run.until(run_lasts);
    if (const std::string lines = disagreements(mesh); !lines.empty()) {
        run.complain("the views converge:\n" + lines);
    }
    if (mesh.incarnations_back() > 0) run.complain("an incarnation went back");
    if (mesh.queue_peak() > report.agents) run.complain("a queue grew beyond one item a member");
    report.false_alarms = mesh.false_alarms();
    report.trace = mesh.trace();
    return report;
}

}  // namespace picket::testing
