// Streak: how many attempts make one opinion.
//
// A single failed attempt is a suspicion, not an opinion. While the target
// counts as up, a failure is asked about again, `gap` after the start of the
// attempt before, until `attempts_to_fail` attempts in a row have failed; one
// success ends the round at once. While it counts as down, `attempts_to_recover`
// attempts in a row must pass. With fail_after = N (recover_after = N), N such
// rounds in a row are needed (agreement.md, 2.1 and 2.3).
//
// An attempt that errored says nothing about the target: it ends the round and
// is passed on as what it is.
//
// Pure. The caller reports each attempt's end and asks again when told to.

#pragma once

#include <cstdint>
#include <optional>

#include "agent/base/time.h"
#include "checks/outcome.h"

namespace picket::checks {

class Streak {
public:
    struct Options {
        std::uint32_t attempts_to_fail = 3;  // A panel of one; 2 where others corroborate.
        std::uint32_t attempts_to_recover = 2;
        Duration gap = std::chrono::seconds(1);
        std::uint32_t fail_after = 1;
        std::uint32_t recover_after = 1;
    };

    struct Step {
        std::optional<Finding> opinion;       // What to vote, if this attempt settled it.
        std::optional<Instant> next_attempt;  // When to ask again before the next slot.
    };

    explicit Streak(Options options);

    // An attempt that began at `started` has ended. `outage` tells whether the
    // verdict at this moment is down.
    Step on_attempt(Instant started, Finding finding, bool outage);

private:
    void reset();

    Options options_;
    bool outage_ = false;
    std::uint32_t attempts_ = 0;  // In a row, in this round.
    std::uint32_t rounds_ = 0;    // In a row.
};

}  // namespace picket::checks
