// What came of it, for people: the database, the event log and the log.

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "agent/api/record_views.h"
#include "agent/api/stored_records.h"
#include "agent/base/log.h"
#include "agent/council.h"
#include "agent/io/clock.h"
#include "agent/mesh_outages.h"
#include "gossip/spread/record_codec.h"

namespace picket {
namespace {

using gossip::CheckKey;
using gossip::VerdictRecord;

std::string first_failure(const gossip::EvidenceRecord* evidence) {
    return evidence == nullptr ? "" : api::first_failure(api::evidence_view(*evidence));
}

// What is up has none. Of a scope that changed the outage's own cause has to do where there is no
// other; and the kind of failure, while evidence has not come yet.
std::string cause_of(const VerdictRecord& verdict, const gossip::Spread& spread) {
    if (!verdict.outage() && !verdict.degraded()) return "";
    std::string message = first_failure(spread.evidence(verdict.check, verdict.epoch, verdict.sub));
    if (message.empty()) message = first_failure(spread.evidence(verdict.check, verdict.epoch));
    return message.empty() && verdict.outage()
               ? std::string(to_text(api::failure_class_of(verdict.failure)))
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
    if (change.gone) {
        if (change.key.kind == gossip::RecordKind::verdict) {
            const CheckKey check{change.key.subject};
            end_outage(wall, check, "ended: the mesh holds it no more");
            outages_.forget(check);
        }
        return;
    }
    // What came from the database is there, and people were told of it.
    if (change.origin.source == gossip::Source::stored) return;
    const gossip::Record* record = spread().registry().find(change.key);
    if (record == nullptr) return;
    if (const auto* verdict = std::get_if<VerdictRecord>(record)) {
        const auto* before = change.before ? std::get_if<VerdictRecord>(&*change.before) : nullptr;
        on_verdict_held(now, wall, *verdict, before);
    } else if (const auto* evidence = std::get_if<gossip::EvidenceRecord>(record)) {
        // Another scribe's of a version says nothing new of an outage that is long over.
        const VerdictRecord* held = spread().verdict(evidence->check);
        const bool latest = held != nullptr && held->epoch <= outage_of_epoch(evidence->epoch) + 1;
        if (!change.before || latest) on_evidence_held(*evidence);
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
    storage::Transition fact;
    fact.check = name;
    fact.at = wall;
    fact.epoch = verdict.epoch;
    fact.state = verdict.outage() ? "down" : verdict.degraded() ? "degraded" : "up";
    fact.since = verdict.outage() ? verdict.opened_at : verdict.closed_at;
    if (verdict.outage()) {
        fact.outage_scope = api::scope_text(verdict.scope);
        fact.first_failure = verdict.first_failure_at;
        fact.failure_class = api::failure_class_of(verdict.failure);
        fact.message = cause_of(verdict, spread());
    }
    services_.recorder.record(std::move(fact));
    services_.recorder.record(api::check_key_fact(name, verdict.check));

    const std::uint32_t latest = outage_of_epoch(verdict.epoch);
    const std::uint32_t last = before == nullptr ? 0 : outage_of_epoch(before->epoch);
    if (before != nullptr && before->outage() && last < latest) {
        // Its end was not heard of.
        if (const auto ended = record_outage(name, last, before))
            tell_closed(wall, verdict, *ended);
    }
    const auto outage = record_outage(name, latest, before);
    const bool was_outage = before != nullptr && before->outage();
    if (verdict.outage() && (!was_outage || last < latest)) {
        tell_opened(wall, verdict);
    } else if (!verdict.outage() && outage &&
               (was_outage || (before != nullptr && last < latest))) {
        tell_closed(wall, verdict, *outage);
    }
    show_state(now, wall, verdict.check);
}

void Council::tell_opened(WallTime wall, const VerdictRecord& verdict) {
    const std::string name = name_of(verdict.check);
    const std::string cause = cause_of(verdict, spread());
    tell_outage({.at = wall,
                 .check = name,
                 .agent = agent_name(verdict.proposer),
                 .from = "",
                 .to = "open",
                 .message = fmt::format(
                     "{}#{}: {}{}{}", name, verdict.epoch, api::scope_text(verdict.scope),
                     cause.empty() ? "" : ", " + cause, backing_words(verdict.backing))});
}

void Council::tell_closed(WallTime wall, const VerdictRecord& verdict,
                          const storage::Outage& outage) {
    const auto lasted = std::chrono::round<std::chrono::seconds>(*outage.closed - outage.opened);
    tell_outage({.at = wall,
                 .check = outage.check,
                 .agent = agent_name(verdict.proposer),
                 .from = "open",
                 .to = "closed",
                 .message = fmt::format("{}#{}: over after {}", outage.check, outage.epoch,
                                        format_duration(lasted))});
}

void Council::tell_outage(api::Event event) {
    event.type = api::EventType::outage;
    event.to == "open" ? log_warning(event.message) : log_info(event.message);
    services_.events.add(std::move(event));
    on_outage_();
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
    std::set<CheckKey> named;
    for (auto key = unnamed_.begin(); key != unnamed_.end();) {
        const VerdictRecord* verdict = spread().verdict(*key);
        if (verdict != nullptr && !accord_.names().contains(*key)) {
            ++key;
            continue;
        }
        if (verdict != nullptr) {
            on_verdict_held(now, wall, *verdict, nullptr);
            named.insert(*key);
        }
        key = unnamed_.erase(key);
    }
    if (!named.empty()) {
        spread().registry().each<gossip::EvidenceRecord>([&](const auto& evidence) {
            if (named.contains(evidence.check)) on_evidence_held(evidence);
        });
    }
    review_outages(now, wall);
    if (declared_.review(now, spread().catalog())) {
        accord_.set_checks(now, wall, declared_.blobs(), declared_.own());
        again_ = true;
    }
    for (const auto& [key, check] : accord_.checks()) show_state(now, wall, key);
    std::erase_if(shown_, [this](const auto& shown) {
        return !accord_.checks().contains(shown.first) && spread().verdict(shown.first) == nullptr;
    });
}

}  // namespace picket
