#include "gossip/spread/spread_queue.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace picket::gossip {

unsigned SpreadQueue::transmits_max(Rank rank, std::size_t members) {
    const double n = static_cast<double>(std::max<std::size_t>(1, members));
    return static_cast<unsigned>(std::ceil(std::log(n))) + (rank == Rank::verdicts ? 6 : 4);
}

void SpreadQueue::push(Rank rank, std::uint64_t key, std::string message, Audience audience) {
    queue(rank).push(key, std::move(message), audience);
}

std::size_t SpreadQueue::fill(std::size_t budget_bytes, std::size_t members, Audience audience,
                              std::vector<std::string>& out) {
    std::size_t used = 0;
    for (const Rank rank : {Rank::verdicts, Rank::decisions, Rank::details}) {
        used += queue(rank).fill(budget_bytes - used, transmits_max(rank, members), audience, out);
    }
    return used;
}

bool SpreadQueue::contains(std::uint64_t key) const {
    return std::ranges::any_of(queues_, [key](const auto& queue) { return queue.contains(key); });
}

bool SpreadQueue::empty() const {
    return std::ranges::all_of(queues_, [](const auto& queue) { return queue.empty(); });
}

std::size_t SpreadQueue::size() const {
    std::size_t items = 0;
    for (const BroadcastQueue& queue : queues_) items += queue.size();
    return items;
}

std::size_t SpreadQueue::bytes(Audience audience) const {
    std::size_t bytes = 0;
    for (const BroadcastQueue& queue : queues_) bytes += queue.bytes(audience);
    return bytes;
}

}  // namespace picket::gossip
