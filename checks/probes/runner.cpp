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
      timer_(loop, [this] { turn(); }),
      // Where both are late, a probe's own deadline still comes first.
      backstop_(
          loop, [this] { enforce_deadlines(); }, deadline_grace) {}

void Runner::add(CheckKey key, const Definition& definition, Duration first_within) {
    add_carried(key, definition);
    schedule_.add(io::monotonic_now(), io::wall_now(), key, definition.interval, first_within);
    arm();
}

void Runner::add_witnessed(CheckKey key, const Definition& definition) {
    PICKET_ASSERT(on_slot_ && on_start_ && on_attempt_);
    add_carried(key, definition);
    schedule_.add_witnessed(key, definition.interval);
}

void Runner::add_carried(CheckKey key, const Definition& definition) {
    const auto [carried, added] = carried_.try_emplace(key, Carried{&definition, {}});
    PICKET_ASSERT(added);
    free_asking(key, carried->second);
}

void Runner::seat(CheckKey key, std::optional<Duration> offset) {
    schedule_.seat(io::monotonic_now(), io::wall_now(), key, offset);
    arm();
}

void Runner::attempt(CheckKey key, AttemptId attempt) {
    schedule_.request(io::monotonic_now(), key, attempt);
    arm();
}

void Runner::remove(CheckKey key) {
    const auto found = carried_.find(key);
    if (found == carried_.end()) return;
    for (const auto& asking : found->second.askings) {
        if (asking->cancel_at != never) deadlines_.erase({asking->cancel_at, asking.get()});
    }
    carried_.erase(found);
    schedule_.remove(key);
    arm();
}

void Runner::turn() {
    while (const auto key = schedule_.poll_slot(io::monotonic_now())) {
        on_slot_(io::monotonic_now(), *key);
    }
    // Starting a probe takes time; each start gets the clock as it is then.
    while (const auto next = schedule_.poll_start(io::monotonic_now())) {
        start(io::monotonic_now(), *next);
    }
    arm();
}

void Runner::arm() {
    timer_.set(schedule_.next_wakeup());
    backstop_.set(deadlines_.empty() ? never : deadlines_.begin()->first);
}

Runner::Asking& Runner::free_asking(CheckKey key, Carried& carried) {
    for (const auto& asking : carried.askings) {
        if (asking->cancel_at == never) return *asking;
    }
    auto asking = std::make_unique<Asking>();
    asking->key = key;
    asking->probe = make_probe_(*carried.definition);
    return *carried.askings.emplace_back(std::move(asking));
}

void Runner::start(Instant now, const Schedule::Start& next) {
    if (next.attempt != 0 && !on_start_(now, next.key, next.attempt)) {
        return schedule_.on_finished(now, next.key, next.attempt);
    }
    Carried& carried = carried_.at(next.key);
    Asking& asking = free_asking(next.key, carried);
    lateness_.add(now - next.due);
    const Instant deadline = now + carried.definition->timeout;
    asking.attempt = next.attempt;
    asking.started = now;
    asking.started_at = io::wall_now();
    asking.cancel_at = deadline + deadline_grace;
    deadlines_.emplace(asking.cancel_at, &asking);
    asking.probe->start(now, deadline,
                        [this, &asking](Outcome outcome) { finish(asking, std::move(outcome)); });
}

void Runner::finish(Asking& asking, Outcome outcome) {
    const Instant now = io::monotonic_now();
    deadlines_.erase({asking.cancel_at, &asking});
    asking.cancel_at = never;
    const CheckKey key = asking.key;
    const AttemptId attempt = asking.attempt;
    schedule_.on_finished(now, key, attempt);
    arm();
    Run run{.started = asking.started,
            .ended = now,
            .started_at = asking.started_at,
            .ended_at = io::wall_now(),
            .outcome = conclude(std::move(outcome), *carried_.at(key).definition)};
    // Last: the receiver may remove the check.
    if (attempt != 0) {
        on_attempt_(key, attempt, std::move(run));
    } else {
        on_run_(key, std::move(run));
    }
}

void Runner::enforce_deadlines() {
    const Instant now = io::monotonic_now();
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        Asking& asking = *deadlines_.begin()->second;
        asking.probe->cancel();
        ++deadlines_enforced_;
        finish(asking, no_answer(*carried_.at(asking.key).definition, now - asking.started));
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
