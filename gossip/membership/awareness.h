// Awareness: how far this agent trusts its own eyes (Lifeguard's local health).
//
// A score from 0 (healthy) to `max` - 1. An agent that cannot keep up, or that its
// own network fails, sees everybody else fail; the worse its score, the longer it
// waits before it accuses somebody (memberlist.md, section 12.2).

#pragma once

#include <algorithm>

#include "agent/base/time.h"

namespace picket::gossip {

class Awareness {
public:
    // Requires max > 0.
    explicit Awareness(unsigned max) : max_(static_cast<int>(max)) {}

    void add(int delta) { score_ = std::clamp(score_ + delta, 0, max_ - 1); }
    unsigned score() const { return static_cast<unsigned>(score_); }
    Duration scale(Duration duration) const { return duration * (score_ + 1); }

private:
    int max_;
    int score_ = 0;
};

}  // namespace picket::gossip
