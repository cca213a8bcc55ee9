#include "gossip/accord.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "gossip/spread/record_codec.h"

namespace picket::gossip {

Accord::Accord(const Options& options, std::uint64_t seed, Instant now)
    : spread_(options.spread, seed ^ 1, now),
      agreement_({.name = options.spread.name,
                  .zone = options.spread.zone,
                  .boot = options.spread.boot,
                  .ablations = options.ablations},
                 seed ^ 2, now),
      arrives_by_(now + arrival_max) {
    const std::string host = "host/" + options.spread.name;
    names_[check_key(host)] = host;
}

void Accord::on_member(Instant now, WallTime wall, const Member& member) {
    spread_.on_member(now, wall, member);
    note_peer(now, agent_id(member.name));
}

void Accord::on_forgotten(Instant now, std::string_view name) {
    agreement_.on_peer_gone(now, name);
    names_.erase(check_key("host/" + std::string(name)));
}

void Accord::set_checks(Instant now, WallTime wall, const std::vector<FileBlob>& files,
                        std::map<CheckKey, OwnCheck> own) {
    own_ = std::move(own);
    spread_.set_checks(now, wall, files);
    update_checks(now);
}

// What one of the two makes of a thing may be news to the other.
void Accord::on_tick(Instant now, WallTime wall) {
    bool more = true;
    while (more) {
        update_standing(now);
        const bool heard = run_spread(now, wall);
        const bool decided = run_agreement(now, wall);
        const bool changed = update_fitness(now, wall);
        more = heard || decided || changed;
    }
}

bool Accord::run_spread(Instant now, WallTime wall) {
    bool any = false;
    if (spread_.next_wakeup() <= now) {
        spread_.on_tick(now, wall);
        any = true;
    }
    while (const auto event = spread_.poll_event()) {
        on_spread_event(now, *event);
        any = true;
    }
    return any;
}

bool Accord::run_agreement(Instant now, WallTime wall) {
    bool any = false;
    while (agreement_.next_wakeup() <= now) {
        agreement_.on_tick(now, wall);
        any = true;
    }
    while (const auto dispatch = agreement_.poll_dispatch()) {
        spread_.send(agent_id(dispatch->to), dispatch->record);
        any = true;
    }
    while (auto proposal = agreement_.poll_proposal()) {
        publish(now, wall, *std::move(proposal));
        any = true;
    }
    while (auto notice = agreement_.poll_notice()) {
        fit(*notice);
        spread_.put(now, wall, *std::move(notice));
        any = true;
    }
    while (const auto event = agreement_.poll_event()) {
        on_agreement_event(now, wall, *event);
        any = true;
    }
    return any;
}

// Its evidence goes first, so that whoever holds the verdict can soon say why.
void Accord::publish(Instant now, WallTime wall, Proposal proposal) {
    if (proposal.evidence) {
        fit(*proposal.evidence);
        proposal.verdict.evidence = hash_of(*proposal.evidence);
        spread_.put(now, wall, *std::move(proposal.evidence));
    }
    fit(proposal.verdict);
    spread_.put(now, wall, std::move(proposal.verdict));
}

// ---- What Spread heard

void Accord::on_spread_event(Instant now, const SpreadEvent& event) {
    if (const auto* heard = std::get_if<VoteHeard>(&event)) {
        agreement_.on_vote(now, heard->vote);
    } else if (const auto* asked = std::get_if<SuspicionHeard>(&event)) {
        agreement_.on_suspicion(now, asked->suspicion);
    } else if (const auto* change = std::get_if<RecordHeld>(&event)) {
        on_record(now, *change);
    } else if (std::holds_alternative<CatalogChanged>(event)) {
        update_checks(now);
    } else if (const auto* counted = std::get_if<ReferenceChanged>(&event)) {
        on_counted(now, *counted);
    } else if (const auto* raised = std::get_if<BootRaised>(&event)) {
        agreement_.set_boot(raised->boot);
        events_.push_back(*raised);
    }
}

void Accord::on_record(Instant now, const RecordHeld& change) {
    if (change.key.kind == RecordKind::presence) on_presence(now, change);
    if (change.key.kind == RecordKind::verdict && !change.gone) {
        const VerdictRecord* verdict = spread_.verdict(CheckKey{change.key.subject});
        if (verdict != nullptr) agreement_.on_verdict(now, *verdict);
    }
    events_.push_back(change);
}

void Accord::on_presence(Instant now, const RecordHeld& change) {
    const AgentId agent{change.key.subject};
    note_peer(now, agent);
    const PresenceRecord* presence = spread_.presence(agent);
    const auto* before = change.before ? std::get_if<PresenceRecord>(&*change.before) : nullptr;
    // A check's `from` looks at them.
    if (presence != nullptr && before != nullptr && presence->labels != before->labels) {
        update_checks(now);
    }
}

void Accord::on_counted(Instant now, const ReferenceChanged& change) {
    if (agent_id(change.name) == spread_.self()) return;
    agreement_.set_counted(now, change.name, change.counts);
    if (change.counts) return note_host(now, change.name);
    const Spread::Peer* peer = spread_.peer(agent_id(change.name));
    if (peer == nullptr || !present(peer->liveness)) on_forgotten(now, change.name);
}

void Accord::note_peer(Instant now, AgentId agent) {
    const Spread::Peer* peer = spread_.peer(agent);
    if (peer == nullptr || agent == spread_.self()) return;
    // Who left, or was forgotten, is nobody's host until it is back.
    if (!present(peer->liveness) && !spread_.reference().counts(peer->name)) {
        return on_forgotten(now, peer->name);
    }
    const PresenceRecord* presence = spread_.presence(agent);
    Peer known;
    known.name = peer->name;
    known.zone = peer->zone;
    known.liveness = peer->liveness;
    known.fit = presence == nullptr || presence->fit;
    known.draining =
        presence != nullptr && (presence->capabilities & PresenceRecord::draining) != 0;
    agreement_.on_peer(now, known);
    note_host(now, peer->name);
}

// What is held of it was of no use as long as nobody knew its name.
void Accord::note_host(Instant now, const std::string& name) {
    const std::string host = "host/" + name;
    const CheckKey key = check_key(host);
    names_.emplace(key, host);
    const VerdictRecord* verdict = spread_.verdict(key);
    if (verdict != nullptr) agreement_.on_verdict(now, *verdict);
}

// ---- What Agreement is told of this agent

void Accord::update_standing(Instant now) {
    Agreement::Standing standing;
    standing.settled = spread_.settled();
    standing.waiting = spread_.reference().waiting_for_mesh();
    standing.arriving = arriving(now);
    standing.draining = surroundings_.leaving;
    standing.guest = spread_.reference().guest();
    standing.health_score = surroundings_.health_score;
    standing.gateway = surroundings_.gateway;
    standing.resolver = surroundings_.resolver;
    if (standing == standing_) return;
    standing_ = standing;
    agreement_.set_standing(now, standing);
}

bool Accord::arriving(Instant now) {
    if (arrives_by_ == never) return false;
    if (!spread_.knows_everybody() && now < arrives_by_) return true;
    arrives_by_ = never;
    return false;
}

MeshCheck Accord::mesh_check(CheckKey key, const Catalog::Definition& active) const {
    const Declaration& declared = active.declaration;
    MeshCheck check;
    check.key = key;
    check.name = declared.name;
    check.fingerprint = declared.fingerprint;
    check.interval = std::chrono::milliseconds(declared.interval_ms);
    check.timeout = std::chrono::milliseconds(declared.timeout_ms);
    check.witnesses.reset();
    if (declared.witnesses != Declaration::witnesses_all) check.witnesses = declared.witnesses;
    if (declared.quorum != 0) check.quorum = declared.quorum;
    if (const auto own = own_.find(key);
        own != own_.end() && own->second.fingerprint == declared.fingerprint) {
        check.ours = true;
        check.fail_after = own->second.fail_after;
        check.recover_after = own->second.recover_after;
        check.on_partition = own->second.on_partition;
        check.target_zone = own->second.target_zone;
    }
    check.carriers = spread_.catalog().carriers(active);
    if (declared.from.empty()) return check;
    std::erase_if(check.carriers, [&](AgentId agent) {
        const PresenceRecord* presence =
            agent == spread_.self() ? &spread_.own_presence() : spread_.presence(agent);
        return presence == nullptr || !selects(declared.from, presence->labels);
    });
    return check;
}

void Accord::update_checks(Instant now) {
    std::map<CheckKey, MeshCheck> wanted;
    for (const auto& [key, entry] : spread_.catalog().entries()) {
        wanted.emplace(key, mesh_check(key, entry.active));
    }
    for (const auto& [key, check] : checks_) {
        if (!wanted.contains(key)) agreement_.on_check_gone(now, key);
    }
    for (const auto& [key, check] : wanted) {
        names_[key] = check.name;
        const auto known = checks_.find(key);
        if (known != checks_.end() && known->second == check) continue;
        agreement_.on_check(now, check);
        if (const VerdictRecord* verdict = spread_.verdict(key);
            known == checks_.end() && verdict != nullptr) {
            agreement_.on_verdict(now, *verdict);
        }
    }
    checks_ = std::move(wanted);
    std::erase_if(names_, [this](const auto& name) {
        return !name.second.starts_with("host/") && !checks_.contains(name.first) &&
               spread_.verdict(name.first) == nullptr;
    });
    events_.emplace_back(ChecksChanged{});
}

bool Accord::update_fitness(Instant now, WallTime wall) {
    auto reason = agreement_.unfit_reason(now);
    if (reason == unfit_reason_ && spread_.own_presence().fit == !reason.has_value()) return false;
    unfit_reason_ = std::move(reason);
    spread_.set_fitness(now, wall, !unfit_reason_.has_value(), unfit_reason_.value_or(""));
    return true;
}

// ---- Out

void Accord::on_agreement_event(Instant now, WallTime wall, const AgreementEvent& event) {
    if (event.kind == AgreementEvent::Kind::roll_call) {
        if (const auto& call = agreement_.last_roll_call()) {
            spread_.on_roll_call(now, wall, call->passed);
        }
    }
    events_.emplace_back(event);
}

// A host that was not heard of since this agent started has no address that could be asked. If
// it is held down, that is how it stays; else nothing is known of it.
std::optional<Attempt> Accord::poll_attempt(Instant now) {
    while (auto attempt = agreement_.poll_attempt()) {
        const bool known = spread_.peer(agent_id(attempt->host)) != nullptr;
        if (attempt->host.empty() || known) return attempt;
        Answer answer{.message = "not heard of since this agent started"};
        const auto* verdict = spread_.verdict(attempt->check);
        if (verdict != nullptr && verdict->outage()) {
            answer.finding = Answer::Finding::failed;
            answer.failure = verdict->failure;
        }
        agreement_.on_answer(now, attempt->check, attempt->id, std::move(answer));
    }
    return std::nullopt;
}

std::optional<Accord::Question> Accord::poll_question() {
    while (auto question = agreement_.poll_ping()) {
        const Spread::Peer* peer = spread_.peer(agent_id(question->name));
        if (peer == nullptr) continue;
        return Question{std::move(question->name), peer->address, question->call,
                        question->timeout};
    }
    return std::nullopt;
}

std::optional<AccordEvent> Accord::poll_event() {
    if (events_.empty()) return std::nullopt;
    AccordEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
}

Instant Accord::next_wakeup() const {
    return std::min({spread_.next_wakeup(), agreement_.next_wakeup(), arrives_by_});
}

std::string Accord::name_of(CheckKey key) const {
    if (const auto known = names_.find(key); known != names_.end()) return known->second;
    return fmt::format("{:016x}", static_cast<std::uint64_t>(key));
}

}  // namespace picket::gossip
