// MemberTable: every member that this agent knows, itself included.
//
// The views stand in the order in which they are probed: shuffled, and walked by a
// cursor, so that between two probes of one member every other is probed once. A
// new member is put in at a random place.
//
// A look-up is O(1). Pointers to views hold until the next insert, erase or
// shuffle. The table holds one reference to each name and metadata.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "agent/base/random.h"
#include "gossip/membership/node.h"

namespace picket::gossip {

class MemberTable {
public:
    // `texts` must outlive the table.
    explicit MemberTable(TextPool& texts) : texts_(&texts) {}
    ~MemberTable();
    MemberTable(const MemberTable&) = delete;
    MemberTable& operator=(const MemberTable&) = delete;

    // nullptr where there is none.
    MemberView* find(TextId name);
    const MemberView* find(TextId name) const;
    MemberView* find(std::string_view name) { return find(texts_->find(name)); }
    const MemberView* find(std::string_view name) const { return find(texts_->find(name)); }

    // Requires that there is none of this name yet, and that it is not empty. The
    // new view is failed, at incarnation 0: whoever inserts it says what it is.
    MemberView& insert(std::string_view name, Random& random);
    void erase(TextId name);

    void set_liveness(Instant now, MemberView& view, Liveness liveness);
    void set_meta(MemberView& view, std::string_view meta);

    std::size_t size() const { return views_.size(); }
    std::size_t count(Liveness liveness) const {
        return counts_[static_cast<std::size_t>(liveness)];
    }
    std::size_t count_present() const { return count(Liveness::alive) + count(Liveness::suspect); }
    std::span<const MemberView> views() const { return views_; }
    Member member(const MemberView& view) const;

    // The view under the cursor, which moves on; nullptr when it passed the last one
    // and starts again.
    MemberView* advance();
    void shuffle(Random& random);

    // Up to `wanted` distinct members that are `eligible`, each set of them as likely
    // as any other. First by drawing; where that finds too few, as in a small mesh,
    // by looking at all.
    template <typename Eligible>
    std::vector<MemberView> choose(Random& random, std::size_t wanted, Eligible eligible) const;

private:
    std::size_t home(TextId name) const {
        return (std::size_t{name} * 0x9e3779b1u) & (index_.size() - 1);
    }
    std::size_t position(TextId name) const;  // views_.size() where there is none.
    void index(std::size_t place);
    void unindex(TextId name);
    void swap_places(std::size_t a, std::size_t b);
    void rebuild_index(std::size_t slots);

    TextPool* texts_;
    std::vector<MemberView> views_;
    std::vector<std::uint32_t> index_;  // Open addressing: place + 1, 0 where free.
    std::array<std::size_t, liveness_count> counts_{};
    std::size_t cursor_ = 0;
};

template <typename Eligible>
std::vector<MemberView> MemberTable::choose(Random& random, std::size_t wanted,
                                            Eligible eligible) const {
    std::vector<MemberView> chosen;
    if (wanted == 0 || views_.empty()) return chosen;
    chosen.reserve(std::min(wanted, views_.size()));
    const auto taken = [&chosen](const MemberView& view) {
        return std::any_of(chosen.begin(), chosen.end(),
                           [&](const MemberView& other) { return other.name == view.name; });
    };
    for (std::size_t draw = 0; draw < 3 * wanted && chosen.size() < wanted; ++draw) {
        const MemberView& view = views_[random.below(views_.size())];
        if (eligible(view) && !taken(view)) chosen.push_back(view);
    }
    if (chosen.size() == wanted) return chosen;
    std::vector<std::uint32_t> rest;
    for (std::uint32_t place = 0; place < views_.size(); ++place) {
        if (eligible(views_[place]) && !taken(views_[place])) rest.push_back(place);
    }
    while (chosen.size() < wanted && !rest.empty()) {
        const std::size_t pick = random.below(rest.size());
        chosen.push_back(views_[rest[pick]]);
        rest[pick] = rest.back();
        rest.pop_back();
    }
    return chosen;
}

}  // namespace picket::gossip
