// Agreement: who witnesses what.

#include <algorithm>
#include <span>
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
    const bool sat = !fresh && eligible(state);
    const bool zone_moved = !fresh && state.peer.zone != peer.zone;
    if (zone_moved || fresh) state.zone = zone_id(peer.zone);
    state.peer = peer;
    if (peer.liveness == Liveness::failed && before != Liveness::failed) state.failed_at = now;
    note_missing(id);
    if (fresh) {
        state.host = check_key("host/" + peer.name);
        hosts_.emplace(state.host, peer.name);
    }
    if (peer.fit && state.unfit_since.has_value()) {
        state.unfit_since.reset();
        unfit_.erase(id);
    } else if (!peer.fit && !state.unfit_since.has_value()) {
        state.unfit_since = now;
        unfit_.insert(id);
        seats_at_ = std::min(seats_at_, now + unfit_keeps_seat);
    }
    if (eligible(state) != sat || zone_moved) moves(id);
    on_liveness(state, before);
}

// What membership says of a host is a reason to look, and no verdict.
void Agreement::on_liveness(const PeerState& state, Liveness before) {
    const Liveness liveness = state.peer.liveness;
    if (liveness == Liveness::left) {
        remove_case(state.host);
        standing_at_ = std::min(standing_at_, now_);
        return;
    }
    if (liveness == before) return;
    if (liveness == Liveness::alive && !quorum()) roll_call_.need(now_, now_);
    if (liveness != Liveness::alive) standing_at_ = std::min(standing_at_, now_);
    if (liveness == Liveness::alive && find(state.host) == nullptr) return;
    Case& item = open_host(state.host, state.peer.name);
    if (item.seat.has_value() && item.inquiry.has_value()) {
        static_cast<void>(item.inquiry->look(now_));
    }
    wake(item, now_);
}

void Agreement::on_peer_gone(Instant now, std::string_view name) {
    awake(now);
    const AgentId gone = agent_id(name);
    const auto found = peers_.find(gone);
    if (found == peers_.end()) return;
    const CheckKey host = found->second.host;
    moves(gone);
    unfit_.erase(gone);
    peers_.erase(found);
    note_missing(gone);
    forget_host(host, gone);
    standing_at_ = std::min(standing_at_, now);
}

// A host that was told down stays so until it answers, or is forgotten, also where it has not
// been met since this agent started.
void Agreement::forget_host(CheckKey host, AgentId agent) {
    if (peers_.contains(agent) || counted_.contains(agent)) return;
    remove_case(host);
    hosts_.erase(host);
}

Agreement::Case* Agreement::case_for(CheckKey key) {
    if (Case* item = find(key)) return item;
    const auto host = hosts_.find(key);
    return host == hosts_.end() ? nullptr : &open_host(key, host->second);
}

Agreement::Case& Agreement::open_host(CheckKey key, const std::string& name) {
    if (Case* item = find(key)) return *item;
    MeshCheck check;
    check.key = key;
    check.name = "host/" + name;
    check.fingerprint = host_fingerprint;
    check.interval = host_interval;
    check.timeout = host_timeout;
    check.ours = true;
    auto made = std::make_unique<Case>(std::move(check));
    made->host = name;
    made->host_agent = agent_id(name);
    Case& item = *cases_.emplace(key, std::move(made)).first->second;
    refresh_panel(item);
    return item;
}

// Of a host that is there, and has never been told down, nothing need be kept.
void Agreement::close_host_at_rest(Case& item, bool waits) {
    const bool rests = !waits && !item.held.has_value() && !host_suspected(item);
    if (!rests) {
        item.rests_since = never;
        return;
    }
    if (item.rests_since == never) item.rests_since = now_;
    const Instant at = item.rests_since + host_rests_for;
    if (now_ < at) return wake(item, at);
    remove_case(item.check.key);
}

bool Agreement::host_suspected(const Case& item) const {
    const auto found = peers_.find(item.host_agent);
    return found != peers_.end() && found->second.peer.liveness != Liveness::alive;
}

// May have a seat, as far as it is fit, or has not been unfit for long.
bool Agreement::eligible(const PeerState& peer) const {
    const bool unfit = peer.unfit_since.has_value() && now_ - *peer.unfit_since >= unfit_keeps_seat;
    return present(peer.peer.liveness) && !peer.peer.draining && !unfit;
}

bool Agreement::eligible(AgentId agent) const {
    if (agent == self_) {
        const bool unfit = unfit_since_.has_value() && now_ - *unfit_since_ >= unfit_keeps_seat;
        return !standing_.arriving && !standing_.draining && !unfit;
    }
    const auto found = peers_.find(agent);
    return found != peers_.end() && eligible(found->second);
}

std::vector<Carrier> Agreement::eligible_carriers(const Case& item) {
    std::vector<Carrier> carriers;
    if (item.host.empty()) {
        carriers.reserve(item.check.carriers.size());
        for (const AgentId agent : item.check.carriers) {
            if (eligible(agent)) carriers.push_back({agent, zone_id_of(agent)});
        }
        return carriers;
    }
    carriers = eligible_agents();
    std::erase_if(carriers, [&](const Carrier& any) { return any.agent == item.host_agent; });
    return carriers;
}

// In a large mesh hosts are looked at more often than seats move.
const std::vector<Carrier>& Agreement::eligible_agents() {
    if (!eligible_agents_.empty()) return eligible_agents_;
    for (const auto& [agent, peer] : peers_) {
        if (eligible(peer)) eligible_agents_.push_back({agent, peer.zone});
    }
    if (eligible(self_)) eligible_agents_.push_back({self_, zone_});
    return eligible_agents_;
}

