#include "gossip/membership/suspicion.h"

#include <algorithm>
#include <cmath>

#include "agent/base/assert.h"

namespace picket::gossip {

SuspicionTimes suspicion_times(const Timings& timings, std::size_t members) {
    const auto count = static_cast<double>(std::max<std::size_t>(1, members));
    const auto thousandths =
        static_cast<std::int64_t>(std::max(1.0, std::log10(count)) * 1000);  // Truncated.
    SuspicionTimes times;
    times.min = timings.suspicion_factor * timings.probe_interval * thousandths / 1000;
    times.max = timings.suspicion_max_factor * times.min;
    times.pause = timings.probe_timeout / 2;
    // Nobody is there to confirm in a mesh that is too small.
    const unsigned wanted = timings.suspicion_factor > 2 ? timings.suspicion_factor - 2 : 0;
    times.confirmations = members >= wanted + 2 ? wanted : 0;
    return times;
}

Duration suspicion_timeout(const SuspicionTimes& times, unsigned confirmed) {
    if (times.confirmations == 0) return times.min;
    const double share = std::log(confirmed + 1.0) / std::log(times.confirmations + 1.0);
    const double max = to_seconds(times.max);
    const double seconds = max - share * (max - to_seconds(times.min));
    const auto floor = static_cast<std::int64_t>(std::floor(1000 * seconds));
    return std::max<Duration>(times.min, std::chrono::milliseconds(floor));
}

void Suspicions::open(Instant now, TextId suspect, TextId accuser, const SuspicionTimes& times) {
    const Instant expires_at = now + suspicion_timeout(times, 0);
    const auto [entry, fresh] =
        open_.emplace(suspect, Suspicion{now, times, {accuser}, expires_at});
    PICKET_ASSERT(fresh);
    schedule(suspect, entry->second);
}

void Suspicions::schedule(TextId suspect, const Suspicion& suspicion) {
    expiries_.emplace(suspicion.expires_at, suspect);
    if (suspicion.questions > 0) questions_.emplace(suspicion.question_at(), suspect);
}

void Suspicions::unschedule(TextId suspect, const Suspicion& suspicion) {
    expiries_.erase({suspicion.expires_at, suspect});
    questions_.erase({suspicion.question_at(), suspect});
}

bool Suspicions::news(TextId suspect, TextId accuser) const {
    const auto found = open_.find(suspect);
    PICKET_ASSERT(found != open_.end());
    const Suspicion& suspicion = found->second;
    return suspicion.accusers.size() <= suspicion.times.confirmations &&
           std::ranges::count(suspicion.accusers, accuser) == 0;
}

void Suspicions::confirm(Instant now, TextId suspect, TextId accuser) {
    PICKET_ASSERT(news(suspect, accuser));
    Suspicion& suspicion = open_.at(suspect);
    suspicion.accusers.push_back(accuser);
    const auto confirmed = static_cast<unsigned>(suspicion.accusers.size() - 1);
    unschedule(suspect, suspicion);
    const Instant shortened = suspicion.began + suspicion_timeout(suspicion.times, confirmed);
    const Instant asked = now + suspicion.questions * suspicion.times.pause;
    suspicion.expires_at = std::min(suspicion.expires_at, std::max(shortened, asked));
    schedule(suspect, suspicion);
}

std::vector<TextId> Suspicions::close(TextId suspect) {
    const auto found = open_.find(suspect);
    if (found == open_.end()) return {};
    unschedule(suspect, found->second);
    std::vector<TextId> accusers = std::move(found->second.accusers);
    open_.erase(found);
    return accusers;
}

std::optional<TextId> Suspicions::expired(Instant now) const {
    if (next_expiry() > now) return std::nullopt;
    return expiries_.begin()->second;
}

std::optional<TextId> Suspicions::poll_question(Instant now) {
    if (next_question() > now) return std::nullopt;
    const TextId suspect = questions_.begin()->second;
    Suspicion& suspicion = open_.at(suspect);
    unschedule(suspect, suspicion);
    do {
        --suspicion.questions;
    } while (suspicion.questions > 0 && suspicion.question_at() <= now);
    schedule(suspect, suspicion);
    return suspect;
}

}  // namespace picket::gossip
