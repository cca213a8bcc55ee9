#include "gossip/pings.h"

#include <fmt/format.h>

#include "agent/base/assert.h"

namespace picket::gossip {

Pings::Opened Pings::open(Instant now, const Question& question) {
    const std::uint64_t ticket = ++last_ticket_;
    if (open_.size() >= open_max) {
        pongs_.push_back({.ticket = ticket,
                          .node = std::string(question.node),
                          .reason = fmt::format("{} pings are under way already", open_max)});
        return {ticket, false};
    }
    const bool fresh = open_
                           .try_emplace(question.sequence, Open{ticket, std::string(question.node),
                                                                now, question.timeout})
                           .second;
    PICKET_ASSERT(fresh);
    ends_.emplace(now + question.timeout, question.sequence);
    return {ticket, true};
}

bool Pings::on_ack(Instant now, std::uint32_t sequence) {
    if (!open_.contains(sequence)) return false;
    conclude(now, sequence, true, {});
    return true;
}

void Pings::on_failed(Instant now, std::uint32_t sequence, std::string_view reason) {
    if (open_.contains(sequence)) conclude(now, sequence, false, reason);
}

void Pings::expire(Instant now) {
    while (!ends_.empty() && ends_.begin()->first <= now) {
        const std::uint32_t sequence = ends_.begin()->second;
        const std::string waited = format_duration(open_.at(sequence).timeout);
        conclude(now, sequence, false, fmt::format("no answer within {}", waited));
    }
}

void Pings::conclude(Instant now, std::uint32_t sequence, bool answered, std::string_view reason) {
    const auto found = open_.find(sequence);
    PICKET_ASSERT(found != open_.end());
    Open& open = found->second;
    ends_.erase({open.asked_at + open.timeout, sequence});
    pongs_.push_back(
        {open.ticket, std::move(open.node), answered, now - open.asked_at, std::string(reason)});
    open_.erase(found);
}

std::optional<Pong> Pings::poll_pong() {
    if (pongs_.empty()) return std::nullopt;
    Pong pong = std::move(pongs_.front());
    pongs_.pop_front();
    return pong;
}

}  // namespace picket::gossip
