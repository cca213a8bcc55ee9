#include "gossip/agreement/scribe.h"

#include <algorithm>

#include "agent/base/assert.h"

namespace picket::gossip {

void Scribe::on_change(const Change& change) {
    if (!change_.has_value() || !change_->same_as(change)) ready_at_.reset();
    change_ = change;
}

std::optional<Instant> Scribe::on_proof(Instant now, bool proven, std::size_t rank) {
    PICKET_ASSERT(busy());
    if (!proven) {
        ready_at_.reset();
        return std::nullopt;
    }
    if (!ready_at_.has_value()) ready_at_ = now;
    return *ready_at_ + static_cast<Duration::rep>(std::min(rank, last_turn)) * delay;
}

void Scribe::rest() {
    change_.reset();
    ready_at_.reset();
}

}  // namespace picket::gossip
