#include "gossip/membership/broadcast_queue.h"

#include <iterator>
#include <utility>

#include "agent/base/assert.h"

namespace picket::gossip {

bool BroadcastQueue::Sooner::operator()(const Item& a, const Item& b) const {
    if (a.transmits != b.transmits) return a.transmits < b.transmits;
    if (a.message.size() != b.message.size()) return a.message.size() > b.message.size();
    return a.order > b.order;
}

bool BroadcastQueue::Sooner::operator()(const Item& a, const Place& b) const {
    if (a.transmits != b.transmits) return a.transmits < b.transmits;
    return a.message.size() > b.length_max;
}

bool BroadcastQueue::Sooner::operator()(const Place& a, const Item& b) const {
    if (a.transmits != b.transmits) return a.transmits < b.transmits;
    return a.length_max > b.message.size();
}

BroadcastQueue::Items::node_type BroadcastQueue::take(Items::iterator item) {
    const std::size_t bytes = item->message.size() + overhead_bytes;
    bytes_ -= bytes;
    if (item->audience == Audience::picket) picket_bytes_ -= bytes;
    if (item->key != 0) by_key_.erase(item->key);
    return items_.extract(item);
}

void BroadcastQueue::count(const Item& item) {
    const std::size_t bytes = item.message.size() + overhead_bytes;
    bytes_ += bytes;
    if (item.audience == Audience::picket) picket_bytes_ += bytes;
}

void BroadcastQueue::push(std::uint64_t key, std::string message, Audience audience) {
    PICKET_ASSERT(!message.empty());
    PICKET_ASSERT(items_max_ > 0);
    erase(key);
    if (items_.size() >= items_max_) {
        take(std::prev(items_.end()));
        ++dropped_;
    }
    const auto item =
        items_.insert(Item{0, next_order_++, key, audience, std::move(message)}).first;
    count(*item);
    if (key != 0) by_key_.emplace(key, item);
}

void BroadcastQueue::erase(std::uint64_t key) {
    const auto found = by_key_.find(key);
    if (found != by_key_.end()) take(found->second);
}

void BroadcastQueue::clear() {
    items_.clear();
    by_key_.clear();
    bytes_ = 0;
    picket_bytes_ = 0;
}

BroadcastQueue::Items::iterator BroadcastQueue::first_that_fits(unsigned transmits,
                                                                std::size_t free_bytes,
                                                                Audience audience) {
    if (free_bytes <= overhead_bytes) return items_.end();
    auto item = items_.lower_bound(Place{transmits, free_bytes - overhead_bytes});
    while (item != items_.end() && item->transmits == transmits) {
        if (item->audience == Audience::everybody || audience == Audience::picket) return item;
        ++item;
    }
    return items_.end();
}

std::size_t BroadcastQueue::fill(std::size_t budget_bytes, unsigned transmits_max,
                                 Audience audience, std::vector<std::string>& out) {
    if (items_.empty()) return 0;
    std::size_t used = 0;
    std::vector<Items::node_type> sent;
    const unsigned last = items_.rbegin()->transmits;
    for (unsigned transmits = items_.begin()->transmits; transmits <= last; ++transmits) {
        while (!items_.empty()) {
            const auto item = first_that_fits(transmits, budget_bytes - used, audience);
            if (item == items_.end()) break;
            used += item->message.size() + overhead_bytes;
            out.push_back(item->message);
            sent.push_back(take(item));
        }
    }
    // Only now, so that nothing is in one packet twice.
    for (Items::node_type& node : sent) {
        if (++node.value().transmits >= transmits_max) continue;
        const auto item = items_.insert(std::move(node)).position;
        count(*item);
        if (item->key != 0) by_key_.emplace(item->key, item);
    }
    return used;
}

}  // namespace picket::gossip
