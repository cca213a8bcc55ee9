#include "gossip/membership/graveyard.h"

#include "agent/base/assert.h"

namespace picket::gossip {

Graveyard::~Graveyard() {
    for (const auto& [order, name] : by_order_) texts_->release(name);
}

void Graveyard::bury(const MemberView& view) {
    PICKET_ASSERT(!present(view.liveness));
    if (stones_.size() >= size_max) erase(by_order_.begin()->second);
    const std::uint64_t order = next_order_++;
    const Tombstone stone{view.address, view.incarnation, view.liveness, view.since, view.answered};
    const bool fresh = stones_.emplace(view.name, Grave{stone, order}).second;
    PICKET_ASSERT(fresh);
    by_order_.emplace(order, view.name);
    texts_->retain(view.name);
}

Tombstone* Graveyard::find(TextId name) {
    const auto found = stones_.find(name);
    return found == stones_.end() ? nullptr : &found->second.stone;
}

void Graveyard::erase(TextId name) {
    const auto found = stones_.find(name);
    if (found == stones_.end()) return;
    by_order_.erase(found->second.order);
    stones_.erase(found);
    texts_->release(name);
}

void Graveyard::expire(Instant now) {
    while (!by_order_.empty()) {
        const TextId oldest = by_order_.begin()->second;
        if (now - stones_.at(oldest).stone.since <= age_max) return;
        erase(oldest);
    }
}

}  // namespace picket::gossip
