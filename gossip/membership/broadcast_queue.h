// BroadcastQueue: what is to be told to the mesh, each thing a limited number of
// times.
//
// First what was sent least often, then the longest that still fits, then the
// newest (memberlist.md, section 13). A broadcast replaces an earlier one of the
// same key: what it said is outdated.
//
// Bounded at insert: at `items_max` the broadcast that was sent most often, which is
// the one that most members know, is dropped for the new one, and counted.

#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace picket::gossip {

// Who is to be sent a broadcast. Serf logs a warning for each message that it does
// not know, so picket's own go to picket's agents only.
enum class Audience : std::uint8_t { everybody, picket };

class BroadcastQueue {
public:
    // What a message costs in a compound beside its own bytes.
    static constexpr std::size_t overhead_bytes = 2;

    explicit BroadcastQueue(std::size_t items_max) : items_max_(items_max) {}

    // `key` 0 replaces nothing. Requires a message that is not empty.
    void push(std::uint64_t key, std::string message, Audience audience = Audience::everybody);

    // Appends to `out` what fits into `budget_bytes` for a member that is in
    // `audience`, and returns the bytes that it takes. What has now been sent
    // `transmits_max` times is done.
    std::size_t fill(std::size_t budget_bytes, unsigned transmits_max, Audience audience,
                     std::vector<std::string>& out);

    void erase(std::uint64_t key);
    void clear();
    bool contains(std::uint64_t key) const { return by_key_.contains(key); }
    bool empty() const { return items_.empty(); }
    std::size_t size() const { return items_.size(); }

    // Of everything that waits for a member in `audience`, overhead included.
    std::size_t bytes(Audience audience) const {
        return audience == Audience::picket ? bytes_ : bytes_ - picket_bytes_;
    }
    std::uint64_t dropped() const { return dropped_; }

private:
    struct Item {
        unsigned transmits = 0;
        std::uint64_t order = 0;  // Of arrival.
        std::uint64_t key = 0;
        Audience audience = Audience::everybody;
        std::string message;
    };
    // A place in the order of sending, to search from.
    struct Place {
        unsigned transmits = 0;
        std::size_t length_max = 0;
    };
    struct Sooner {
        using is_transparent = void;
        bool operator()(const Item& a, const Item& b) const;
        bool operator()(const Item& a, const Place& b) const;
        bool operator()(const Place& a, const Item& b) const;
    };
    using Items = std::set<Item, Sooner>;

    Items::iterator first_that_fits(unsigned transmits, std::size_t free_bytes, Audience audience);
    Items::node_type take(Items::iterator item);
    void count(const Item& item);

    std::size_t items_max_;
    Items items_;
    std::unordered_map<std::uint64_t, Items::iterator> by_key_;
    std::size_t bytes_ = 0;
    std::size_t picket_bytes_ = 0;  // Of those, for picket's agents only.
    std::uint64_t next_order_ = 0;
    std::uint64_t dropped_ = 0;
};

}  // namespace picket::gossip
