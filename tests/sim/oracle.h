// Oracle: the onlooker of a simulated mesh, which knows what is true and hears every step
// of every agent. What is promised (agreement.md, 3.9) it holds against what happens; each
// breach is a line of complaints().
//
// * S1: an outage opens on a quorum of FAIL, by distinct witnesses whose attempts have
//   failed, lately; of more than one zone where another zone voted OK. The quorum is that of
//   the world, not what the writer takes for it.
// * S2: what an agent holds never becomes less, also over a crash and a restart.
// * S3: of one epoch there is one state.
// * S4: who does not reach the majority writes nothing.
// * S5: nothing opens unless a quorum of those whose FAIL counted lacked an answer indeed.
//
// Liveness, L1 and following, is asked of the mesh by whoever plays a scenario: only that
// knows what should have happened.

#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "agent/base/time.h"
#include "gossip/agreement/panel.h"
#include "gossip/spread/record.h"
#include "tests/sim/sim_network.h"

namespace picket::testing {

class Oracle {
public:
    // How the world is, at the moment of asking.
    struct World {
        std::function<bool(AgentIndex)> quorate;  // It reaches the majority.
        // Of a panel of the agents that it reaches; nothing while that has changed lately, so
        // that it may not know yet.
        std::function<std::optional<std::size_t>(AgentIndex)> quorum;
        std::function<Duration()> since_cut;                  // Since the network last lost a path.
        std::function<AgentIndex(const std::string&)> agent;  // Of a name.
    };
    struct Rules {
        Duration interval{};
        Duration timeout{};
        bool alone = false;      // One agent: it asks three times.
        bool survivors = false;  // Two agents: the marked case may open as it does.
    };

    Oracle(World world, const Rules& rules) : world_(std::move(world)), rules_(rules) {}

    // An attempt of one agent at a target. `lacking`: but for chance, the agent gets no good
    // answer from it, and that is not the mesh's own partition.
    void on_attempt(Instant now, AgentIndex agent, gossip::CheckKey check, bool failed,
                    bool lacking);
    // An agent wrote a version; `evidence` is null where there is none.
    void on_written(Instant now, AgentIndex by, const gossip::VerdictRecord& verdict,
                    const gossip::EvidenceRecord* evidence);
    // An agent came to hold a version, by itself or from others, or from its disk.
    void on_held(Instant now, AgentIndex agent, const gossip::VerdictRecord& verdict);
    // Its disk was lost, or is an old one: it is as good as a new agent.
    void on_memory_lost(AgentIndex agent) { held_.erase(agent); }

    const std::string& complaints() const { return complaints_; }
    std::size_t openings() const { return openings_; }
    std::size_t false_openings() const { return false_openings_; }
    void complain(Instant now, const std::string& line);

    // A vote counts for so long.
    Duration fresh() const {
        return 2 * rules_.timeout + std::max<Duration>(rules_.timeout, std::chrono::seconds(1)) +
               std::chrono::seconds(3);
    }

private:
    struct Attempt {
        Instant at;
        bool failed;
        bool lacking;
    };
    using Version = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;

    void judge_opening(Instant now, AgentIndex by, const gossip::VerdictRecord& verdict,
                       const gossip::EvidenceRecord* evidence);
    bool lacking(Instant now, AgentIndex agent, gossip::CheckKey check) const;
    std::size_t failed_attempts(Instant now, AgentIndex agent, gossip::CheckKey check) const;

    World world_;
    Rules rules_;
    std::map<AgentIndex, std::map<gossip::CheckKey, Version>> held_;
    std::map<gossip::CheckKey, std::map<AgentIndex, std::deque<Attempt>>> attempts_;
    std::size_t openings_ = 0;
    std::size_t false_openings_ = 0;
    std::string complaints_;
};

}  // namespace picket::testing
