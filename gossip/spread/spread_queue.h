// SpreadQueue: what picket's agents, and the application, tell the mesh beside
// membership, in three ranks.
//
// A higher rank is sent first. Within a rank, and for everything else, a
// BroadcastQueue's rules hold: what was sent least goes first, a message replaces the
// earlier one of its key, and each is sent a limited number of times: in a mesh of N
// L = ceil(ln N) + 4, a verdict twice more, which everybody is to hold within seconds. With L
// a mesh of twelve leaves somebody out in three of a thousand verdicts, one of a hundred in one
// of a hundred; with two more a tenth of that. What still misses somebody is repaired by
// anti-entropy.
//
// Each rank is bounded where it is filled: a message for a full rank takes the place
// of the one that was sent most often, which is counted.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gossip/membership/broadcast_queue.h"

namespace picket::gossip {

enum class Rank : std::uint8_t {
    verdicts,   // P0; the first copies leave at once.
    decisions,  // P1: people's, and notices.
    details,    // P2: evidence, presence, whatever can wait.
};
constexpr std::size_t rank_count = 3;

class SpreadQueue {
public:
    static constexpr std::array<std::size_t, rank_count> items_max{256, 512, 512};

    // Requires a message that is not empty. Key 0 replaces nothing; a key belongs to
    // one rank.
    void push(Rank rank, std::uint64_t key, std::string message, Audience audience);

    // Appends to `out` what fits into `budget_bytes` for a member in `audience`, and
    // returns the bytes that it takes. `members` is N, ourselves included.
    std::size_t fill(std::size_t budget_bytes, std::size_t members, Audience audience,
                     std::vector<std::string>& out);

    bool contains(std::uint64_t key) const;
    bool empty() const;
    std::size_t size() const;
    std::size_t bytes(Audience audience) const;
    std::uint64_t dropped(Rank rank) const { return queue(rank).dropped(); }

    // How often each message is sent.
    static unsigned transmits_max(Rank rank, std::size_t members);

private:
    BroadcastQueue& queue(Rank rank) { return queues_[static_cast<std::size_t>(rank)]; }
    const BroadcastQueue& queue(Rank rank) const { return queues_[static_cast<std::size_t>(rank)]; }

    std::array<BroadcastQueue, rank_count> queues_{
        BroadcastQueue(items_max[0]), BroadcastQueue(items_max[1]), BroadcastQueue(items_max[2])};
};

}  // namespace picket::gossip
