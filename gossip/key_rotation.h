// KeyRotation: one operation on the key ring, carried to every picket agent of the mesh.
//
// Each peer is sent the request over a stream, and answers in its own time with a
// message of its own. What gets lost is sent again: every operation may be done twice
// with the same result. When the time is over, whoever has not confirmed is known by
// name, with the reason.
//
// Pure, as Swim is: on_* in, poll_send out, next_wakeup between.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/address.h"
#include "agent/base/time.h"
#include "gossip/wire/key_messages.h"

namespace picket::gossip {

class KeyRotation {
public:
    struct Options {
        Duration answer_timeout = std::chrono::seconds(2);      // Then the request is sent again.
        Duration retry_pause = std::chrono::milliseconds(500);  // After one that was not delivered.
        Duration timeout = std::chrono::seconds(8);             // For all of it.
    };

    struct Peer {
        enum class State : std::uint8_t {
            waiting,
            confirmed,
            refused,  // It said why not.
        };
        std::string name;
        SocketAddress address{};
        State state = State::waiting;
        std::string reason{};             // Why it is not confirmed, as far as known.
        std::vector<wire::KeyId> ring{};  // As it told last, primary first.
        Instant send_at{};
    };

    KeyRotation(wire::KeyRequest request, std::vector<Peer> peers, Options options, Instant now);

    void on_answer(const wire::KeyAnswer& answer);
    void on_undelivered(Instant now, std::string_view peer, std::string_view reason);

    // A peer to be sent request() now; nothing while all that is due was sent.
    std::optional<Peer> poll_send(Instant now);
    Instant next_wakeup() const;
    // All have answered, or the time is over.
    bool done(Instant now) const;

    const wire::KeyRequest& request() const { return request_; }
    const std::vector<Peer>& peers() const { return peers_; }

private:
    Peer* find(std::string_view name);

    wire::KeyRequest request_;
    std::vector<Peer> peers_;
    Options options_;
    Instant ends_at_;
};

}  // namespace picket::gossip
