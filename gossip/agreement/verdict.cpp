#include "gossip/agreement/verdict.h"

#include <array>
#include <iterator>

#include "agent/base/assert.h"

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 5> state_names{"pending", "up", "degraded", "down",
                                                      "unknown"};

}  // namespace

std::string_view to_text(State state) {
    return state_names[static_cast<std::size_t>(state)];
}

std::optional<State> state_from(std::string_view text) {
    for (std::size_t i = 0; i < state_names.size(); ++i) {
        if (state_names[i] == text) return static_cast<State>(i);
    }
    return std::nullopt;
}

// An outage that was open before a restart has long dwelt.
PanelOfOne::PanelOfOne(Options options, Verdict stored, Instant now)
    : options_(options), verdict_(stored), counted_at_(now), opened_at_(now - options.dwell) {
    PICKET_ASSERT(stored.judged || stored.epoch == 0);
}

std::optional<Transition> PanelOfOne::on_vote(Instant now, WallTime wall, Vote vote,
                                              WallTime first_attempt) {
    last_vote_ = vote;
    abstained_ = vote == Vote::abstain;
    if (vote == Vote::abstain) return std::nullopt;
    counted_at_ = now;

    if (vote == Vote::fail) {
        clears_at_.reset();
        if (verdict_.outage()) return std::nullopt;
        opened_at_ = now;
        openings_.push_back(now);
        if (openings_.size() > options_.flapping_outages) openings_.pop_front();
        Transition transition = advance(wall);
        verdict_.first_failure_at = first_attempt;
        transition.after = verdict_;
        return transition;
    }
    if (verdict_.outage()) {
        if (!clears_at_) clears_at_ = first_attempt;
        return clear_if_due(now);
    }
    if (verdict_.judged) return std::nullopt;
    const Verdict before = verdict_;
    verdict_.judged = true;
    verdict_.since = wall;
    return Transition{before, verdict_};
}

std::optional<Transition> PanelOfOne::on_tick(Instant now) {
    if (!clears_at_) return std::nullopt;
    return clear_if_due(now);
}

Instant PanelOfOne::next_wakeup() const {
    return clears_at_ ? opened_at_ + dwell() : never;
}

State PanelOfOne::state(Instant now) const {
    const bool silent = now - counted_at_ > options_.silence_max;
    if (abstained_ && (silent || !verdict_.judged)) return State::unknown;
    if (!verdict_.judged) return State::pending;
    return verdict_.outage() ? State::down : State::up;
}

Transition PanelOfOne::advance(WallTime since) {
    const Verdict before = verdict_;
    ++verdict_.epoch;
    verdict_.judged = true;
    verdict_.since = since;
    return {before, verdict_};
}

std::optional<Transition> PanelOfOne::clear_if_due(Instant now) {
    PICKET_ASSERT(clears_at_.has_value() && verdict_.outage());
    if (now < next_wakeup()) return std::nullopt;
    const WallTime closed_at = *clears_at_;
    clears_at_.reset();
    return advance(closed_at);
}

Duration PanelOfOne::dwell() const {
    const bool often =
        openings_.size() >= options_.flapping_outages && opened_at_ - openings_.front() <= 1h;
    const bool again = openings_.size() >= 2 &&
                       openings_.back() - *std::prev(openings_.end(), 2) < options_.dwell_flapping;
    return often || again ? options_.dwell_flapping : options_.dwell;
}

}  // namespace picket::gossip
