#include "gossip/membership/member_table.h"

#include <utility>

#include "agent/base/assert.h"

namespace picket::gossip {
namespace {

constexpr std::size_t slots_min = 16;

}  // namespace

MemberTable::~MemberTable() {
    for (const MemberView& view : views_) {
        texts_->release(view.name);
        texts_->release(view.meta);
    }
}

std::size_t MemberTable::position(TextId name) const {
    if (name == no_text || index_.empty()) return views_.size();
    for (std::size_t slot = home(name);; slot = (slot + 1) & (index_.size() - 1)) {
        if (index_[slot] == 0) return views_.size();
        const std::size_t place = index_[slot] - 1;
        if (views_[place].name == name) return place;
    }
}

MemberView* MemberTable::find(TextId name) {
    const std::size_t place = position(name);
    return place == views_.size() ? nullptr : &views_[place];
}

const MemberView* MemberTable::find(TextId name) const {
    const std::size_t place = position(name);
    return place == views_.size() ? nullptr : &views_[place];
}

void MemberTable::index(std::size_t place) {
    std::size_t slot = home(views_[place].name);
    while (index_[slot] != 0) slot = (slot + 1) & (index_.size() - 1);
    index_[slot] = static_cast<std::uint32_t>(place + 1);
}

// Moves back whatever stood behind the freed slot because it was taken.
void MemberTable::unindex(TextId name) {
    const std::size_t mask = index_.size() - 1;
    std::size_t hole = home(name);
    while (views_[index_[hole] - 1].name != name) hole = (hole + 1) & mask;
    for (std::size_t slot = (hole + 1) & mask; index_[slot] != 0; slot = (slot + 1) & mask) {
        const std::size_t wanted = home(views_[index_[slot] - 1].name);
        if (((slot - wanted) & mask) < ((slot - hole) & mask)) continue;
        index_[hole] = index_[slot];
        hole = slot;
    }
    index_[hole] = 0;
}

void MemberTable::rebuild_index(std::size_t slots) {
    index_.assign(slots, 0);
    for (std::size_t place = 0; place < views_.size(); ++place) index(place);
}

void MemberTable::swap_places(std::size_t a, std::size_t b) {
    if (a == b) return;
    unindex(views_[a].name);
    unindex(views_[b].name);
    std::swap(views_[a], views_[b]);
    index(a);
    index(b);
}

MemberView& MemberTable::insert(std::string_view name, Random& random) {
    PICKET_ASSERT(!name.empty());
    PICKET_ASSERT(find(name) == nullptr);
    MemberView view;
    view.name = texts_->intern(name);
    views_.push_back(view);
    if (views_.size() * 2 > index_.size()) {
        rebuild_index(std::max(slots_min, index_.size() * 2));
    } else {
        index(views_.size() - 1);
    }
    ++counts_[static_cast<std::size_t>(view.liveness)];
    const std::size_t place = random.below(views_.size());
    swap_places(place, views_.size() - 1);
    return views_[place];
}

void MemberTable::erase(TextId name) {
    const std::size_t place = position(name);
    PICKET_ASSERT(place < views_.size());
    swap_places(place, views_.size() - 1);
    unindex(name);
    const MemberView view = views_.back();
    views_.pop_back();
    --counts_[static_cast<std::size_t>(view.liveness)];
    texts_->release(view.name);
    texts_->release(view.meta);
}

void MemberTable::set_liveness(Instant now, MemberView& view, Liveness liveness) {
    --counts_[static_cast<std::size_t>(view.liveness)];
    ++counts_[static_cast<std::size_t>(liveness)];
    view.liveness = liveness;
    view.since = now;
}

void MemberTable::set_meta(MemberView& view, std::string_view meta) {
    if (texts_->text(view.meta) == meta) return;
    const TextId before = view.meta;
    view.meta = texts_->intern(meta);
    texts_->release(before);
}

Member MemberTable::member(const MemberView& view) const {
    return {.name = std::string(texts_->text(view.name)),
            .meta = std::string(texts_->text(view.meta)),
            .address = view.address,
            .incarnation = view.incarnation,
            .versions = view.versions,
            .liveness = view.liveness,
            .picket = view.picket,
            .since = view.since};
}

MemberView* MemberTable::advance() {
    if (cursor_ >= views_.size()) {
        cursor_ = 0;
        return nullptr;
    }
    return &views_[cursor_++];
}

void MemberTable::shuffle(Random& random) {
    for (std::size_t left = views_.size(); left > 1; --left) {
        std::swap(views_[left - 1], views_[random.below(left)]);
    }
    std::fill(index_.begin(), index_.end(), 0);
    for (std::size_t place = 0; place < views_.size(); ++place) index(place);
}

}  // namespace picket::gossip
