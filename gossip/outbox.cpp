#include "gossip/outbox.h"

#include <fmt/format.h>

#include <utility>

#include "agent/base/assert.h"

namespace picket::gossip {

std::uint64_t Outbox::post(const SocketAddress& to, std::string payload) {
    const std::uint64_t ticket = ++last_ticket_;
    const auto refuse = [&](std::string reason) {
        deliveries_.push_back({ticket, false, std::move(reason)});
        return ticket;
    };
    if (payload.empty()) return refuse("a user message is empty");
    if (payload.size() > message_bytes_max) {
        return refuse(fmt::format("a message of {} bytes is too long: at most {}", payload.size(),
                                  message_bytes_max));
    }
    if (waiting_.size() >= waiting_max) {
        return refuse(fmt::format("{} messages are waiting already", waiting_max));
    }
    if (bytes_ + payload.size() > bytes_max) {
        return refuse(fmt::format("{} bytes are waiting already, and these would be {} more",
                                  bytes_, payload.size()));
    }
    bytes_ += payload.size();
    waiting_.push_back({ticket, to, std::move(payload)});
    return ticket;
}

std::optional<Outbox::Letter> Outbox::poll_letter() {
    if (waiting_.empty() || in_flight_.size() >= in_flight_max) return std::nullopt;
    Letter letter = std::move(waiting_.front());
    waiting_.pop_front();
    in_flight_.emplace(letter.ticket, letter.payload.size());
    return letter;
}

void Outbox::conclude(std::uint64_t ticket, bool delivered, std::string_view reason) {
    const auto found = in_flight_.find(ticket);
    PICKET_ASSERT(found != in_flight_.end());
    bytes_ -= found->second;
    in_flight_.erase(found);
    deliveries_.push_back({ticket, delivered, std::string(reason)});
}

std::optional<Delivery> Outbox::poll_delivery() {
    if (deliveries_.empty()) return std::nullopt;
    Delivery delivery = std::move(deliveries_.front());
    deliveries_.pop_front();
    return delivery;
}

}  // namespace picket::gossip
