#include "agent/outage_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace picket {
namespace {

constexpr std::string_view unwatched_note = "ended: no living agent carries it";

storage::Outage ended(storage::Outage outage, WallTime wall, std::string_view note) {
    outage.closed = std::max(wall, outage.opened);
    outage.message += fmt::format("{}[{}]", outage.message.empty() ? "" : " ", note);
    return outage;
}

}  // namespace

storage::Outage OutageBook::note(gossip::CheckKey check, const storage::Outage& outage) {
    if (outage.closed) {
        closed_.insert_or_assign(check, outage);
        const auto known = open_.find(check);
        if (known != open_.end() && known->second.outage.epoch <= outage.epoch) open_.erase(known);
        return outage;
    }
    Open& open = open_[check];
    if (open.outage.epoch != outage.epoch) open = {};
    // As storage does: what is left empty stays as it was.
    std::string message = outage.message.empty() ? open.outage.message : outage.message;
    open.outage = outage;
    open.outage.message = std::move(message);
    return open.ended ? ended(open.outage, *open.ended, unwatched_note) : open.outage;
}

std::optional<storage::Outage> OutageBook::end(gossip::CheckKey check, WallTime wall,
                                               std::string_view note) {
    const auto known = open_.find(check);
    if (known == open_.end()) return std::nullopt;
    const Open open = std::move(known->second);
    open_.erase(known);
    if (open.ended) return std::nullopt;
    return ended(open.outage, wall, note);
}

void OutageBook::forget(gossip::CheckKey check) {
    open_.erase(check);
    closed_.erase(check);
}

std::vector<storage::Outage> OutageBook::review(Instant now, WallTime wall,
                                                const Watched& watched) {
    std::vector<storage::Outage> changed;
    for (auto& [check, open] : open_) {
        const std::optional<bool> seen = watched(open.outage);
        if (seen.value_or(true)) open.unwatched_since.reset();
        if (!seen) continue;
        if (*seen) {
            if (std::exchange(open.ended, std::nullopt)) changed.push_back(open.outage);
            continue;
        }
        if (!open.unwatched_since) open.unwatched_since = now;
        if (open.ended || now - *open.unwatched_since < unwatched_max) continue;
        open.ended = wall;
        changed.push_back(ended(open.outage, wall, unwatched_note));
    }
    return changed;
}

const storage::Outage* OutageBook::noted(gossip::CheckKey check, std::uint32_t epoch) const {
    if (const storage::Outage* one = open(check); one != nullptr && one->epoch == epoch) return one;
    const auto closed = closed_.find(check);
    const bool known = closed != closed_.end() && closed->second.epoch == epoch;
    return known ? &closed->second : nullptr;
}

const storage::Outage* OutageBook::open(gossip::CheckKey check) const {
    const auto known = open_.find(check);
    return known == open_.end() ? nullptr : &known->second.outage;
}

}  // namespace picket
