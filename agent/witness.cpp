#include "agent/witness.h"

#include <utility>

namespace picket {

using checks::Finding;
using gossip::Vote;

Witness::Witness(const checks::Definition& definition, gossip::Verdict stored, Cause stored_cause,
                 Instant now)
    : streak_({.fail_after = definition.fail_after, .recover_after = definition.recover_after}),
      panel_({.silence_max = 2 * definition.interval}, stored, now),
      cause_(std::move(stored_cause)) {}

Witness::Effects Witness::on_run(const checks::Run& run) {
    if (run.outcome.finding == Finding::passed) {
        failing_since_.reset();
        if (!passing_since_) passing_since_ = run.started_at;
    } else if (run.outcome.finding == Finding::failed) {
        passing_since_.reset();
        if (!failing_since_) failing_since_ = run.started_at;
    }

    Effects effects;
    const bool outage = panel_.verdict().outage();
    const auto step = streak_.on_attempt(run.started, run.outcome.finding, outage);
    effects.ask_at = step.next_attempt;
    if (!step.opinion) return effects;

    voted_ = true;
    if (*step.opinion == Finding::failed) {
        if (!outage) cause_ = {run.outcome.failure_class, run.outcome.message};
        effects.transition = panel_.on_vote(run.ended, run.ended_at, Vote::fail, *failing_since_);
    } else if (*step.opinion == Finding::passed) {
        effects.transition = panel_.on_vote(run.ended, run.ended_at, Vote::ok, *passing_since_);
    } else {
        effects.transition = panel_.on_vote(run.ended, run.ended_at, Vote::abstain, run.started_at);
    }
    return effects;
}

}  // namespace picket
