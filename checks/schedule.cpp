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

// How long before `at` the last moment was that lies `offset` into an interval, on the
// grid: more than 0, at most the interval, also for a wall clock before 1970.
Duration since_phase(WallTime at, Duration interval, Duration offset) {
    constexpr Duration grid = Schedule::slot_grid;
    if (interval >= Schedule::grid_interval_min) offset = (offset + grid / 2) / grid * grid;
    Duration since = (at.time_since_epoch() - offset) % interval;
    if (since <= Duration{0}) since += interval;
    return since;
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
    // The first slot after the first question. One at that very moment would be its double.
    const WallTime first = wall + (entry.extra - now);
    const Duration since_slot = since_phase(first, interval, spread(interval));
    entry.slot = entry.extra + (since_slot == interval ? interval : interval - since_slot);
    PICKET_ASSERT(entry.slot > entry.extra);

    waiting_.emplace(entry.due(), key);
    const bool added = entries_.emplace(key, entry).second;
    PICKET_ASSERT(added);
}

void Schedule::add_witnessed(CheckKey key, Duration interval) {
    PICKET_ASSERT(interval > Duration{0});
    const Entry entry{.interval = interval, .slot = never, .witnessed = true};
    const bool added = entries_.emplace(key, entry).second;
    PICKET_ASSERT(added);
}

void Schedule::seat(Instant now, WallTime wall, CheckKey key, std::optional<Duration> offset) {
    const auto found = entries_.find(key);
    PICKET_ASSERT(found != entries_.end());
    Entry& entry = found->second;
    PICKET_ASSERT(entry.witnessed);
    slots_.erase({entry.due(), key});
    entry.slot = entry.extra = never;
    if (!offset) return;
    entry.slot = now + (entry.interval - since_phase(wall, entry.interval, *offset));
    if (entry.last_slot != Instant::min() && entry.last_slot + entry.interval < entry.slot) {
        entry.extra = entry.last_slot + entry.interval;
    }
    slots_.emplace(entry.due(), key);
}

std::optional<CheckKey> Schedule::poll_slot(Instant now) {
    if (slots_.empty() || slots_.begin()->first > now) return std::nullopt;
    const CheckKey key = slots_.begin()->second;
    slots_.erase(slots_.begin());
    Entry& entry = entries_.at(key);
    if (entry.extra <= now) entry.extra = never;
    if (entry.slot <= now) entry.slot += entry.interval;
    skip_missed(entry, now);
    entry.last_slot = now;
    slots_.emplace(entry.due(), key);
    return key;
}

void Schedule::request(Instant now, CheckKey key, AttemptId attempt) {
    PICKET_ASSERT(attempt != 0);
    const auto found = entries_.find(key);
    PICKET_ASSERT(found != entries_.end() && found->second.witnessed);
    requests_.push_back({key, attempt, now});
}

void Schedule::remove(CheckKey key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    const Entry& entry = found->second;
    if (entry.witnessed) {
        in_flight_ -= entry.attempts;
        slots_.erase({entry.due(), key});
        std::erase_if(requests_, [key](const Request& request) { return request.key == key; });
    } else if (entry.in_flight) {
        --in_flight_;
    } else {
        waiting_.erase({entry.due(), key});
    }
    entries_.erase(found);
}

void Schedule::ask_at(CheckKey key, Instant at) {
    const auto found = entries_.find(key);
    PICKET_ASSERT(found != entries_.end());
    Entry& entry = found->second;
    PICKET_ASSERT(!entry.witnessed);
    if (!entry.in_flight) waiting_.erase({entry.due(), key});
    entry.extra = at;
    if (!entry.in_flight) waiting_.emplace(entry.due(), key);
}

bool Schedule::admits(Instant now) {
    refill(now);
    if (in_flight_ >= options_.in_flight_max || tokens_ < start_cost) {
        held_back_at_ = now;
        return false;
    }
    tokens_ -= start_cost;
    return true;
}

std::optional<Schedule::Start> Schedule::poll_start(Instant now) {
    if (!requests_.empty()) {
        if (!admits(now)) return std::nullopt;
        const Request request = requests_.front();
        requests_.pop_front();
        if (request.since <= held_back_at_ && request.since < now) ++counters_.starts_held_back;
        ++counters_.starts;
        ++entries_.at(request.key).attempts;
        ++in_flight_;
        return Start{request.key, request.since, request.attempt};
    }
    if (waiting_.empty() || waiting_.begin()->first > now || !admits(now)) return std::nullopt;

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

void Schedule::on_finished(Instant now, CheckKey key, AttemptId attempt) {
    const auto found = entries_.find(key);
    PICKET_ASSERT(found != entries_.end());
    Entry& entry = found->second;
    if (attempt != 0) {
        PICKET_ASSERT(entry.attempts > 0);
        --entry.attempts;
        --in_flight_;
        return;
    }
    PICKET_ASSERT(entry.in_flight);
    entry.in_flight = false;
    --in_flight_;
    skip_missed(entry, now);
    waiting_.emplace(entry.due(), key);
}

Instant Schedule::next_wakeup() const {
    const Instant slot = slots_.empty() ? never : slots_.begin()->first;
    Instant due = waiting_.empty() ? never : waiting_.begin()->first;
    if (!requests_.empty()) due = std::min(due, requests_.front().since);
    if (due == never || in_flight_ >= options_.in_flight_max) return slot;
    if (tokens_ < start_cost) {
        const auto rate = static_cast<std::int64_t>(options_.starts_per_second_max);
        due = std::max(due, refilled_at_ + Duration((start_cost - tokens_ + rate - 1) / rate));
    }
    return std::min(slot, due);
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
