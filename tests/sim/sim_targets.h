// SimTargets: what is checked in a simulated mesh, and what is true of it.
//
// The onlooker's half of a simulation: a target answers, refuses, swallows or dawdles;
// some agents may have no path to it; a witness may be sick and fail whatever it asks.
// It decides what an attempt finds, and knows what the truth is.

#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "agent/base/random.h"
#include "agent/base/time.h"
#include "gossip/agreement/inquiry.h"
#include "tests/sim/sim_network.h"

namespace picket::testing {

enum class Manner {
    answers,
    refuses,   // At once.
    swallows,  // A black hole: the timeout ends it.
    dawdles,   // A right answer, over the latency allowed.
};

struct SimTarget {
    Manner manner = Manner::answers;
    std::set<AgentIndex> cut{};        // Who has no path to it.
    std::optional<AgentIndex> host{};  // It stands on this agent's host, and dies with it.
    double failing = 0;                // So many attempts of all fail by chance.
    Duration round_trip = std::chrono::milliseconds(2);
    Duration dawdle = std::chrono::seconds(2);
};

// What an attempt will find, and after how long.
struct SimAnswer {
    gossip::Answer answer;
    Duration after{};
};

class SimTargets {
public:
    SimTargets(std::size_t targets, std::uint64_t seed) : random_(seed), targets_(targets) {}

    SimTarget& operator[](std::size_t target) { return targets_[target]; }
    const SimTarget& operator[](std::size_t target) const { return targets_[target]; }
    std::size_t size() const { return targets_.size(); }

    // Whether this agent, asking now, gets a good answer, but for chance.
    bool reaches(AgentIndex agent, std::size_t target) const;
    // Nobody that has a path gets one.
    bool down(std::size_t target) const { return targets_[target].manner != Manner::answers; }

    SimAnswer ask(AgentIndex agent, std::size_t target, Duration timeout);

    std::set<AgentIndex> sick{};  // Fails everything it asks.
    // Whether an agent's packets get out at all to where a target is; by default yes.
    std::function<bool(AgentIndex, std::size_t)> path;

private:
    Random random_;
    std::vector<SimTarget> targets_;
};

// The most of these moments, in order, that lie within one window.
std::size_t most_within(const std::vector<Instant>& moments, Duration window);

}  // namespace picket::testing
