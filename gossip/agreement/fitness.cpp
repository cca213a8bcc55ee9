#include "gossip/agreement/fitness.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/base/assert.h"

namespace picket::gossip {

void Fitness::on_wakeup(Instant now, Instant due) {
    if (due >= now || now - due < stall_min) return;
    stalls_.push_back({due, now});
    if (stalls_.size() > stalls_max) stalls_.pop_front();
}

void Fitness::on_turned_failing(Instant now, CheckKey check, Duration interval) {
    std::erase_if(turned_, [&](const auto& entry) { return entry.second.until <= now; });
    turned_[check].until = now + 2 * interval;
}

void Fitness::on_overruled(Instant now, CheckKey check) {
    std::erase_if(overruled_,
                  [&](const auto& entry) { return now - entry.second >= overruled_window; });
    if (overruled_.size() < std::size_t{2} * penalty_max) overruled_[check] = now;
    std::erase_if(turned_, [&](const auto& entry) { return entry.second.until <= now; });
    if (const auto found = turned_.find(check); found != turned_.end()) {
        found->second.overruled = true;
    }
    const auto overruled = std::count_if(turned_.begin(), turned_.end(),
                                         [](const auto& entry) { return entry.second.overruled; });
    const std::size_t many = std::max<std::size_t>(3, checks_ / 2);
    if (broken(now) || (overruled >= 2 && turned_.size() > many)) broken_until_ = now + broken_for;
}

unsigned Fitness::penalty(Instant now) const {
    const auto recent = std::count_if(overruled_.begin(), overruled_.end(), [&](const auto& entry) {
        return now - entry.second < overruled_window;
    });
    return static_cast<unsigned>(recent) / 2;
}

std::optional<std::string> Fitness::unfit_reason(Instant now, bool by_name) const {
    if (!settled_) return "does not know yet what the mesh knows";
    for (const Stall& stall : stalls_) {
        if (stall.until - stall.from < late_max || now - stall.until >= late_counts_for) continue;
        return fmt::format("stood still for {}", format_duration(stall.until - stall.from));
    }
    if (const unsigned score = health_score_ + penalty(now); score > health_score_max) {
        return fmt::format("local health {}: its own probes fail or are contradicted", score);
    }
    if (broken(now)) return "most of its checks fail, and others contradict it";
    if (!gateway_.value_or(true)) return "its gateway does not answer";
    if (by_name && !resolver_.value_or(true)) return "its resolver answers nothing";
    return std::nullopt;
}

Duration Fitness::stalled(Instant began, Instant ended) const {
    PICKET_ASSERT(began <= ended);
    Duration total{0};
    for (const Stall& stall : stalls_) {
        const Instant from = std::max(began, stall.from);
        const Instant until = std::min(ended, stall.until);
        if (from < until) total += until - from;
    }
    return total;
}

}  // namespace picket::gossip
