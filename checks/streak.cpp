#include "checks/streak.h"

#include "agent/base/assert.h"

namespace picket::checks {

Streak::Streak(Options options) : options_(options) {
    PICKET_ASSERT(options_.attempts_to_fail > 0 && options_.attempts_to_recover > 0);
    PICKET_ASSERT(options_.fail_after > 0 && options_.recover_after > 0);
}

Streak::Step Streak::on_attempt(Instant started, Finding finding, bool outage) {
    if (outage != outage_) reset();
    outage_ = outage;

    // What would change the verdict must repeat itself; the rest counts at once.
    const Finding news = outage ? Finding::passed : Finding::failed;
    if (finding != news) {
        attempts_ = 0;
        if (finding != Finding::errored) rounds_ = 0;
        return {.opinion = finding, .next_attempt = std::nullopt};
    }
    const std::uint32_t attempts_needed =
        outage ? options_.attempts_to_recover : options_.attempts_to_fail;
    if (++attempts_ < attempts_needed) {
        return {.opinion = std::nullopt, .next_attempt = started + options_.gap};
    }
    attempts_ = 0;
    const std::uint32_t rounds_needed = outage ? options_.recover_after : options_.fail_after;
    if (rounds_ < rounds_needed) ++rounds_;
    if (rounds_ < rounds_needed) return {};
    return {.opinion = finding, .next_attempt = std::nullopt};
}

void Streak::reset() {
    attempts_ = 0;
    rounds_ = 0;
}

}  // namespace picket::checks
