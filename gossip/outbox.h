// Outbox: the application's messages to one member each, on their way over streams.
//
// A message waits until fewer than `in_flight_max` others are on their way, then gets
// a stream of its own: two messages to one member may overtake each other. It has
// been delivered when the other side, one of picket's agents, says that it has
// taken it. Whether it was when its stream broke nobody knows: it counts as not
// delivered, and who sends it again may send it twice.
//
// At `waiting_max` messages, or `bytes_max` in all, a further one is refused at
// once, as is one beyond `message_bytes_max`, and its Delivery says so.

#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/address.h"

namespace picket::gossip {

// What became of a message that was to be sent reliably.
struct Delivery {
    std::uint64_t ticket = 0;
    bool delivered = false;
    std::string reason{};  // Where it was not: "connection refused".
};

class Outbox {
public:
    static constexpr std::size_t in_flight_max = 32;
    static constexpr std::size_t waiting_max = 1024;
    static constexpr std::size_t message_bytes_max = std::size_t{16} * 1024 * 1024;
    static constexpr std::size_t bytes_max = std::size_t{32} * 1024 * 1024;

    struct Letter {
        std::uint64_t ticket = 0;
        SocketAddress to;
        std::string payload;
    };

    // Returns its ticket, under which its end will be told.
    std::uint64_t post(const SocketAddress& to, std::string payload);

    // The next one to be put on its way; from then on it is in flight.
    std::optional<Letter> poll_letter();
    // One that was in flight has been delivered, or has not, for this reason.
    void on_delivered(std::uint64_t ticket) { conclude(ticket, true, {}); }
    void on_failed(std::uint64_t ticket, std::string_view reason) {
        conclude(ticket, false, reason);
    }

    std::optional<Delivery> poll_delivery();
    std::size_t size() const { return waiting_.size() + in_flight_.size(); }
    std::size_t bytes() const { return bytes_; }

private:
    void conclude(std::uint64_t ticket, bool delivered, std::string_view reason);

    std::deque<Letter> waiting_;
    std::map<std::uint64_t, std::size_t> in_flight_;  // Their sizes.
    std::deque<Delivery> deliveries_;                 // One for each that was posted.
    std::size_t bytes_ = 0;                           // Waiting and in flight.
    std::uint64_t last_ticket_ = 0;
};

}  // namespace picket::gossip
