// SimNetwork: what becomes of a packet between two simulated agents.
//
// It decides only: whether a packet arrives, how often, and when. Everything that is
// chance is drawn from one seeded generator, in the order of the calls.

#pragma once

#include <cstddef>
#include <set>
#include <utility>
#include <vector>

#include "agent/base/random.h"
#include "agent/base/time.h"

namespace picket::testing {

using AgentIndex = std::size_t;

struct Weather {
    Duration delay_min = std::chrono::microseconds(200);
    Duration delay_max = std::chrono::milliseconds(2);  // Different delays reorder packets.
    unsigned loss_percent = 0;
    unsigned duplicate_percent = 0;
    unsigned tail_percent = 0;  // That many packets take up to tail_max.
    Duration tail_max = std::chrono::milliseconds(400);
};

class SimNetwork {
public:
    SimNetwork(const Weather& weather, std::uint64_t seed) : weather_(weather), random_(seed) {}

    void set_weather(const Weather& weather) { weather_ = weather; }
    const Weather& weather() const { return weather_; }

    // Nothing passes from one side to the other: those in `side` and everybody else.
    void partition(std::set<AgentIndex> side) { side_ = std::move(side); }
    // Nothing passes from `from` to `to`; the other way is open.
    void cut(AgentIndex from, AgentIndex to) { cuts_.emplace(from, to); }
    void heal();

    bool passes(AgentIndex from, AgentIndex to) const;
    bool whole() const { return side_.empty() && cuts_.empty(); }

    // The delay of each copy that arrives; none for a lost packet.
    std::vector<Duration> packet(AgentIndex from, AgentIndex to);

    // The delay of bytes of a stream, which is never lost, but late by a
    // retransmission for each segment that is.
    Duration stream();

private:
    Duration delay();

    Weather weather_;
    Random random_;
    std::set<AgentIndex> side_;
    std::set<std::pair<AgentIndex, AgentIndex>> cuts_;
};

}  // namespace picket::testing
