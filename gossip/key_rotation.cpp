#include "gossip/key_rotation.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace picket::gossip {

KeyRotation::KeyRotation(wire::KeyRequest request, std::vector<Peer> peers, Options options,
                         Instant now)
    : request_(std::move(request)),
      peers_(std::move(peers)),
      options_(options),
      ends_at_(now + options.timeout) {
    for (Peer& peer : peers_) {
        peer.state = Peer::State::waiting;
        peer.reason = fmt::format("no answer within {}", format_duration(options_.timeout));
        peer.send_at = now;
    }
}

KeyRotation::Peer* KeyRotation::find(std::string_view name) {
    const auto peer = std::ranges::find(peers_, name, &Peer::name);
    return peer == peers_.end() ? nullptr : &*peer;
}

void KeyRotation::on_answer(const wire::KeyAnswer& answer) {
    Peer* peer = answer.id == request_.id ? find(answer.from) : nullptr;
    // A second answer to a request that was sent twice says nothing new.
    if (peer == nullptr || peer->state != Peer::State::waiting) return;
    peer->state = answer.error.empty() ? Peer::State::confirmed : Peer::State::refused;
    peer->reason = answer.error;
    peer->ring = answer.ring;
}

void KeyRotation::on_undelivered(Instant now, std::string_view name, std::string_view reason) {
    Peer* peer = find(name);
    if (peer == nullptr || peer->state != Peer::State::waiting) return;
    peer->reason = reason;
    peer->send_at = now + options_.retry_pause;
}

std::optional<KeyRotation::Peer> KeyRotation::poll_send(Instant now) {
    if (now >= ends_at_) return std::nullopt;
    for (Peer& peer : peers_) {
        if (peer.state != Peer::State::waiting || now < peer.send_at) continue;
        peer.send_at = now + options_.answer_timeout;
        return peer;
    }
    return std::nullopt;
}

Instant KeyRotation::next_wakeup() const {
    Instant wakeup = ends_at_;
    for (const Peer& peer : peers_) {
        if (peer.state == Peer::State::waiting) wakeup = std::min(wakeup, peer.send_at);
    }
    return wakeup;
}

bool KeyRotation::done(Instant now) const {
    return now >= ends_at_ || std::ranges::none_of(peers_, [](const Peer& peer) {
               return peer.state == Peer::State::waiting;
           });
}

}  // namespace picket::gossip
