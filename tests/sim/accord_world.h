// AccordWorld: whole agents but for their rim. Each is the shipping Mesh, Spread and
// Agreement, joined by the shipping Accord, bytes and all; a disk, a schedule, targets and
// a network are made up around them, and an Oracle looks on.
//
// It has the face of AgreementWorld, which plays more and knows less: a scenario of
// families.h runs in either. One seed gives one history.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gossip/accord.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sim_mesh.h"
#include "tests/sim/sim_targets.h"

namespace picket::testing {

class AccordWorld final : private SimApplication {
public:
    static constexpr bool tells_fitness = true;

    struct Options {
        std::size_t agents = 5;
        std::size_t targets = 1;
        std::size_t zones = 3;
        std::uint64_t seed = 1;
        Weather weather{};
        Duration interval = std::chrono::seconds(10);
        Duration timeout = std::chrono::seconds(3);
        std::optional<std::size_t> witnesses = 5;
        gossip::PartitionPolicy on_partition = gossip::PartitionPolicy::freeze;
        std::string target_zone{};
        std::size_t begin = ~std::size_t{0};  // So many start; others when they are restarted.
        bool converged = false;               // They knew each other before they start.
    };

    explicit AccordWorld(const Options& options);
    AccordWorld(const AccordWorld&) = delete;
    AccordWorld& operator=(const AccordWorld&) = delete;

    void run_for(Duration duration) { mesh_.run_for(duration); }
    Duration elapsed() const { return mesh_.elapsed(); }

    // ---- Faults
    void crash(AgentIndex agent);
    void restart(AgentIndex agent, bool memory_kept = true);
    void pause(AgentIndex agent, Duration duration);
    void partition(const std::set<AgentIndex>& side);
    void cut(AgentIndex from, AgentIndex to);
    void heal();
    void step_clock(AgentIndex agent, Duration by) { agents_[agent].clock += by; }
    // Its disk as it is now, and that disk again, as of a restored machine.
    void take_snapshot(AgentIndex agent) { agents_[agent].snapshot = agents_[agent].disk; }
    void restore_snapshot(AgentIndex agent);  // Of one that has crashed.
    // Another definition of all targets, on this agent.
    void edit(AgentIndex agent, std::uint64_t revision);
    std::size_t forget(AgentIndex by, std::string_view name);
    // It is gone for good: it counts no more in what the onlooker takes for the majority.
    void retire(AgentIndex agent) { agents_[agent].retired = true; }
    // Which side a target stands on during a partition: with whoever is not in `side`, or in.
    std::set<std::size_t> targets_inside{};
    SimNetwork& network() { return mesh_.network(); }
    SimTargets& targets() { return targets_; }

    // ---- What is believed
    std::size_t size() const { return agents_.size(); }
    bool up(AgentIndex agent) const { return agents_[agent].accord != nullptr; }
    const gossip::Agreement& agreement(AgentIndex agent) const {
        return agents_[agent].accord->agreement();
    }
    const gossip::Spread& spread(AgentIndex agent) const { return agents_[agent].accord->spread(); }
    std::optional<gossip::VerdictRecord> verdict(AgentIndex agent, std::size_t target) const;
    std::uint32_t epoch_of(AgentIndex agent, std::size_t target) const;
    gossip::State state(AgentIndex agent, std::size_t target) const;
    gossip::State state_of(AgentIndex agent, gossip::CheckKey check) const;
    gossip::CheckView check_view(AgentIndex agent, std::size_t target) const;
    bool all_hold(std::size_t target, std::uint32_t epoch) const;
    static gossip::CheckKey key(std::size_t target);
    static std::string name(AgentIndex agent) { return SimMesh::name(agent); }
    std::string zone(AgentIndex agent) const { return mesh_.zone(agent); }

    // ---- What was seen
    std::string complaints() const { return oracle_.complaints(); }
    std::size_t openings() const { return oracle_.openings(); }
    std::size_t false_openings() const { return oracle_.false_openings(); }
    // The most attempts at a target in any window of so long.
    std::size_t attempts_peak(std::size_t target, Duration window) const;
    // What an agent has told of targets while it was cut off.
    const std::vector<std::string>& shadows(AgentIndex agent) const {
        return agents_[agent].shadows;
    }
    const SimMesh& mesh() const { return mesh_; }
    std::string trace{};
    bool tracing = false;

private:
    struct Disk {
        std::map<gossip::RecordKey, std::string> records;
        gossip::Boot boot = 0;
    };
    struct Asked {  // By a ping that is under way.
        bool host = false;
        std::uint64_t call = 0;  // Of a roll call.
        gossip::CheckKey check{};
        gossip::AttemptId attempt = 0;
        Instant began{};
    };
    struct Agent {
        std::unique_ptr<gossip::Accord> accord;
        Disk disk;
        Disk snapshot;
        Duration clock{};
        std::uint64_t revision = 1;
        std::vector<std::string> shadows;
        bool retired = false;
        bool member = false;  // Has ever run.
        std::map<std::uint64_t, Asked> asked;
        std::vector<unsigned> slots;  // By target: of which version the next one is.
    };

    void remember_all(AgentIndex agent);
    void on_start(AgentIndex agent) override;
    void on_member(AgentIndex agent, const gossip::MemberEvent& event) override;
    bool on_pump(AgentIndex agent) override;
    Instant next_wakeup(AgentIndex agent) const override;

    void declare(AgentIndex agent);
    void persist(AgentIndex agent, const gossip::PersistOrder& order);
    void ask(AgentIndex agent, const gossip::Attempt& attempt);
    void ask_target(AgentIndex agent, std::size_t target, gossip::AttemptId attempt);
    void take_pong(AgentIndex agent, const gossip::Pong& pong);
    bool send_all(AgentIndex agent);
    void hear(AgentIndex agent, const gossip::AccordEvent& event);
    void hear_verdict(AgentIndex agent, const gossip::RecordHeld& change);
    void next_slot(AgentIndex agent, std::size_t target);
    bool reaches(AgentIndex agent, AgentIndex other) const;
    bool quorate(AgentIndex agent) const;
    std::optional<std::size_t> quorum(AgentIndex agent) const;
    Oracle::World onlooker();
    Instant now(AgentIndex agent) const { return mesh_.clock(agent); }
    Instant now() const { return Instant(SimMesh::epoch + mesh_.elapsed()); }
    WallTime wall(AgentIndex agent) const;
    std::optional<std::size_t> target_of(gossip::CheckKey key) const;

    Options options_;
    Random random_;
    SimMesh mesh_;
    SimTargets targets_;
    Oracle oracle_;
    std::vector<Agent> agents_;
    std::map<gossip::CheckKey, std::size_t> by_key_;
    std::set<AgentIndex> side_;
    Duration cut_at_ = -std::chrono::hours(1);
    Duration steady_from_{};  // Since when who reaches whom is as it is.
    std::vector<std::vector<Instant>> asked_;
};

}  // namespace picket::testing
