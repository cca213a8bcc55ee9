#include "gossip/membership/relays.h"

#include <algorithm>

namespace picket::gossip {

bool Relays::open(Instant now, std::uint32_t sequence, const Asker& asker, bool nack) {
    if (open_.size() >= open_max) return false;
    open_.push_back({sequence, asker, now + timeout_ * 4 / 5, now + timeout_, nack});
    return true;
}

std::optional<Relays::Asker> Relays::on_ack(std::uint32_t sequence) {
    const auto found = std::ranges::find_if(open_, [sequence](const Relay& relay) {
        return relay.sequence == sequence && !relay.closed;
    });
    if (found == open_.end()) return std::nullopt;
    found->closed = true;
    found->nack = false;
    return found->asker;
}

std::optional<Relays::Asker> Relays::poll_nack(Instant now) {
    while (!open_.empty() && open_.front().expires_at <= now && !open_.front().nack) {
        open_.pop_front();
    }
    for (Relay& relay : open_) {
        if (relay.nack_at > now) break;
        if (!relay.nack) continue;
        relay.nack = false;
        return relay.asker;
    }
    return std::nullopt;
}

Instant Relays::next_wakeup() const {
    for (const Relay& relay : open_) {
        if (relay.nack) return relay.nack_at;
    }
    return open_.empty() ? never : open_.front().expires_at;
}

}  // namespace picket::gossip