// What gives it a seat, or costs it one, has changed.
void Agreement::moves(AgentId agent) {
    moved_.insert(agent);
    eligible_agents_.clear();
    panels_at_ = std::min(panels_at_, now_);
}

// Of a large mesh that parts each agent sees some hundred others go, and asks about as many
// hosts: only the few panels that are concerned are drawn up anew.
void Agreement::refresh_panels() {
    const auto loses_seat = [&](AgentId agent, const std::optional<Instant>& unfit_since) {
        if (!unfit_since.has_value()) return;
        const Instant at = *unfit_since + unfit_keeps_seat;
        if (now_ < at) {
            seats_at_ = std::min(seats_at_, at);
        } else if (at > refreshed_at_) {
            moves(agent);
        }
    };
    seats_at_ = never;
    loses_seat(self_, unfit_since_);
    for (const AgentId agent : unfit_) loses_seat(agent, peers_.at(agent).unfit_since);
    refreshed_at_ = now_;
    panels_at_ = never;
    for (const AgentId agent : std::exchange(moved_, {})) {
        const bool seated = eligible(agent);
        for (const auto& entry : cases_) {
            if (concerns(*entry.second, agent, seated)) refresh_panel(*entry.second);
        }
    }
}

// Whether the panel may be another now that `agent` has changed, and sits or does not.
bool Agreement::concerns(const Case& item, AgentId agent, bool seated) const {
    if (std::ranges::find(item.ranks, agent) != item.ranks.end()) return true;
    if (!seated) return false;
    if (score(item.check.key, agent) >= item.bar) return true;
    const ZoneId zone = zone_id_of(agent);
    const auto panel = std::span(item.ranks).first(item.size.seats);
    return std::ranges::none_of(panel, [&](AgentId other) { return zone_id_of(other) == zone; });
}

void Agreement::refresh_panel(Case& item) {
    const std::vector<Carrier> carriers = eligible_carriers(item);
    const PanelSize size = panel_size(item.check.witnesses, item.check.quorum, carriers.size());
    const bool all = !item.check.witnesses.has_value();
    const std::size_t ranks = all ? carriers.size() : size.accepted_ranks();
    Ranking ranked = ranking(item.check.key, carriers, size.seats, ranks);

    const auto us = std::ranges::find(ranked.order, self_);
    const auto rank = static_cast<std::size_t>(us - ranked.order.begin());
    const std::size_t witnesses = all ? ranked.order.size() : size.seats;
    std::optional<Seat> seat;
    if (item.check.ours && rank < witnesses) {
        seat = Seat{rank, witnesses,
                    slot_offset(item.check.key, item.check.interval, self_, rank, witnesses)};
    }
    const bool moved = seat != item.seat;
    if (seat.has_value() != item.seat.has_value()) count_seat(item, seat.has_value());
    // Else a seat that moves, as others die, could skip its slot when that is needed most.
    if (moved && seat.has_value() && item.seat.has_value() && item.slotted_at != long_ago) {
        item.overdue_at = item.slotted_at + item.check.interval;
    }
    const bool resized = size != item.size;
    const bool left_alone = size.seats == 1 && item.size.seats > 1;
    item.ranks = std::move(ranked.order);
    std::erase_if(item.suspected, [&](const auto& entry) {
        return std::ranges::find(item.ranks, entry.first) == item.ranks.end();
    });
    item.bar = all ? 0 : ranked.bar;  // Of all, there is no last one.
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

    // Who is left may be enough to say what the others no longer can; and who is left alone
    // needs to know soon whether anything answers it.
    const bool doubts = item.inquiry.has_value() && item.inquiry->last().has_value() &&
                        item.inquiry->last()->vote != Vote::ok && !item.outage();
    if (seat.has_value() && (left_alone || (resized && doubts)))
        static_cast<void>(item.inquiry->look(now_));
    wake(item, now_);
}

// Of checks, not of hosts, whose liveness says nothing of us.
void Agreement::count_seat(const Case& item, bool sits) {
    if (!item.host.empty()) return;
    PICKET_ASSERT(sits || seats_ > 0);
    seats_ = sits ? seats_ + 1 : seats_ - 1;
    fitness_.set_checks(seats_);
}

std::optional<Instant> Agreement::unfit_since(AgentId agent) const {
    if (agent == self_) return unfit_since_;
    const auto found = peers_.find(agent);
    return found == peers_.end() ? std::nullopt : found->second.unfit_since;
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

ZoneId Agreement::zone_id_of(AgentId agent) const {
    if (agent == self_) return zone_;
    const auto found = peers_.find(agent);
    return found == peers_.end() ? ZoneId{} : found->second.zone;
}

std::string Agreement::name_of(AgentId agent) const {
    if (agent == self_) return options_.name;
    const auto found = peers_.find(agent);
    return found == peers_.end() ? picket::to_hex(static_cast<std::uint64_t>(agent))
                                 : found->second.peer.name;
}

// It counts, and is not there.
void Agreement::note_missing(AgentId agent) {
    const auto found = peers_.find(agent);
    const bool there =
        agent == self_ || (found != peers_.end() && present(found->second.peer.liveness));
    if (counted_.contains(agent) && !there) {
        missing_.insert(agent);
    } else {
        missing_.erase(agent);
    }
}

}  // namespace picket::gossip
