// Witness: this agent's part in one check.
//
// It is for what nobody else watches: host checks, and all checks of an agent that is in
// no mesh. Takes each finished run, lets the streak make an opinion of it, and the opinion
// a vote; the vote may change the verdict. What a panel of the mesh judges is the Council's
// (council.h).
//
// Pure. What a run leads to is returned, and the agent carries it out in order:
// record, then ask again.

#pragma once

#include <optional>
#include <string>

#include "checks/definition.h"
#include "checks/run.h"
#include "checks/streak.h"
#include "gossip/agreement/verdict.h"

namespace picket {

// What made the verdict what it is, in an engineer's words.
struct Cause {
    checks::FailureClass failure_class = checks::FailureClass::none;
    std::string message;
};

class Witness {
public:
    struct Effects {
        std::optional<gossip::Transition> transition;
        std::optional<Instant> ask_at;
    };

    // `stored` is the verdict that was persisted, if any.
    Witness(const checks::Definition& definition, gossip::Verdict stored, Cause stored_cause,
            Instant now);

    Effects on_run(const checks::Run& run);

    // A clearing may wait for the outage's least length.
    std::optional<gossip::Transition> on_tick(Instant now) { return panel_.on_tick(now); }
    Instant next_wakeup() const { return panel_.next_wakeup(); }

    gossip::State state(Instant now) const { return panel_.state(now); }
    const gossip::Verdict& verdict() const { return panel_.verdict(); }
    gossip::Vote last_vote() const { return panel_.last_vote(); }
    bool voted() const { return voted_; }
    // Of the outage while there is one, of the last one afterwards.
    const Cause& cause() const { return cause_; }

private:
    checks::Streak streak_;
    gossip::PanelOfOne panel_;
    Cause cause_;
    // Starts of the first attempts of the unbroken row of failures, or passes.
    std::optional<WallTime> failing_since_;
    std::optional<WallTime> passing_since_;
    bool voted_ = false;
};

}  // namespace picket
