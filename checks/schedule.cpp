#include "checks/schedule.h"

#include <algorithm>

#include "agent/base/assert.h"

namespace picket::checks {
namespace {

// One start costs this many tokens; `starts_per_second_max` of them come in
// every microsecond. The bucket holds a tenth of a second's worth, at least one
// start, so that a burst cannot follow a pause.
constexpr std::int64_t start_cost = 1'000'000;

std::int64_t bucket_size(std::size_t starts_per_second_max) {
    return std::max<std::int64_t>(start_cost,
                                  static_cast<std::int64_t>(starts_per_second_max) * 100'000);
}

}  // namespace

Schedule::Schedule(Options options)
    : options_(options), tokens_(bucket_size(options.starts_per_second_max)) {
    PICKET_ASSERT(options_.in_flight_max > 0);
    PICKET_ASSERT(options_.starts_per_second_max > 0);
}

void Schedule::add(Instant now, WallTime wall, CheckKey key, Duration interval,
                   Duration first_within) {
    PICKET_ASSERT(interval > Duration{0});
    PICKET_ASSERT(first_within <= interval);
    const auto hash = static_cast<std::uint64_t>(key);
    const auto spread = [hash](Duration over) {
        return Duration(static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(over.count())));
    };

    Entry entry{.interval = interval};
    entry.extra = first_within > Duration{0} ? now + spread(first_within) : now;
    // The first slot after the first question.
    const WallTime first = wall + (entry.extra - now);
    const Duration since_slot = (first.time_since_epoch() - spread(interval)) % interval;
    entry.slot = entry.extra + (interval - since_slot);
    if (entry.slot > entry.extra + interval) entry.slot -= interval;  // A wall clock before 1970.
    PICKET_ASSERT(entry.slot > entry.extra);

    waiting_.emplace(entry.due(), key);
    const bool added = entries_.emplace(key, entry).second;
    PICKET_ASSERT(added);
}

void Schedule::remove(CheckKey key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    if (found->second.in_flight) {
        --in_flight_;
    } else {
        waiting_.erase({found->second.due(), key});
    }
    entries_.erase(found);
}

void Schedule::ask_at(CheckKey key, Instant at) {
    const auto found = entries_.find(key);
    PICKET_ASSERT(found != entries_.end());
    Entry& entry = found->second;
    if (!entry.in_flight) waiting_.erase({entry.due(), key});
    entry.extra = at;
    if (!entry.in_flight) waiting_.emplace(entry.due(), key);
}

std::optional<Schedule::Start> Schedule::poll_start(Instant now) {
    if (waiting_.empty() || waiting_.begin()->first > now) return std::nullopt;
    refill(now);
    if (in_flight_ >= options_.in_flight_max || tokens_ < start_cost) {
        held_back_at_ = now;
        return std::nullopt;
    }
    tokens_ -= start_cost;

    const auto [due, key] = *waiting_.begin();
    waiting_.erase(waiting_.begin());
    Entry& entry = entries_.at(key);
    if (due <= held_back_at_) ++counters_.starts_held_back;
    ++counters_.starts;
    if (entry.extra <= now) entry.extra = never;
    if (entry.slot <= now) entry.slot += entry.interval;
    skip_missed(entry, now);
    entry.in_flight = true;
    ++in_flight_;
    return Start{key, due};
}

void Schedule::on_finished(Instant now, CheckKey key) {
    const auto found = entries_.find(key);
    PICKET_ASSERT(found != entries_.end());
    Entry& entry = found->second;
    PICKET_ASSERT(entry.in_flight);
    entry.in_flight = false;
    --in_flight_;
    skip_missed(entry, now);
    waiting_.emplace(entry.due(), key);
}

Instant Schedule::next_wakeup() const {
    if (waiting_.empty() || in_flight_ >= options_.in_flight_max) return never;
    const Instant due = waiting_.begin()->first;
    if (tokens_ >= start_cost) return due;
    const auto rate = static_cast<std::int64_t>(options_.starts_per_second_max);
    return std::max(due, refilled_at_ + Duration((start_cost - tokens_ + rate - 1) / rate));
}

void Schedule::skip_missed(Entry& entry, Instant now) {
    if (entry.slot > now) return;
    const auto missed = (now - entry.slot) / entry.interval + 1;
    entry.slot += missed * entry.interval;
    counters_.slots_skipped += static_cast<std::uint64_t>(missed);
}

void Schedule::refill(Instant now) {
    PICKET_ASSERT(now >= refilled_at_);
    const std::int64_t full = bucket_size(options_.starts_per_second_max);
    const auto rate = static_cast<std::int64_t>(options_.starts_per_second_max);
    const std::int64_t elapsed =
        std::min<std::int64_t>((now - refilled_at_).count(), full / rate + 1);
    tokens_ = std::min(full, tokens_ + elapsed * rate);
    refilled_at_ = now;
}

}  // namespace picket::checks
