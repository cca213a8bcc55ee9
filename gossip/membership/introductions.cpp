#include "gossip/membership/introductions.h"

#include <algorithm>
#include <utility>

namespace picket::gossip {

bool Introductions::open(Instant now, const Claim& claim, const std::optional<SocketAddress>& old,
                         std::uint32_t sequence) {
    const auto same = std::ranges::find(open_, claim.name,
                                        [](const Introduction& other) { return other.claim.name; });
    if (same != open_.end()) {
        // A newer word from the same place needs no further questions.
        if (claim.incarnation > same->claim.incarnation &&
            same_endpoint(claim.address, same->claim.address)) {
            same->claim = claim;
        }
        return false;
    }
    if (open_.size() >= open_max) return false;
    Introduction introduction;
    introduction.claim = claim;
    introduction.old = old;
    introduction.sequence = sequence;
    introduction.next_at = now;
    open_.push_back(std::move(introduction));
    return true;
}

bool Introductions::on_ack(std::uint32_t sequence) {
    for (Introduction& introduction : open_) {
        if (sequence == introduction.sequence) {
            introduction.answered = true;
            return true;
        }
        if (introduction.old.has_value() && sequence == introduction.sequence + 1) {
            introduction.old_answered = true;
            return true;
        }
    }
    return false;
}

std::optional<Introductions::Question> Introductions::poll_question(Instant now) {
    for (Introduction& introduction : open_) {
        const Claim& claim = introduction.claim;
        if (introduction.old_due) {
            introduction.old_due = false;
            return Question{*introduction.old, claim.name, introduction.sequence + 1};
        }
        // The last round is over TCP, and for newcomers only: a member that moved must
        // be reachable as members are.
        const bool last = introduction.asked == pings_max;
        const bool done = introduction.answered && !introduction.old.has_value();
        if (now < introduction.next_at || done || introduction.asked >= rounds(introduction)) {
            continue;
        }
        ++introduction.asked;
        introduction.next_at = now + (last ? 2 * timeout_ : timeout_);
        introduction.old_due = introduction.old.has_value();
        return Question{claim.address, claim.name, introduction.sequence, last};
    }
    return std::nullopt;
}

unsigned Introductions::rounds(const Introduction& introduction) {
    return introduction.old.has_value() ? pings_max : pings_max + 1;
}

std::optional<Introductions::Verdict> Introductions::verdict(const Introduction& introduction,
                                                             Instant now) {
    if (introduction.old_answered) return Verdict::conflict;
    // The old place has all its chances, however fast the new one was.
    if (introduction.answered && !introduction.old.has_value()) return Verdict::admitted;
    if (now < introduction.next_at || introduction.asked < rounds(introduction)) {
        return std::nullopt;
    }
    return introduction.answered ? Verdict::admitted : Verdict::unreachable;
}

std::optional<Introductions::Concluded> Introductions::poll_concluded(Instant now) {
    for (auto at = open_.begin(); at != open_.end(); ++at) {
        const std::optional<Verdict> reached = verdict(*at, now);
        if (!reached.has_value()) continue;
        Concluded concluded{std::move(at->claim), *reached};
        open_.erase(at);
        return concluded;
    }
    return std::nullopt;
}

Instant Introductions::next_wakeup() const {
    Instant wakeup = never;
    for (const Introduction& introduction : open_) {
        wakeup = std::min(wakeup, introduction.next_at);
    }
    return wakeup;
}

}  // namespace picket::gossip
