// Agreement: who witnesses what.

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/digest.h"
#include "gossip/agreement/agreement_case.h"

namespace picket::gossip {
namespace {

// All agents ask about a host in the same way.
const Fingerprint host_fingerprint{short_digest("pf1", "host")};

}  // namespace

void Agreement::on_peer(Instant now, const Peer& peer) {
    awake(now);
    const AgentId id = agent_id(peer.name);
    if (id == self_) return;
    const auto [found, fresh] = peers_.try_emplace(id);
    PeerState& state = found->second;
    if (!fresh && state.peer == peer) return;
    const Liveness before = fresh ? Liveness::alive : state.peer.liveness;
    const bool seated_before = !fresh && present(state.peer.liveness) && !state.peer.draining;
    const bool zone_moved = !fresh && state.peer.zone != peer.zone;
    state.peer = peer;
    if (fresh) {
        state.host = check_key("host/" + peer.name);
        hosts_.emplace(state.host, id);
    }
    if (peer.fit && state.unfit_since.has_value()) {
        state.unfit_since.reset();
        panels_at_ = std::min(panels_at_, now);
    } else if (!peer.fit && !state.unfit_since.has_value()) {
        state.unfit_since = now;
        panels_at_ = std::min(panels_at_, now);
    }
    const bool seated = present(peer.liveness) && !peer.draining;
    if (seated != seated_before || zone_moved) panels_at_ = std::min(panels_at_, now);
    on_liveness(state, before);
}

// What membership says of a host is a reason to look, and no verdict.
void Agreement::on_liveness(const PeerState& state, Liveness before) {
    const Liveness liveness = state.peer.liveness;
    if (liveness == Liveness::left) {
        remove_host(state);
        standing_at_ = std::min(standing_at_, now_);
        return;
    }
    if (liveness == before) return;
    if (liveness == Liveness::alive && !quorum()) roll_call_.need(now_, now_);
    if (liveness != Liveness::alive) standing_at_ = std::min(standing_at_, now_);
    if (liveness == Liveness::alive && find(state.host) == nullptr) return;
    Case& item = open_host(state);
    if (item.seat.has_value() && item.inquiry.has_value()) {
        static_cast<void>(item.inquiry->look(now_));
    }
    wake(item, now_);
}

void Agreement::on_peer_gone(Instant now, std::string_view name) {
    awake(now);
    const auto found = peers_.find(agent_id(name));
    if (found == peers_.end()) return;
    remove_host(found->second);
    hosts_.erase(found->second.host);
    peers_.erase(found);
    panels_at_ = std::min(panels_at_, now);
    standing_at_ = std::min(standing_at_, now);
}

// A host that was told down stays so until it answers, or is forgotten.
void Agreement::remove_host(const PeerState& state) {
    const auto found = cases_.find(state.host);
    if (found == cases_.end()) return;
    due_.erase({found->second->due, state.host});
    open_.erase(state.host);
    cases_.erase(found);
}

Agreement::Case* Agreement::case_for(CheckKey key) {
    if (Case* item = find(key)) return item;
    const auto host = hosts_.find(key);
    return host == hosts_.end() ? nullptr : &open_host(peers_.at(host->second));
}

Agreement::Case& Agreement::open_host(const PeerState& peer) {
    if (Case* item = find(peer.host)) return *item;
    MeshCheck check;
    check.key = peer.host;
    check.name = "host/" + peer.peer.name;
    check.fingerprint = host_fingerprint;
    check.interval = host_interval;
    check.timeout = host_timeout;
    check.ours = true;
    auto made = std::make_unique<Case>(std::move(check));
    made->host = peer.peer.name;
    Case& item = *cases_.emplace(peer.host, std::move(made)).first->second;
    refresh_panel(item);
    return item;
}

bool Agreement::eligible(AgentId agent) const {
    if (agent == self_) {
        const bool unfit = unfit_since_.has_value() && now_ - *unfit_since_ >= unfit_keeps_seat;
        return !standing_.arriving && !standing_.draining && !unfit;
    }
    const auto found = peers_.find(agent);
    if (found == peers_.end()) return false;
    const PeerState& state = found->second;
    const bool unfit =
        state.unfit_since.has_value() && now_ - *state.unfit_since >= unfit_keeps_seat;
    return present(state.peer.liveness) && !state.peer.draining && !unfit;
}

std::vector<Carrier> Agreement::eligible_carriers(const Case& item) const {
    std::vector<Carrier> carriers;
    const auto add = [&](AgentId agent) {
        if (eligible(agent)) carriers.push_back({agent, zone_of(agent)});
    };
    if (item.host.empty()) {
        carriers.reserve(item.check.carriers.size());
        for (const AgentId agent : item.check.carriers) add(agent);
        return carriers;
    }
    const AgentId host = agent_id(item.host);
    carriers.reserve(peers_.size());
    for (const auto& entry : peers_) {
        if (entry.first != host) add(entry.first);
    }
    add(self_);
    return carriers;
}

void Agreement::refresh_panels() {
    panels_at_ = never;
    seats_at_ = never;
    const auto loses_seat = [&](const std::optional<Instant>& unfit_since) {
        if (!unfit_since.has_value() || now_ - *unfit_since >= unfit_keeps_seat) return;
        seats_at_ = std::min(seats_at_, *unfit_since + unfit_keeps_seat);
    };
    loses_seat(unfit_since_);
    for (const auto& entry : peers_) loses_seat(entry.second.unfit_since);
    for (const auto& entry : cases_) refresh_panel(*entry.second);
}

void Agreement::refresh_panel(Case& item) {
    const std::vector<Carrier> carriers = eligible_carriers(item);
    const PanelSize size = panel_size(item.check.witnesses, item.check.quorum, carriers.size());
    const bool all = !item.check.witnesses.has_value();
    const std::size_t ranks = all ? carriers.size() : size.accepted_ranks();
    std::vector<AgentId> order = ranking(item.check.key, carriers, size.seats, ranks);

    const auto us = std::find(order.begin(), order.end(), self_);
    const auto rank = static_cast<std::size_t>(us - order.begin());
    const std::size_t witnesses = all ? order.size() : size.seats;
    std::optional<Seat> seat;
    if (item.check.ours && rank < witnesses) {
        seat = Seat{rank, witnesses,
                    slot_offset(item.check.key, item.check.interval, self_, rank, witnesses)};
    }
    const bool moved = seat != item.seat;
    const bool resized = size != item.size;
    item.ranks = std::move(order);
    item.size = size;
    item.seat = seat;
    item.juror = seat.has_value() && rank < size.seats;
    Inquiry::Settings settings = item.settings();
    settings.proof_between = !options_.ablations.roll_call_beside_attempts;
    if (seat.has_value() && !item.inquiry.has_value()) {
        item.inquiry.emplace(settings, random_.next());
        item.inquiry->on_epoch(item.epoch(), item.opened_at + dwell(item) - Inquiry::gap);
    }
    if (item.inquiry.has_value()) item.inquiry->set_settings(settings);
    if (moved && item.host.empty()) event(AgreementEvent::Kind::seat, item.check.key);

    const auto fit_seats = std::count_if(
        item.ranks.begin(), item.ranks.begin() + static_cast<std::ptrdiff_t>(size.seats),
        [&](AgentId agent) { return is_fit(agent); });
    const bool thin = static_cast<std::size_t>(fit_seats) < size.quorum || size.seats == 0;
    if (!thin) item.thin_since.reset();
    if (thin && !item.thin_since.has_value()) item.thin_since = now_;
    // Who is left may be enough to say what the others no longer can.
    const bool doubts = item.inquiry.has_value() && item.inquiry->last().has_value() &&
                        item.inquiry->last()->vote != Vote::ok && !item.outage();
    if (resized && seat.has_value() && doubts) static_cast<void>(item.inquiry->look(now_));
    wake(item, now_);
}

bool Agreement::is_fit(AgentId agent) const {
    if (agent == self_) return !unfit_since_.has_value();
    const auto found = peers_.find(agent);
    return found != peers_.end() && found->second.peer.fit;
}

std::optional<Seat> Agreement::seat(CheckKey key) const {
    const Case* item = find(key);
    return item == nullptr ? std::nullopt : item->seat;
}

std::string_view Agreement::zone_of(AgentId agent) const {
    if (agent == self_) return options_.zone;
    const auto found = peers_.find(agent);
    return found == peers_.end() ? std::string_view() : found->second.peer.zone;
}

std::string Agreement::name_of(AgentId agent) const {
    if (agent == self_) return options_.name;
    const auto found = peers_.find(agent);
    return found == peers_.end() ? picket::to_hex(static_cast<std::uint64_t>(agent))
                                 : found->second.peer.name;
}

bool Agreement::member_present(const std::string& name) const {
    const auto found = peers_.find(agent_id(name));
    return found != peers_.end() && present(found->second.peer.liveness);
}

}  // namespace picket::gossip
