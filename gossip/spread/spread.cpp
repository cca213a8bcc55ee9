#include "gossip/spread/spread.h"

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"
#include "gossip/membership/tags.h"

namespace picket::gossip {
namespace {

// Members come in crowds, too.
constexpr Duration peers_delay = std::chrono::milliseconds(50);

std::string zone_of(const Member& member) {
    const auto tags = decode_tags(member.meta);
    if (!tags.has_value()) return {};
    const auto zone = tags->find("zone");
    if (zone == tags->end()) return {};
    return zone->second.substr(0, zone_bytes_max);
}

}  // namespace

Spread::Spread(Options options, std::uint64_t seed, Instant now)
    : options_(std::move(options)),
      self_(agent_id(options_.name)),
      anti_entropy_(registry_, self_, options_.joins, seed ^ 1, now),
      catalog_(self_, seed ^ 2, now),
      reference_({options_.name, options_.zone, options_.joins}),
      sweep_at_(now + sweep_interval) {
    presence_.agent = self_;
    presence_.boot = options_.boot;
    presence_.capabilities = options_.capabilities;
    presence_.labels = options_.labels;
    fit(presence_);
    reference_.on_present(now, options_.name);
}

// ---- In

bool Spread::restore(Instant now, WallTime wall, std::string_view payload) {
    auto record = decode_record(payload);
    if (!record.has_value()) {
        count(record.error());
        return false;
    }
    const auto refusal = registry_.put(now, wall, *std::move(record), {Source::stored, self_}, 0);
    if (refusal.has_value()) count(*refusal);
    settle_all(now, wall);
    return !refusal.has_value();
}

void Spread::on_member(Instant now, WallTime wall, const Member& member) {
    if (member.name == options_.name) return;
    if (!member.picket) return on_foreign(now, member);
    const AgentId agent = agent_id(member.name);
    Peer& peer = peers_[agent];
    const auto place = addresses_.find(peer.address);
    if (place != addresses_.end() && place->second == agent) addresses_.erase(place);
    const bool was_here = !peer.name.empty() && present(peer.liveness);
    const bool here = present(member.liveness);
    peer = {member.name, zone_of(member), member.address, member.liveness, now};
    if (here) addresses_.insert_or_assign(member.address, agent);
    if (here != was_here && peers_at_ == never) peers_at_ = now + peers_delay;
    if (here) {
        reference_.on_present(now, member.name);
        if (!was_here) {
            if (const PresenceRecord* known = presence(agent)) {
                catalog_.set_catalog(now, agent, known->catalog);
            }
        }
    } else if (was_here) {
        reference_.on_vanished(now, member.name);
        catalog_.erase(now, agent);
    }
    list(presence_key(agent));
    if (member.liveness == Liveness::left) {
        if (auto left = reference_.on_left(wall, member.name)) {
            put_reference(now, wall, {*std::move(left)});
        }
    }
    settle_all(now, wall);
}

void Spread::on_foreign(Instant now, const Member& member) {
    if (alone_at_ != never || !present(member.liveness) || !reference_.waiting_for_mesh()) return;
    alone_at_ = now + foreign_only_after;
}

void Spread::on_persisted(Instant now, WallTime wall, std::uint64_t ticket) {
    registry_.on_persisted(now, ticket);
    settle_all(now, wall);
}

void Spread::on_roll_call(Instant now, WallTime wall, bool passed) {
    const bool writes_in = settled_ && !left_;
    put_reference(now, wall, reference_.on_roll_call(now, wall, passed, presence_.boot, writes_in));
    settle_all(now, wall);
}

void Spread::on_tick(Instant now, WallTime wall) {
    update_peers(now);
    anti_entropy_.on_tick(now);
    catalog_.on_tick(now);
    if (now >= alone_at_) {
        alone_at_ = never;
        if (reference_.waiting_for_mesh()) {
            reference_.on_alone();
            anti_entropy_.on_alone();
        }
    }
    if (now >= sweep_at_) sweep(now, wall);
    settle_all(now, wall);
}

// As all others will have it, who get it in its encoding: times in milliseconds.
void Spread::put(Instant now, WallTime wall, Record record) {
    if (auto told = decode_record(encode(record))) record = *std::move(told);
    const auto refusal = registry_.put(now, wall, std::move(record), {Source::own, self_}, 0);
    if (refusal.has_value()) count(*refusal);
    settle_all(now, wall);
}

void Spread::send(AgentId to, const Record& record) {
    const Peer* peer = this->peer(to);
    if (peer == nullptr || !present(peer->liveness)) return;
    letters_.push_back({peer->name, peer->address, Letter::Way::packet, encode(record)});
}

void Spread::set_checks(Instant now, WallTime wall, const std::vector<FileBlob>& files) {
    const BlobHash catalog = catalog_.set_own(now, files);
    if (catalog != presence_.catalog || presence_.seq == 0) {
        presence_.catalog = catalog;
        announce(now, wall);
    }
    settle_all(now, wall);
}

void Spread::set_fitness(Instant now, WallTime wall, bool fit_now, std::string_view unfit_reason) {
    PresenceRecord changed = presence_;
    changed.fit = fit_now;
    changed.unfit_reason = fit_now ? std::string_view() : unfit_reason;
    fit(changed);
    if (changed == presence_ && presence_.seq > 0) return;
    presence_ = std::move(changed);
    announce(now, wall);
    settle_all(now, wall);
}

std::size_t Spread::forget(Instant now, WallTime wall, std::string_view name) {
    auto record = reference_.forget(wall, name);
    if (!record.has_value()) return 0;
    return forget(now, wall, {*std::move(record)});
}

std::size_t Spread::forget_zone(Instant now, WallTime wall, std::string_view zone) {
    return forget(now, wall, reference_.forget_zone(wall, zone));
}

std::size_t Spread::forget(Instant now, WallTime wall, std::vector<ReferenceRecord> records) {
    for (const ReferenceRecord& record : records) to_tell_.push_back(key_of(record));
    const std::size_t forgotten = put_reference(now, wall, std::move(records));
    settle_all(now, wall);
    return forgotten;
}

void Spread::leave(Instant now, WallTime wall) {
    left_ = true;
    ReferenceRecord record = reference_.leave(wall, presence_.boot);
    to_tell_.push_back(key_of(record));
    put_reference(now, wall, {std::move(record)});
    settle_all(now, wall);
}

// ---- Out

std::optional<Broadcast> Spread::poll_broadcast() {
    if (broadcasts_.empty()) return std::nullopt;
    Broadcast broadcast = std::move(broadcasts_.front());
    broadcasts_.pop_front();
    return broadcast;
}

std::optional<Letter> Spread::poll_letter() {
    if (letters_.empty()) return std::nullopt;
    Letter letter = std::move(letters_.front());
    letters_.pop_front();
    return letter;
}

std::optional<SpreadEvent> Spread::poll_event() {
    if (events_.empty()) return std::nullopt;
    SpreadEvent event = std::move(events_.front());
    events_.pop_front();
    if (std::holds_alternative<VoteHeard>(event) || std::holds_alternative<SuspicionHeard>(event)) {
        --witness_events_;
    }
    return event;
}

// Only the root: where it differs the rest follows at once, and at rest the 2 KiB of
// all buckets in every push/pull would be most of what the checks cost the mesh.
std::optional<std::string> Spread::poll_user_state() {
    if (!settled_ || told_root_ == registry_.root()) return std::nullopt;
    told_root_ = registry_.root();
    return encode(Exchange(anti_entropy_.root(false)));
}

Instant Spread::next_wakeup() const {
    return std::min(
        {anti_entropy_.next_wakeup(), catalog_.next_wakeup(), peers_at_, alone_at_, sweep_at_});
}

// ---- Reads

const VerdictRecord* Spread::verdict(CheckKey check) const {
    return registry_.find_as<VerdictRecord>(verdict_key(check));
}

const EvidenceRecord* Spread::evidence(CheckKey check, std::uint32_t epoch,
                                       std::uint32_t sub) const {
    const auto* found = registry_.find_as<EvidenceRecord>(
        {RecordKind::evidence, static_cast<std::uint64_t>(check), evidence_part(epoch, sub)});
    return found != nullptr && found->sub == sub ? found : nullptr;
}

std::vector<const EvidenceRecord*> Spread::evidence_of_epoch(CheckKey check,
                                                             std::uint32_t epoch) const {
    std::vector<const EvidenceRecord*> found;
    for (std::uint32_t place = 0; place <= evidence_subs_max; ++place) {
        const RecordKey key{RecordKind::evidence, static_cast<std::uint64_t>(check),
                            evidence_part(epoch, place)};
        if (const auto* one = registry_.find_as<EvidenceRecord>(key)) found.push_back(one);
    }
    std::ranges::sort(found, {}, &EvidenceRecord::sub);
    return found;
}

bool Spread::knows_everybody() const {
    return settled_ && std::ranges::all_of(peers_, [this](const auto& entry) {
               return !present(entry.second.liveness) || presence(entry.first) != nullptr;
           });
}

const PresenceRecord* Spread::presence(AgentId agent) const {
    return registry_.find_as<PresenceRecord>(presence_key(agent));
}

const Spread::Peer* Spread::peer(AgentId agent) const {
    const auto found = peers_.find(agent);
    return found == peers_.end() ? nullptr : &found->second;
}

}  // namespace picket::gossip
