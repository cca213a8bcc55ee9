#include "gossip/membership/accusers.h"

namespace picket::gossip {

bool Accusers::may_accuse(Instant now, TextId accuser) {
    // Whoever is at its full allowance again needs no entry.
    if (now - swept_ > period_ * burst) {
        std::erase_if(allowances_, [now](const auto& entry) { return entry.second.full(now); });
        swept_ = now;
    }
    const unsigned at_once = accuser == hearsay ? hearsay_burst : burst;
    return allowances_.try_emplace(accuser, at_once, period_).first->second.take(now);
}

void Accusers::upheld(std::span<const TextId> accusers) {
    for (const TextId accuser : accusers) {
        const auto found = allowances_.find(accuser);
        if (found != allowances_.end()) found->second.give_back();
    }
}

}  // namespace picket::gossip
