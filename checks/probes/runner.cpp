#include "checks/probes/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "agent/base/assert.h"
#include "agent/io/clock.h"
#include "checks/expectation.h"

namespace picket::checks {

void LatenessHistogram::add(Duration late) {
    const auto milliseconds =
        static_cast<std::uint64_t>(std::max(late, Duration{0}).count() / 1000);
    ++counts_[std::min<std::size_t>(std::bit_width(milliseconds), buckets - 1)];
    ++total_;
}

Duration LatenessHistogram::quantile(double share) const {
    const double wanted = share * static_cast<double>(total_);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets; ++i) {
        seen += counts_[i];
        if (seen > 0 && static_cast<double>(seen) >= wanted) {
            return std::chrono::milliseconds(1LL << i);
        }
    }
    return Duration{0};
}

Runner::Runner(io::Loop& loop, Schedule::Options options, MakeProbe make_probe, OnRun on_run)
    : schedule_(options),
      make_probe_(std::move(make_probe)),
      on_run_(std::move(on_run)),
      timer_(loop, [this] { turn(); }) {}

void Runner::add(CheckKey key, const Definition& definition, Duration first_within) {
    const bool added =
        carried_.emplace(key, Carried{.definition = &definition, .probe = make_probe_(definition)})
            .second;
    PICKET_ASSERT(added);
    schedule_.add(io::monotonic_now(), io::wall_now(), key, definition.interval, first_within);
    arm();
}

void Runner::remove(CheckKey key) {
    const auto found = carried_.find(key);
    if (found == carried_.end()) return;
    if (found->second.cancel_at != never) deadlines_.erase({found->second.cancel_at, key});
    carried_.erase(found);
    schedule_.remove(key);
    arm();
}

void Runner::turn() {
    enforce_deadlines(io::monotonic_now());
    // Starting a probe takes time; each start gets the clock as it is then.
    while (const auto next = schedule_.poll_start(io::monotonic_now())) {
        start(io::monotonic_now(), *next);
    }
    arm();
}

void Runner::arm() {
    const Instant deadline = deadlines_.empty() ? never : deadlines_.begin()->first;
    timer_.set(std::min(schedule_.next_wakeup(), deadline));
}

void Runner::start(Instant now, const Schedule::Start& next) {
    Carried& carried = carried_.at(next.key);
    lateness_.add(now - next.due);
    const Instant deadline = now + carried.definition->timeout;
    carried.started = now;
    carried.started_at = io::wall_now();
    carried.cancel_at = deadline + deadline_grace;
    deadlines_.emplace(carried.cancel_at, next.key);
    carried.probe->start(now, deadline, [this, key = next.key](Outcome outcome) {
        finish(key, std::move(outcome));
    });
}

void Runner::finish(CheckKey key, Outcome outcome) {
    Carried& carried = carried_.at(key);
    const Instant now = io::monotonic_now();
    deadlines_.erase({carried.cancel_at, key});
    carried.cancel_at = never;
    schedule_.on_finished(now, key);
    arm();
    // Last: the receiver may remove the check.
    on_run_(key, Run{.started = carried.started,
                     .ended = now,
                     .started_at = carried.started_at,
                     .ended_at = io::wall_now(),
                     .outcome = conclude(std::move(outcome), *carried.definition)});
}

void Runner::enforce_deadlines(Instant now) {
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        const CheckKey key = deadlines_.begin()->second;
        Carried& carried = carried_.at(key);
        carried.probe->cancel();
        ++deadlines_enforced_;
        finish(key, no_answer(*carried.definition, now - carried.started));
    }
}

Outcome no_answer(const Definition& definition, Duration after) {
    return failed(FailureClass::timeout, after,
                  fmt::format("no answer within {}", format_duration(definition.timeout)));
}

Outcome conclude(Outcome outcome, const Definition& definition) {
    if (definition.expect_failure) outcome = invert(std::move(outcome));
    if (definition.secrets.empty()) return outcome;
    outcome.message = redact(std::move(outcome.message), definition);
    outcome.detail = redact(std::move(outcome.detail), definition);
    for (Expectation& expectation : outcome.expectations) {
        expectation.what = redact(std::move(expectation.what), definition);
        expectation.found = redact(std::move(expectation.found), definition);
    }
    return outcome;
}

}  // namespace picket::checks
