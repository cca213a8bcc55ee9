// What came of it: Spread's and Agreement's events, for the other of the two and for people.

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "agent/base/log.h"
#include "agent/council.h"
#include "agent/io/clock.h"
#include "gossip/spread/record_codec.h"

namespace picket {
namespace {

using gossip::CheckKey;
using gossip::VerdictRecord;

checks::FailureClass class_of(gossip::FailureCode code) {
    const auto known = static_cast<checks::FailureClass>(code);
    return to_text(known).empty() ? checks::FailureClass::none : known;
}

std::string_view to_text(gossip::OutageScope scope) {
    return scope == gossip::OutageScope::partial ? "partial" : "total";
}

// What the failing witnesses found, as the first of them said it.
std::string first_failure(const gossip::EvidenceRecord* evidence) {
    if (evidence == nullptr) return "";
    const auto failed =
        std::ranges::find(evidence->votes, gossip::Vote::fail, &gossip::EvidenceRecord::Cast::vote);
    return failed == evidence->votes.end() ? "" : failed->message;
}

// Evidence may come later than its verdict: until then the kind of failure has to do.
std::string cause_of(const VerdictRecord& verdict, const gossip::EvidenceRecord* evidence) {
    const std::string message = first_failure(evidence);
    return message.empty() && verdict.outage() ? std::string(to_text(class_of(verdict.failure)))
                                               : message;
}

std::string_view backing_words(gossip::Backing backing) {
    switch (backing) {
        case gossip::Backing::panel_of_one:
            return " (1/1, uncorroborated)";
        case gossip::Backing::one_of_two:
            return " (uncorroborated, 1 of 2)";
        case gossip::Backing::quorum:
            break;
    }
    return "";
}

}  // namespace

void Council::on_spread_event(Instant now, WallTime wall, const gossip::SpreadEvent& event) {
    if (const auto* heard = std::get_if<gossip::VoteHeard>(&event)) {
        agreement_.on_vote(now, heard->vote);
    } else if (const auto* asked = std::get_if<gossip::SuspicionHeard>(&event)) {
        agreement_.on_suspicion(now, asked->suspicion);
    } else if (const auto* change = std::get_if<gossip::RecordHeld>(&event)) {
        on_record(now, wall, *change);
    } else if (std::holds_alternative<gossip::CatalogChanged>(event)) {
        update_checks(now);
    } else if (std::holds_alternative<gossip::ReferenceChanged>(event)) {
        agreement_.set_reference(now, spread_.reference().counted());
    } else if (const auto* raised = std::get_if<gossip::BootRaised>(&event)) {
        services_.recorder.record(storage::AgentFact{"boot", fmt::to_string(raised->boot)});
        agreement_.set_boot(raised->boot);
    }
    update_standing(now);
}

void Council::on_record(Instant now, WallTime wall, const gossip::RecordHeld& change) {
    if (change.key.kind == gossip::RecordKind::presence) {
        return note_peer(now, gossip::AgentId{change.key.subject});
    }
    if (change.gone) return;
    const gossip::Record* record = spread_.registry().find(change.key);
    if (record == nullptr) return;
    if (const auto* verdict = std::get_if<VerdictRecord>(record)) {
        const auto* before = change.before ? std::get_if<VerdictRecord>(&*change.before) : nullptr;
        on_verdict_held(now, wall, *verdict, before);
    } else if (const auto* evidence = std::get_if<gossip::EvidenceRecord>(record)) {
        on_evidence_held(*evidence);
    } else if (const auto* notice = std::get_if<gossip::NoticeRecord>(record)) {
        if (notice->side == spread_.self()) return;
        api::Event shown;
        shown.at = wall;
        shown.type = api::EventType::problem;
        shown.message = fmt::format("a side of the mesh {}: {} of {} agents answered it, {} needed",
                                    notice->over ? "has its quorum again" : "had no quorum",
                                    notice->answering, notice->known, notice->needed);
        services_.events.add(std::move(shown));
    }
}

void Council::on_verdict_held(Instant now, WallTime wall, const VerdictRecord& verdict,
                              const VerdictRecord* before) {
    agreement_.on_verdict(now, verdict);
    const std::string name = name_of(verdict.check);
    const bool was_outage = before != nullptr && before->outage();
    storage::Transition fact;
    fact.check = name;
    fact.at = wall;
    fact.epoch = verdict.epoch;
    fact.state = verdict.outage() ? "down" : verdict.degraded() ? "degraded" : "up";
    fact.since = verdict.outage() ? verdict.opened_at : verdict.closed_at;
    if (verdict.outage()) {
        fact.outage_scope = to_text(verdict.scope);
        fact.first_failure = verdict.first_failure_at;
        fact.failure_class = class_of(verdict.failure);
        fact.message = first_failure(spread_.evidence(verdict.check, verdict.epoch));
    }
    services_.recorder.record(std::move(fact));
    record_outage(verdict.check, before);

    const bool news = verdict.outage() != was_outage ||
                      (before != nullptr && before->epoch / 2 != verdict.epoch / 2);
    if (news) {
        api::Event shown;
        shown.at = wall;
        shown.type = api::EventType::outage;
        shown.check = name;
        shown.agent = spread_.peer(verdict.proposer) != nullptr
                          ? spread_.peer(verdict.proposer)->name
                          : config_.name;
        shown.from = verdict.outage() ? "" : "open";
        shown.to = verdict.outage() ? "open" : "closed";
        if (verdict.outage()) {
            const std::string cause =
                cause_of(verdict, spread_.evidence(verdict.check, verdict.epoch));
            shown.message =
                fmt::format("{}#{}: {}{}{}", name, verdict.epoch, to_text(verdict.scope),
                            cause.empty() ? "" : ", " + cause, backing_words(verdict.backing));
            log_warning(shown.message);
        } else {
            const auto lasted =
                std::chrono::round<std::chrono::seconds>(verdict.closed_at - verdict.opened_at);
            shown.message = fmt::format("{}#{}: over after {}", name, verdict.epoch - 1,
                                        format_duration(std::max<Duration>(lasted, Duration{0})));
            log_info(shown.message);
        }
        services_.events.add(std::move(shown));
        on_outage_();
    }
    show_state(now, wall, verdict.check);
}

// It may come after its verdict, and then says what the outage is about.
void Council::on_evidence_held(const gossip::EvidenceRecord& evidence) {
    const VerdictRecord* verdict = spread_.verdict(evidence.check);
    if (verdict != nullptr && evidence.epoch % 2 == 1 && verdict->epoch / 2 == evidence.epoch / 2) {
        record_outage(verdict->check);
    }
}

// Of the outage that the verdict is, or that it ended.
std::optional<storage::Outage> Council::latest_outage(CheckKey key) const {
    const VerdictRecord* verdict = spread_.verdict(key);
    if (verdict == nullptr || verdict->epoch == 0 || verdict->opened_at == WallTime{}) {
        return std::nullopt;
    }
    storage::Outage outage;
    outage.check = name_of(key);
    outage.epoch = verdict->outage() ? verdict->epoch : verdict->epoch - 1;
    outage.scope = to_text(verdict->scope);
    outage.opened = verdict->opened_at;
    if (!verdict->outage()) outage.closed = verdict->closed_at;
    outage.first_failure = verdict->first_failure_at;
    outage.failure_class = class_of(verdict->failure);
    outage.message = first_failure(spread_.evidence(key, outage.epoch));
    return outage;
}

// A verdict that ends an outage does not say how far it went: the one before does.
void Council::record_outage(CheckKey key, const VerdictRecord* before) {
    auto outage = latest_outage(key);
    if (!outage) return;
    if (outage->closed && before != nullptr && before->outage()) {
        outage->scope = to_text(before->scope);
    }
    services_.recorder.record(*std::move(outage));
}

void Council::on_agreement_event(Instant now, WallTime wall, const gossip::AgreementEvent& event) {
    api::Event shown;
    shown.at = wall;
    shown.type = api::EventType::problem;
    shown.agent = config_.name;
    shown.message = event.message;
    switch (event.kind) {
        case gossip::AgreementEvent::Kind::seat:
            return take_seat(event.check);
        case gossip::AgreementEvent::Kind::roll_call:
            if (const auto& call = agreement_.last_roll_call()) {
                spread_.on_roll_call(now, wall, call->passed);
            }
            return;
        case gossip::AgreementEvent::Kind::fitness:
            return;  // update_fitness() sees it.
        case gossip::AgreementEvent::Kind::shadow_outage:
            shown.check = name_of(event.check);
            break;
        case gossip::AgreementEvent::Kind::no_quorum:
        case gossip::AgreementEvent::Kind::quorum:
            break;
    }
    log_warning(shown.message);
    services_.events.add(std::move(shown));
    on_outage_();
}

// ---- Telling Agreement what is there

void Council::note_peer(Instant now, gossip::AgentId agent) {
    const gossip::Spread::Peer* peer = spread_.peer(agent);
    if (peer == nullptr || agent == spread_.self()) return;
    const gossip::PresenceRecord* presence = spread_.presence(agent);
    gossip::Peer known;
    known.name = peer->name;
    known.zone = peer->zone;
    known.liveness = peer->liveness;
    known.fit = presence == nullptr || presence->fit;
    known.draining =
        presence != nullptr && (presence->capabilities & gossip::PresenceRecord::draining) != 0;
    agreement_.on_peer(now, known);
    const std::string host = "host/" + peer->name;
    names_[gossip::check_key(host)] = host;
}

void Council::update_standing(Instant now) {
    gossip::Agreement::Standing standing;
    standing.settled = spread_.settled();
    standing.waiting = spread_.reference().waiting_for_mesh();
    standing.draining = services_.node.leaving();
    standing.health_score = services_.node.health_score();
    if (standing == standing_) return;
    standing_ = standing;
    agreement_.set_standing(now, standing);
}

void Council::update_checks(Instant now) {
    std::map<CheckKey, gossip::MeshCheck> wanted;
    for (const auto& [key, entry] : spread_.catalog().entries()) {
        const gossip::Declaration& active = entry.active.declaration;
        gossip::MeshCheck check;
        if (const auto own = ours_.find(key);
            own != ours_.end() && own->second.fingerprint == active.fingerprint) {
            check = own->second;
            check.ours = true;
        }
        check.key = key;
        check.name = active.name;
        check.fingerprint = active.fingerprint;
        check.interval = std::chrono::milliseconds(active.interval_ms);
        check.timeout = std::chrono::milliseconds(active.timeout_ms);
        check.witnesses.reset();
        if (active.witnesses != gossip::Declaration::witnesses_all) {
            check.witnesses = active.witnesses;
        }
        if (active.quorum != 0) check.quorum = active.quorum;
        check.dns = active.type == "dns";
        for (const gossip::AgentId agent : spread_.catalog().carriers(entry.active)) {
            const gossip::PresenceRecord* presence =
                agent == spread_.self() ? &spread_.own_presence() : spread_.presence(agent);
            if (active.from.empty() ||
                (presence != nullptr && selects(active.from, presence->labels))) {
                check.carriers.push_back(agent);
            }
        }
        wanted.emplace(key, std::move(check));
    }
    for (const auto& [key, check] : agreed_) {
        if (!wanted.contains(key)) agreement_.on_check_gone(now, key);
    }
    for (const auto& [key, check] : wanted) {
        names_[key] = check.name;
        const auto known = agreed_.find(key);
        if (known != agreed_.end() && known->second == check) continue;
        agreement_.on_check(now, check);
        if (const VerdictRecord* verdict = spread_.verdict(key);
            known == agreed_.end() && verdict) {
            agreement_.on_verdict(now, *verdict);
        }
    }
    agreed_ = std::move(wanted);
    show_at_ = now;
}

void Council::update_fitness(Instant now, WallTime wall) {
    auto reason = agreement_.unfit_reason(now);
    if (reason == unfit_reason_ && spread_.own_presence().fit == !reason.has_value()) return;
    unfit_reason_ = std::move(reason);
    spread_.set_fitness(now, wall, !unfit_reason_.has_value(), unfit_reason_.value_or(""));
    again_ = true;
}

void Council::take_seat(CheckKey key) {
    const CarriedCheck* check =
        services_.checks.find(checks::CheckKey{static_cast<std::uint64_t>(key)});
    if (check == nullptr || !check->meshed()) return;
    const auto seat = agreement_.seat(key);
    services_.runner.seat(check->key, seat ? std::optional<Duration>(seat->offset) : std::nullopt);
}

// ---- Telling people

void Council::show_state(Instant now, WallTime wall, CheckKey key) {
    if (!agreed_.contains(key) && spread_.verdict(key) == nullptr) return;
    const gossip::State state = agreement_.state(now, key);
    const auto [shown, first] = shown_.try_emplace(key, gossip::State::pending);
    if (state == shown->second) return;
    api::Event event;
    event.at = wall;
    event.type = api::EventType::verdict;
    event.check = name_of(key);
    event.agent = config_.name;
    event.from = gossip::to_text(std::exchange(shown->second, state));
    event.to = gossip::to_text(state);
    if (state == gossip::State::unknown) {
        if (const auto view = agreement_.view(now, key)) event.message = view->unknown_reason;
    } else if (const VerdictRecord* verdict = spread_.verdict(key)) {
        event.message = cause_of(*verdict, spread_.evidence(key, verdict->epoch));
    }
    services_.events.add(std::move(event));
}

void Council::show_states(Instant now, WallTime wall) {
    show_at_ = now + show_interval;
    for (const auto& [key, check] : agreed_) show_state(now, wall, key);
    std::erase_if(shown_, [this](const auto& shown) {
        return !agreed_.contains(shown.first) && spread_.verdict(shown.first) == nullptr;
    });
}

}  // namespace picket
