#include "agent/replay.h"

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"

namespace picket {

using api::DecidedSpan;
using api::ReplayRow;
using checks::Outcome;
using storage::HistoryPoint;

namespace {

// A second attempt starts this late where the loop is busy.
constexpr Duration attempt_slack = std::chrono::milliseconds(500);

bool overlap(const DecidedSpan& a, const DecidedSpan& b) {
    const WallTime a_end = a.to.value_or(WallTime::max());
    const WallTime b_end = b.to.value_or(WallTime::max());
    return a.from < b_end && b.from < a_end;
}

WallTime begin_of(const ReplayRow& row) {
    if (!row.decided) return row.replayed->from;
    if (!row.replayed) return row.decided->from;
    return std::min(row.decided->from, row.replayed->from);
}

}  // namespace

Replay::Replay(const checks::Definition& definition, WallTime from, WallTime to)
    : definition_(definition),
      judge_(definition),
      witness_(definition, {}, {}, now_),
      seen_to_(from) {
    PICKET_ASSERT(from <= to);
    view_.check = definition.name;
    view_.from = from;
    view_.to = to;
}

Duration Replay::interval_of(const HistoryPoint& point) const {
    return point.interval > Duration{0} ? point.interval : definition_.interval;
}

void Replay::on_point(const HistoryPoint& point) {
    if (pending_) {
        settle(&point);
    } else if (point.outcome.at - seen_to_ > 2 * interval_of(point)) {
        add_gap(seen_to_, point.outcome.at);
    }
    pending_ = point;
}

// Takes the pending point; `next` is the one after it, null at the end.
void Replay::settle(const HistoryPoint* next) {
    const HistoryPoint point = *std::exchange(pending_, std::nullopt);
    if (!point.pause) ask(point, next);

    const WallTime at = point.outcome.at;
    const WallTime next_at = next == nullptr ? view_.to : next->outcome.at;
    const Duration until_next = next_at - at;
    const Duration interval = interval_of(point);
    const Duration spoken_for = point.pause                  ? Duration{0}
                                : until_next <= 2 * interval ? until_next
                                                             : interval;
    seen_to_ = next_at;
    // A clock that stepped back: time passed, nobody knows how much.
    now_ += std::max(until_next, Duration{0});
    if (spoken_for >= until_next) return;
    add_gap(at + spoken_for, next_at);
    if (next == nullptr || point.pause) return;
    // As a restart does: the verdict is kept, what was under way is not.
    witness_ = Witness(definition_, witness_.verdict(), witness_.cause(), now_);
}

void Replay::ask(const HistoryPoint& point, const HistoryPoint* next) {
    ++view_.outcomes;
    if (interval_of(point) != definition_.interval) ++view_.asked_otherwise;
    JudgedAgain judged = judge_.judge(point.outcome);
    for (const std::string_view key : judged.untold) ++untold_[key];
    Outcome outcome = std::move(judged.outcome);
    if (outcome.finding != point.outcome.finding) ++view_.judged_otherwise;
    const Instant started = now_;
    Instant ended = started + outcome.latency;
    Witness::Effects effects = run(started, point.outcome.at, std::move(outcome));
    const bool followed = next != nullptr && !next->pause && next->outcome.at >= point.outcome.at &&
                          next->outcome.at - point.outcome.at <= 2 * interval_of(point);
    if (!followed) return;
    const Instant next_started = started + (next->outcome.at - point.outcome.at);
    while (effects.ask_at) {
        const Instant again = std::max(*effects.ask_at, ended);
        if (next_started <= again + attempt_slack) return;  // It was asked, then.
        ++view_.attempts_assumed;
        Outcome assumed = judge_.judge(next->outcome).outcome;
        ended = again + assumed.latency;
        effects = run(again, point.outcome.at + (again - started), std::move(assumed));
    }
}

Witness::Effects Replay::run(Instant started, WallTime at, Outcome outcome) {
    tick(started);
    checks::Run attempt;
    attempt.started = started;
    attempt.ended = started + outcome.latency;
    attempt.started_at = at;
    attempt.ended_at = at + outcome.latency;
    attempt.outcome = std::move(outcome);
    Witness::Effects effects = witness_.on_run(attempt);
    if (effects.transition) take(*effects.transition);
    return effects;
}

void Replay::tick(Instant now) {
    const Instant wakeup = witness_.next_wakeup();
    if (wakeup > now) return;
    if (const auto transition = witness_.on_tick(wakeup)) take(*transition);
}

void Replay::take(const gossip::Transition& transition) {
    if (transition.after.outage()) {
        if (outages_.size() >= outages_max) {
            outages_.back().to.reset();
            return;
        }
        outages_.push_back({.from = transition.after.since,
                            .failure_class = witness_.cause().failure_class,
                            .message = witness_.cause().message});
    } else if (transition.before.outage() && !outages_.empty()) {
        outages_.back().to = transition.after.since;
    }
}

void Replay::add_gap(WallTime from, WallTime to) {
    if (from >= to) return;
    view_.not_observed += to - from;
    if (gaps_.size() < gaps_max) {
        gaps_.push_back({from, to});
    } else {
        gaps_.back().to = to;
    }
}

Duration Replay::down_in(const std::vector<DecidedSpan>& spans) const {
    Duration down{0};
    auto gap = gaps_.begin();
    for (const DecidedSpan& span : spans) {
        const WallTime from = std::max(span.from, view_.from);
        const WallTime to = std::min(span.to.value_or(view_.to), view_.to);
        if (from >= to) continue;
        down += to - from;
        while (gap != gaps_.end() && gap->to <= from) ++gap;
        for (auto each = gap; each != gaps_.end() && each->from < to; ++each) {
            down -= std::max(std::min(to, each->to) - std::max(from, each->from), Duration{0});
        }
    }
    return down;
}

api::ReplayView Replay::finish(const std::vector<DecidedSpan>& decided) {
    if (pending_) {
        settle(nullptr);
        tick(now_);
    } else {
        add_gap(view_.from, view_.to);
    }
    view_.decided_outages = decided.size();
    view_.replayed_outages = outages_.size();
    view_.decided_down = down_in(decided);
    view_.replayed_down = down_in(outages_);
    view_.rows = match_outages(decided, outages_);
    for (const auto& [key, outcomes] : untold_) {
        view_.untold.push_back({std::string(key), outcomes});
    }
    return std::move(view_);
}

std::vector<ReplayRow> match_outages(const std::vector<DecidedSpan>& decided,
                                     const std::vector<DecidedSpan>& replayed) {
    std::vector<ReplayRow> rows;
    std::vector<bool> matched(replayed.size(), false);
    std::size_t first = 0;  // Those before it end before all that is still to come.
    for (const DecidedSpan& was : decided) {
        bool alone = true;
        while (first < replayed.size() &&
               replayed[first].to.value_or(WallTime::max()) <= was.from) {
            ++first;
        }
        for (std::size_t i = first; i < replayed.size(); ++i) {
            if (replayed[i].from >= was.to.value_or(WallTime::max())) break;
            if (!overlap(was, replayed[i])) continue;
            rows.push_back({was, replayed[i]});
            matched[i] = true;
            alone = false;
        }
        if (alone) rows.push_back({was, std::nullopt});
    }
    for (std::size_t i = 0; i < replayed.size(); ++i) {
        if (!matched[i]) rows.push_back({std::nullopt, replayed[i]});
    }
    std::stable_sort(rows.begin(), rows.end(), [](const ReplayRow& a, const ReplayRow& b) {
        return begin_of(a) < begin_of(b);
    });
    return rows;
}

}  // namespace picket
