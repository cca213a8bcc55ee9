// AskingBudget: how often one witness may ask a target beside its schedule.
//
// Two tokens a minute, two at most; one pays for one vote out of turn, which is up to two
// questions. So a target that wavers, or a witness that cries wolf, costs the target a
// bounded number of questions whoever asked for them (agreement.md, 2.4). What the
// schedule asks is free.

#pragma once

#include <algorithm>
#include <chrono>

#include "agent/base/time.h"
#include "gossip/agreement/long_ago.h"

namespace picket::gossip {

class AskingBudget {
public:
    static constexpr int burst = 2;
    static constexpr Duration refill = std::chrono::seconds(30);  // For one token.

    // Takes a token, if there is one.
    bool take(Instant now) {
        // Each token taken moves the moment at which all are back; `burst` of them fit
        // between now and then.
        const Instant full_at = std::max(full_at_, now) + refill;
        if (full_at - now > burst * refill) return false;
        full_at_ = full_at;
        return true;
    }

private:
    Instant full_at_ = long_ago;
};

}  // namespace picket::gossip
