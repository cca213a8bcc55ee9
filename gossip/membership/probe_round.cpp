#include "gossip/membership/probe_round.h"

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"

namespace picket::gossip {

void ProbeRound::begin(const Target& target, std::uint32_t sequence, Instant timeout,
                       Instant deadline) {
    PICKET_ASSERT(!running_);
    PICKET_ASSERT(timeout <= deadline);
    running_ = true;
    target_ = target;
    sequence_ = sequence;
    timeout_ = timeout;
    deadline_ = deadline;
    asked_others_ = false;
    answered_ = false;
    tcp_answered_ = false;
    relays_.clear();
}

bool ProbeRound::ask_others(Instant now) {
    if (!running_ || asked_others_ || answered_ || now < timeout_) return false;
    asked_others_ = true;
    return true;
}

void ProbeRound::on_asked(const SocketAddress& relay, bool nack_expected) {
    if (nack_expected) relays_.push_back({relay});
}

bool ProbeRound::on_ack(std::uint32_t sequence) {
    if (!running_ || sequence != sequence_) return false;
    answered_ = true;
    return true;
}

void ProbeRound::on_nack(std::uint32_t sequence, const SocketAddress& from) {
    const auto note = [&from](std::vector<Relay>& relays) {
        for (Relay& relay : relays) {
            if (same_endpoint(relay.address, from)) relay.nacked = true;
        }
    };
    if (running_ && sequence == sequence_) note(relays_);
    for (Settling& settling : settling_) {
        if (settling.sequence == sequence) note(settling.relays);
    }
}

std::optional<ProbeRound::Verdict> ProbeRound::conclude(Instant now) {
    if (!running_ || (!answered_ && now < deadline_)) return std::nullopt;
    running_ = false;
    if (answered_) return Verdict::answered;
    if (tcp_answered_) return Verdict::answered_over_tcp;
    const bool complete = std::ranges::all_of(relays_, &Relay::nacked);
    settling_.push_back({sequence_, std::move(relays_), complete ? now : now + nack_grace});
    relays_.clear();
    return Verdict::silent;
}

std::optional<int> ProbeRound::settle(Instant now) {
    if (settling_.empty() || now < settling_.front().at) return std::nullopt;
    const Settling settled = std::move(settling_.front());
    settling_.erase(settling_.begin());
    if (settled.relays.empty()) return 1;
    return static_cast<int>(std::ranges::count(settled.relays, false, &Relay::nacked));
}

Instant ProbeRound::next_wakeup() const {
    Instant wakeup = settling_.empty() ? never : settling_.front().at;
    if (running_) wakeup = std::min(wakeup, asked_others_ ? deadline_ : timeout_);
    return wakeup;
}

}  // namespace picket::gossip
