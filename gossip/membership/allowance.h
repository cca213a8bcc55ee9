// Allowance: so many at once, and then one per period.
//
// A token bucket kept as the moment at which it is full again, which needs no
// timer. What was taken in error, or turned out to be deserved, can be given back.

#pragma once

#include <algorithm>

#include "agent/base/time.h"

namespace picket::gossip {

class Allowance {
public:
    // Requires burst > 0 and period > 0.
    Allowance(unsigned burst, Duration period) : burst_(burst), period_(period) {}

    // Takes one, if there is one.
    bool take(Instant now) {
        const Instant from = std::max(full_at_, now);
        if (from + period_ - now > period_ * burst_) return false;
        full_at_ = from + period_;
        return true;
    }

    void give_back() { full_at_ -= period_; }
    bool full(Instant now) const { return full_at_ <= now; }

private:
    unsigned burst_;
    Duration period_;
    Instant full_at_{};
};

}  // namespace picket::gossip
