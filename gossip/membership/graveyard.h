// Graveyard: the members that the table no longer holds.
//
// memberlist forgets a failed member after half a minute, and then any stale word
// of it brings it back to life (memberlist.md, section 17: one full push/pull from a
// slow agent revived hosts for hours). picket keeps a tombstone: an alive that is
// not newer than it is refused, and the member itself, should it live, is told what
// is believed of it, so that it can say otherwise.
//
// It is also where healing looks for whom to try again after a long partition.
//
// Tombstones go after `age_max`, and the oldest when there are `size_max`. The
// graveyard holds one reference to each name.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "gossip/membership/node.h"

namespace picket::gossip {

struct Tombstone {
    SocketAddress address;
    Incarnation incarnation = 0;
    Liveness liveness = Liveness::failed;  // Or left.
    Instant since{};                       // When it failed or left.
    Instant answered{};                    // As in MemberView.
};

class Graveyard {
public:
    static constexpr Duration age_max = std::chrono::hours(24);
    static constexpr std::size_t size_max = 16'384;

    // `texts` must outlive it.
    explicit Graveyard(TextPool& texts) : texts_(&texts) {}
    ~Graveyard();
    Graveyard(const Graveyard&) = delete;
    Graveyard& operator=(const Graveyard&) = delete;

    // Requires that it has none.
    void bury(const MemberView& view);
    Tombstone* find(TextId name);
    void erase(TextId name);

    // Drops what is older than age_max.
    void expire(Instant now);

    std::size_t size() const { return stones_.size(); }

    // The oldest first.
    template <typename Visit>
    void each(Visit visit) const {
        for (const auto& [order, name] : by_order_) visit(name, stones_.at(name).stone);
    }

private:
    struct Grave {
        Tombstone stone;
        std::uint64_t order = 0;  // Of burial: about the order of failing.
    };

    TextPool* texts_;
    std::unordered_map<TextId, Grave> stones_;
    std::map<std::uint64_t, TextId> by_order_;
    std::uint64_t next_order_ = 0;
};

}  // namespace picket::gossip
