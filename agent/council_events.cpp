// What came of it, for people: the database, the event log and the log.

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "agent/api/stored_records.h"
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

// What is up has none. Of a scope that changed the outage's own cause has to do where there is no
// other; and the kind of failure, while evidence has not come yet.
std::string cause_of(const VerdictRecord& verdict, const gossip::Spread& spread) {
    if (!verdict.outage() && !verdict.degraded()) return "";
    std::string message = first_failure(spread.evidence(verdict.check, verdict.epoch, verdict.sub));
    if (message.empty()) message = first_failure(spread.evidence(verdict.check, verdict.epoch));
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

void Council::on_event(Instant now, WallTime wall, const gossip::AccordEvent& event) {
    if (const auto* change = std::get_if<gossip::RecordHeld>(&event)) {
        on_record(now, wall, *change);
    } else if (const auto* raised = std::get_if<gossip::BootRaised>(&event)) {
        services_.recorder.record(storage::AgentFact{"boot", fmt::to_string(raised->boot)});
    } else if (std::holds_alternative<gossip::ChecksChanged>(event)) {
        show_at_ = now;
    } else {
        on_agreement_event(wall, std::get<gossip::AgreementEvent>(event));
    }
}

void Council::on_record(Instant now, WallTime wall, const gossip::RecordHeld& change) {
    // What came from the database is there, and people were told of it.
    if (change.gone || change.origin.source == gossip::Source::stored) return;
    const gossip::Record* record = spread().registry().find(change.key);
    if (record == nullptr) return;
    if (const auto* verdict = std::get_if<VerdictRecord>(record)) {
        const auto* before = change.before ? std::get_if<VerdictRecord>(&*change.before) : nullptr;
        on_verdict_held(now, wall, *verdict, before);
    } else if (const auto* evidence = std::get_if<gossip::EvidenceRecord>(record)) {
        on_evidence_held(*evidence);
    } else if (const auto* notice = std::get_if<gossip::NoticeRecord>(record)) {
        if (notice->side == spread().self()) return;
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
    if (!accord_.names().contains(verdict.check)) {
        unnamed_.insert(verdict.check);
        return;
    }
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
        fact.message = cause_of(verdict, spread());
    }
    services_.recorder.record(std::move(fact));
    services_.recorder.record(api::check_key_fact(name, verdict.check));
    record_outage(verdict.check, before);

    const bool news = verdict.outage() != was_outage ||
                      (before != nullptr && before->epoch / 2 != verdict.epoch / 2);
    if (news) {
        api::Event shown;
        shown.at = wall;
        shown.type = api::EventType::outage;
        shown.check = name;
        shown.agent = spread().peer(verdict.proposer) != nullptr
                          ? spread().peer(verdict.proposer)->name
                          : config_.name;
        shown.from = verdict.outage() ? "" : "open";
        shown.to = verdict.outage() ? "open" : "closed";
        if (verdict.outage()) {
            const std::string cause = cause_of(verdict, spread());
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
    const VerdictRecord* verdict = spread().verdict(evidence.check);
    if (verdict != nullptr && evidence.epoch % 2 == 1 && verdict->epoch / 2 == evidence.epoch / 2) {
        record_outage(verdict->check);
    }
}

// Of the outage that the verdict is, or that it ended.
std::optional<storage::Outage> Council::latest_outage(CheckKey key) const {
    const VerdictRecord* verdict = spread().verdict(key);
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
    outage.message = first_failure(spread().evidence(key, outage.epoch));
    return outage;
}

// A verdict that ends an outage does not say how far it went: the one before does.
void Council::record_outage(CheckKey key, const VerdictRecord* before) {
    auto outage = latest_outage(key);
    if (!outage || !accord_.names().contains(key)) return;
    if (outage->closed && before != nullptr && before->outage()) {
        outage->scope = to_text(before->scope);
    }
    services_.recorder.record(*std::move(outage));
}

void Council::on_agreement_event(WallTime wall, const gossip::AgreementEvent& event) {
    api::Event shown;
    shown.at = wall;
    shown.type = api::EventType::problem;
    shown.agent = config_.name;
    shown.message = event.message;
    switch (event.kind) {
        case gossip::AgreementEvent::Kind::seat:
            return take_seat(event.check);
        case gossip::AgreementEvent::Kind::roll_call:
        case gossip::AgreementEvent::Kind::fitness:
            return;
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

void Council::take_seat(CheckKey key) {
    const CarriedCheck* check =
        services_.checks.find(checks::CheckKey{static_cast<std::uint64_t>(key)});
    if (check == nullptr || !check->meshed()) return;
    const auto seat = agreement().seat(key);
    services_.runner.seat(check->key, seat ? std::optional<Duration>(seat->offset) : std::nullopt);
}

// ---- Telling people

void Council::show_state(Instant now, WallTime wall, CheckKey key) {
    if (!accord_.checks().contains(key) && spread().verdict(key) == nullptr) return;
    const gossip::State state = agreement().state(now, key);
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
        if (const auto view = agreement().view(now, key)) event.message = view->unknown_reason;
    } else if (const VerdictRecord* verdict = spread().verdict(key)) {
        event.message = cause_of(*verdict, spread());
    }
    services_.events.add(std::move(event));
}

void Council::show_states(Instant now, WallTime wall) {
    show_at_ = now + show_interval;
    for (auto key = unnamed_.begin(); key != unnamed_.end();) {
        const VerdictRecord* verdict = spread().verdict(*key);
        if (verdict != nullptr && !accord_.names().contains(*key)) {
            ++key;
            continue;
        }
        key = unnamed_.erase(key);
        if (verdict != nullptr) on_verdict_held(now, wall, *verdict, nullptr);
    }
    for (const auto& [key, check] : accord_.checks()) show_state(now, wall, key);
    std::erase_if(shown_, [this](const auto& shown) {
        return !accord_.checks().contains(shown.first) && spread().verdict(shown.first) == nullptr;
    });
}

}  // namespace picket
