#include "agent/facts.h"

namespace picket {

storage::Transition verdict_fact(const CarriedCheck& check, const gossip::Verdict& verdict,
                                 WallTime at) {
    storage::Transition fact;
    fact.check = check.name;
    fact.at = at;
    fact.epoch = verdict.epoch;
    fact.state = to_text(verdict.outage() ? gossip::State::down : gossip::State::up);
    fact.since = verdict.since;
    if (verdict.outage()) {
        const Cause& cause = check.witness->cause();
        fact.outage_scope = "total";
        fact.first_failure = verdict.first_failure_at;
        fact.failure_class = cause.failure_class;
        fact.message = cause.message;
    }
    return fact;
}

storage::Outage outage_fact(const CarriedCheck& check, const gossip::Verdict& verdict,
                            std::optional<WallTime> closed) {
    const Cause& cause = check.witness->cause();
    return {.check = check.name,
            .epoch = verdict.epoch,
            .scope = "total",
            .opened = verdict.since,
            .closed = closed,
            .first_failure = verdict.first_failure_at,
            .failure_class = cause.failure_class,
            .message = cause.message};
}

}  // namespace picket
