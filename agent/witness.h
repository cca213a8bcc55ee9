// Witness: this agent's part in one check.
//
// Takes each finished run, lets the streak make an opinion of it, and the
// opinion a vote; the vote may change the verdict. Remembers what people ask for:
// the latest outcome, the last hour, which failure the outage began with.
//
// Pure. What a run leads to is returned, and the agent carries it out in order:
// record, then ask again.

#pragma once

#include <optional>
#include <string>

#include "agent/recent_hour.h"
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

    // Remembers an outcome from before a restart.
    void recall(WallTime at, checks::Finding finding, Duration latency) {
        hour_.add(at, finding, latency);
    }

    gossip::State state(Instant now) const { return panel_.state(now); }
    const gossip::Verdict& verdict() const { return panel_.verdict(); }
    gossip::Vote last_vote() const { return panel_.last_vote(); }
    bool voted() const { return voted_; }
    const std::optional<checks::Run>& last() const { return last_; }
    const RecentHour& hour() const { return hour_; }
    // Of the outage while there is one, of the last one afterwards.
    const Cause& cause() const { return cause_; }

private:
    checks::Streak streak_;
    gossip::PanelOfOne panel_;
    std::optional<checks::Run> last_;
    RecentHour hour_;
    Cause cause_;
    // Starts of the first attempts of the unbroken row of failures, or passes.
    std::optional<WallTime> failing_since_;
    std::optional<WallTime> passing_since_;
    bool voted_ = false;
};

}  // namespace picket
