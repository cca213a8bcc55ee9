// Spread: what came from others, and what follows from it.

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"
#include "gossip/spread/spread.h"

namespace picket::gossip {
namespace {

Rank rank_of(RecordKind kind) {
    switch (kind) {
        case RecordKind::verdict:
            return Rank::verdicts;
        case RecordKind::notice:
        case RecordKind::reference:
            return Rank::decisions;
        case RecordKind::presence:
        case RecordKind::evidence:
        case RecordKind::vote:
        case RecordKind::suspicion:
            break;
    }
    return Rank::details;
}

// Of Mesh's queue; never 0, and never with the highest bit.
std::uint64_t broadcast_key(const RecordKey& key) {
    return (std::hash<RecordKey>{}(key) >> 1) | 1u;
}

}  // namespace

// ---- What came

std::optional<AgentId> Spread::agent_at(const SocketAddress& address) const {
    const auto found = addresses_.find(address);
    return found == addresses_.end() ? std::nullopt : std::optional(found->second);
}

// A vote counts only from the address of its voter: key holders are trusted not to lie
// about themselves, but a copy of a vote, or one in another's name, is no vote.
template <typename R>
void Spread::on_witness(Instant now, const R& record, const std::optional<SocketAddress>& from) {
    const Peer* voter = peer(record.agent);
    if (voter == nullptr) return count(Refusal::unknown_agent);
    if (!from.has_value() || !same_endpoint(*from, voter->address)) {
        return count(Refusal::not_its_sender);
    }
    if (record.era != era_now) return count(Refusal::other_era);
    if (record.epoch > Registry::epoch_max) return count(Refusal::absurd);
    const VerdictRecord* current = verdict(record.check);
    const std::uint32_t epoch = current == nullptr ? 0 : current->epoch;
    if (record.epoch < epoch && corrections_.take(now)) send(record.agent, *current);
    if (record.epoch > epoch) anti_entropy_.on_behind(now, record.agent);
    if (witness_events_ >= events_max) {
        ++events_dropped_;
        return;
    }
    ++witness_events_;
    if constexpr (std::is_same_v<R, VoteRecord>) {
        events_.push_back(VoteHeard{record});
    } else {
        events_.push_back(SuspicionHeard{record});
    }
}

bool Spread::on_user(Instant now, WallTime wall, std::string_view payload,
                     const std::optional<SocketAddress>& from) {
    if (payload.empty() || payload.front() != picket_message) return false;
    const auto kind = message_kind(payload);
    if (!kind.has_value()) {
        count(kind.error());
        return true;
    }
    if (is_exchange(*kind)) {
        const auto message = decode_exchange(payload);
        message.has_value() ? on_exchange(now, *message) : count(message.error());
    } else if (*kind <= static_cast<std::uint8_t>(RecordKind::notice)) {
        auto record = decode_record(payload);
        if (!record.has_value()) {
            count(record.error());
        } else if (const auto* vote = std::get_if<VoteRecord>(&*record)) {
            on_witness(now, *vote, from);
        } else if (const auto* suspicion = std::get_if<SuspicionRecord>(&*record)) {
            on_witness(now, *suspicion, from);
        } else {
            const auto peer = from.has_value() ? agent_at(*from) : std::nullopt;
            on_record(now, wall, *std::move(record), {Source::gossip, peer.value_or(AgentId{})});
        }
    } else {
        return false;
    }
    settle_all(now, wall);
    return true;
}

void Spread::on_record(Instant now, WallTime wall, Record record, Origin origin) {
    if (const auto* presence = std::get_if<PresenceRecord>(&record)) {
        if (presence->agent == self_) {
            // A former run of ours, still told of: what we say now must be later.
            const bool ahead =
                std::pair(presence->boot, presence->seq) > std::pair(presence_.boot, presence_.seq);
            if (ahead && presence->boot < Registry::epoch_max) {
                raise_boot(now, wall, presence->boot + 1);
            }
            return;
        }
        if (peer(presence->agent) == nullptr) return count(Refusal::unknown_agent);
    }
    const AgentId from = origin.peer;
    const auto refusal = registry_.put(now, wall, std::move(record), origin, anti_entropy_.peers());
    if (!refusal.has_value()) return;
    count(*refusal);
    if (*refusal == Refusal::step_for_gossip) anti_entropy_.on_behind(now, from);
}

void Spread::on_exchange(Instant now, const Exchange& message) {
    const AgentId from = std::visit([](const auto& value) { return value.from; }, message);
    if (peer(from) == nullptr) return count(Refusal::unknown_agent);
    update_peers(now);
    if (const auto* want = std::get_if<BlobWantMessage>(&message)) {
        if (blob_answers_.take(now)) catalog_.on_message(now, *want);  // Else asked again.
    } else if (const auto* blobs = std::get_if<BlobsMessage>(&message)) {
        catalog_.on_message(now, *blobs);
    } else {
        anti_entropy_.on_message(now, message);
    }
}

// ---- What follows from it

void Spread::settle_all(Instant now, WallTime wall) {
    do {
        check_settled(now, wall);
    } while (take_deliveries(now, wall) || take_changes(now, wall));
    anti_entropy_.on_persisted(now);
    take_letters();
}

bool Spread::take_deliveries(Instant now, WallTime wall) {
    bool any = false;
    while (auto delivery = anti_entropy_.poll_delivery()) {
        any = true;
        auto record = decode_record(delivery->payload);
        if (!record.has_value()) {
            count(record.error());
            continue;
        }
        on_record(now, wall, *std::move(record), {Source::anti_entropy, delivery->from});
    }
    return any;
}

bool Spread::take_changes(Instant now, WallTime wall) {
    bool any = false;
    while (const auto change = registry_.poll_change()) {
        any = true;
        on_change(now, wall, *change);
        event(*change);
    }
    if (catalog_.take_checks_changed()) list_all();
    if (catalog_.take_changed()) event(CatalogChanged{});
    return any;
}

void Spread::on_change(Instant now, WallTime wall, const RecordChange& change) {
    if (change.gone) {
        if (const auto* gone = std::get_if<ReferenceRecord>(&*change.before)) {
            if (reference_.counts(gone->name)) event(ReferenceChanged{gone->name, false});
            reference_.on_erased(gone->name);
            list_host(*gone);
            hosts_.erase(check_key("host/" + gone->name));
        }
        return;
    }
    list(change.key);
    const Record* record = registry_.find(change.key);
    if (record == nullptr) return;  // Gone again meanwhile.
    if (const auto* reference = std::get_if<ReferenceRecord>(record)) {
        const bool counted = reference_.counts(reference->name);
        reference_.on_record(*reference);
        const bool counts = reference_.counts(reference->name);
        if (counts != counted) {
            list_host(*reference);
            event(ReferenceChanged{reference->name, counts});
        }
        const auto boot = reference_.boot_needed(presence_.boot);
        if (boot.has_value() && !left_) raise_boot(now, wall, *boot);
    } else if (const auto* presence = std::get_if<PresenceRecord>(record)) {
        const Peer* peer = this->peer(presence->agent);
        const bool here = peer != nullptr && present(peer->liveness);
        if (here) catalog_.set_catalog(now, presence->agent, presence->catalog);
    }
    tell(change.key, change.origin);
}

// What was only stored is known to the mesh. Of the reference, what an agent says of
// itself is gossiped, and what an operator says; all else everybody finds for itself.
void Spread::tell(const RecordKey& key, const Origin& origin) {
    if (!settled_ || origin.source == Source::stored) return;
    const Record& record = *registry_.find(key);
    if (const auto* reference = std::get_if<ReferenceRecord>(&record)) {
        const bool word = std::erase(to_tell_, key) > 0 || reference->name == options_.name;
        if (!word && origin.source != Source::gossip) return;
    }
    broadcasts_.push_back({rank_of(key.kind), broadcast_key(key), encode(record)});
}

bool Spread::claimed(CheckKey check) const {
    if (catalog_.find(check) != nullptr) return true;
    const auto host = hosts_.find(check);
    return host != hosts_.end() && reference_.counts(host->second);
}

// Compared with other agents are: who is here, and checks that somebody carries.
void Spread::list(const RecordKey& key) {
    if (key.kind == RecordKind::presence) {
        const AgentId agent{key.subject};
        const Peer* peer = this->peer(agent);
        const bool here = peer != nullptr && present(peer->liveness);
        registry_.set_listed(key, agent == self_ || here);
    } else if (key.kind == RecordKind::verdict || key.kind == RecordKind::evidence) {
        registry_.set_listed(key, claimed(CheckKey{key.subject}));
    }
}

void Spread::list_all() {
    std::vector<RecordKey> keys;
    registry_.each<VerdictRecord>([&](const auto& record) { keys.push_back(key_of(record)); });
    registry_.each<EvidenceRecord>([&](const auto& record) { keys.push_back(key_of(record)); });
    for (const RecordKey& key : keys) list(key);
}

// It counts now, or no more. Of its host there may be a verdict, and why: a start reads them
// in any order, and evidence of long ago may be all that is left.
void Spread::list_host(const ReferenceRecord& host) {
    const CheckKey check = check_key("host/" + host.name);
    hosts_.insert_or_assign(check, host.name);
    list(verdict_key(check));
    if (registry_.count(RecordKind::evidence) == 0) return;
    std::vector<RecordKey> evidence;
    registry_.each<EvidenceRecord>([&](const EvidenceRecord& record) {
        if (record.check == check) evidence.push_back(key_of(record));
    });
    for (const RecordKey& key : evidence) list(key);
}

void Spread::take_letters() {
    const auto post = [&](AgentId to, const Exchange& message) {
        const Peer* peer = this->peer(to);
        if (peer == nullptr || !present(peer->liveness)) return;
        const bool root = std::holds_alternative<RootMessage>(message);
        letters_.push_back({peer->name, peer->address,
                            root ? Letter::Way::packet : Letter::Way::reliable, encode(message)});
    };
    while (const auto letter = anti_entropy_.poll_letter()) post(letter->to, letter->message);
    while (const auto letter = catalog_.poll_letter()) post(letter->to, letter->message);
}

void Spread::announce(Instant now, WallTime wall) {
    ++presence_.seq;
    const auto refusal = registry_.put(now, wall, presence_, {Source::own, self_}, 0);
    if (refusal.has_value()) count(*refusal);
}

void Spread::raise_boot(Instant now, WallTime wall, Boot boot) {
    PICKET_ASSERT(boot > presence_.boot);
    presence_.boot = boot;
    presence_.seq = 0;
    event(BootRaised{boot});
    announce(now, wall);
}

// How many were taken.
std::size_t Spread::put_reference(Instant now, WallTime wall,
                                  std::vector<ReferenceRecord> records) {
    std::size_t taken = 0;
    for (ReferenceRecord& record : records) {
        const auto refusal = registry_.put(now, wall, std::move(record), {Source::own, self_}, 0);
        if (refusal.has_value()) count(*refusal);
        if (!refusal.has_value()) ++taken;
    }
    return taken;
}

void Spread::check_settled(Instant now, WallTime wall) {
    if (settled_ || !anti_entropy_.settled() || !catalog_.majority_known()) return;
    settled_ = true;
    event(NowSettled{});
    announce(now, wall);  // Now it is told.
}

void Spread::update_peers(Instant now) {
    if (peers_at_ == never) return;
    peers_at_ = never;
    std::vector<AgentId> here;
    for (const auto& [agent, peer] : peers_) {
        if (present(peer.liveness)) here.push_back(agent);
    }
    anti_entropy_.set_peers(now, std::move(here));
}

void Spread::sweep(Instant now, WallTime wall) {
    sweep_at_ = now + sweep_interval;
    registry_.expire(wall);
    std::erase_if(peers_, [&](const auto& entry) {
        const Peer& peer = entry.second;
        const bool over = !present(peer.liveness) && now - peer.since >= presence_kept;
        if (over) registry_.erase(presence_key(entry.first));
        return over;
    });
    std::map<CheckKey, Instant> unclaimed;
    registry_.each<VerdictRecord>([&](const VerdictRecord& verdict) {
        if (claimed(verdict.check)) return;
        const auto since = unclaimed_since_.find(verdict.check);
        unclaimed.emplace(verdict.check, since == unclaimed_since_.end() ? now : since->second);
    });
    unclaimed_since_ = std::move(unclaimed);
    for (const auto& [check, since] : unclaimed_since_) {
        if (now - since >= unclaimed_kept) registry_.erase(verdict_key(check));
    }
}

void Spread::event(SpreadEvent event) {
    events_.push_back(std::move(event));
}

}  // namespace picket::gossip
