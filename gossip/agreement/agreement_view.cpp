// Agreement: what people ask.

#include <algorithm>
#include <span>
#include <utility>

#include "gossip/agreement/agreement_case.h"

namespace picket::gossip {

std::string_view to_text(Disregarded reason) {
    switch (reason) {
        case Disregarded::unknown_check:
            return "unknown check";
        case Disregarded::unknown_agent:
            return "unknown agent";
        case Disregarded::not_a_witness:
            return "not a witness";
        case Disregarded::wrong_definition:
            return "wrong definition";
        case Disregarded::wrong_era:
            return "wrong era";
        case Disregarded::old_epoch:
            return "old epoch";
        case Disregarded::absurd_epoch:
            return "absurd epoch";
        case Disregarded::replayed:
            break;
    }
    return "replayed";
}

// Since when fewer of its panel are fit than must agree.
std::optional<Instant> Agreement::thin_since(const Case& item) const {
    std::vector<Instant> unfit;
    for (const AgentId agent : std::span(item.ranks).first(item.size.seats)) {
        if (const auto since = unfit_since(agent)) unfit.push_back(*since);
    }
    const std::size_t spare = item.size.seats - item.size.quorum;
    if (unfit.size() <= spare) return std::nullopt;
    std::ranges::sort(unfit);
    return unfit[spare];
}

std::string Agreement::unknown_reason(Instant now, const Case& item) const {
    if (!quorum()) {
        const auto& last = roll_call_.last();
        const bool waiting = last.has_value() && last->ground == RollCallGround::waiting;
        return waiting ? "waiting for the mesh" : "no quorum";
    }
    if (standing_.arriving) return {};  // Who else is there we do not know yet.
    if (item.size.seats == 0) return "no live carrier";
    const auto thin = thin_since(item);
    if (thin.has_value() && now - *thin >= 2 * item.check.interval) return "too few fit witnesses";
    // Those who vote may know that they cannot: their abstentions stay in the panel.
    const std::size_t seats = std::min(item.size.seats, item.ranks.size());
    std::size_t abstaining = 0;
    for (std::size_t rank = 0; rank < seats; ++rank) {
        const auto found = item.tally.votes().find(item.ranks[rank]);
        if (found == item.tally.votes().end()) continue;
        const Tally::Held& held = found->second;
        if (held.vote.vote != Vote::abstain) continue;
        if (now - held.since >= 2 * item.check.interval || !item.held.has_value()) ++abstaining;
    }
    if (seats - abstaining < item.size.quorum) return "too few witnesses can ask";
    return {};
}

State Agreement::state(Instant now, CheckKey key) const {
    const Case* item = find(key);
    if (item == nullptr) return State::pending;
    if (!unknown_reason(now, *item).empty()) return State::unknown;
    if (!item->held.has_value()) return item->host.empty() ? State::pending : State::up;
    if (item->held->outage()) return State::down;
    return item->held->degraded() ? State::degraded : State::up;
}

std::optional<CheckView> Agreement::view(Instant now, CheckKey key) const {
    const Case* item = find(key);
    if (item == nullptr) return std::nullopt;
    CheckView view;
    view.state = state(now, key);
    view.unknown_reason = unknown_reason(now, *item);
    view.verdict = item->held;
    view.size = item->size;
    view.seat = item->seat;
    view.shadow_outage = item->shadow_since.has_value();
    if (item->outage()) {
        view.closes_in = std::max(Duration{0}, item->opened_at + dwell(*item) - now);
    }
    const auto witness = [&](AgentId agent) {
        WitnessView shown{
            name_of(agent), std::string(zone_of(agent)), !unfit_since(agent).has_value(), {}};
        const auto found = item->tally.votes().find(agent);
        if (found == item->tally.votes().end()) return shown;
        shown.vote = found->second.vote;
        shown.vote->age = now - found->second.began;
        return shown;
    };
    for (std::size_t rank = 0; rank < item->ranks.size(); ++rank) {
        const AgentId agent = item->ranks[rank];
        if (rank < item->size.seats) {
            view.panel.push_back(witness(agent));
        } else if (item->tally.votes().contains(agent)) {
            view.voters.push_back(witness(agent));
        }
    }
    return view;
}

}  // namespace picket::gossip
