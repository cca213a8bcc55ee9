#include "gossip/spread/registry.h"

#include <algorithm>

#include "agent/base/assert.h"
#include "agent/base/digest.h"

namespace picket::gossip {
namespace {

constexpr std::size_t records_per_bucket_max = 16;

bool persisted(RecordKind kind) {
    return kind == RecordKind::verdict || kind == RecordKind::evidence ||
           kind == RecordKind::reference;
}

std::size_t kept_max(RecordKind kind) {
    switch (kind) {
        case RecordKind::verdict:
            return Registry::verdicts_max;
        case RecordKind::evidence:
            return Registry::evidence_max;
        case RecordKind::presence:
        case RecordKind::reference:
            return Registry::members_max;
        case RecordKind::notice:
            return Registry::notices_max;
        case RecordKind::vote:
        case RecordKind::suspicion:
            break;
    }
    return 0;
}

// As spread over all agents' buckets: 16 bits of SHA-256("key1", NUL, kind, subject, part).
std::uint32_t place_of(const RecordKey& key) {
    std::string bytes(1, static_cast<char>(key.kind));
    for (const std::uint64_t number : {key.subject, key.part}) {
        for (int shift = 56; shift >= 0; shift -= 8) {
            bytes.push_back(static_cast<char>(number >> shift));
        }
    }
    return static_cast<std::uint32_t>(short_digest("key1", bytes) >> (64 - bucket_bits_max));
}

bool past(WallTime wall, WallTime written, Duration kept) {
    return wall - written > kept;
}

// Whether it is over for good, by its own words, so that all agents find alike.
bool outlived(WallTime wall, const Record& record) {
    if (const auto* evidence = std::get_if<EvidenceRecord>(&record)) {
        return past(wall, evidence->begins_at, Registry::evidence_kept);
    }
    if (const auto* notice = std::get_if<NoticeRecord>(&record)) {
        return past(wall, notice->at, Registry::notice_kept);
    }
    if (const auto* reference = std::get_if<ReferenceRecord>(&record)) {
        const WallTime seen{std::chrono::hours(reference->seen_hours)};
        return reference->status != ReferenceStatus::present &&
               past(wall, seen, Registry::reference_kept);
    }
    return false;
}

}  // namespace

std::string_view to_text(Refusal refusal) {
    switch (refusal) {
        case Refusal::known:
            return "known";
        case Refusal::other_era:
            return "other era";
        case Refusal::absurd:
            return "absurd";
        case Refusal::step_for_gossip:
            return "step too large for gossip";
        case Refusal::unconfirmed:
            return "step reported by one peer only";
        case Refusal::outlived:
            return "outlived";
        case Refusal::full:
            return "full";
        case Refusal::not_kept:
            return "not kept";
        case Refusal::unknown_agent:
            return "unknown agent";
        case Refusal::not_its_sender:
            return "not from its sender";
    }
    return "unknown";
}

std::uint32_t Registry::bucket_of(const RecordKey& key, std::uint8_t bits) {
    return place_of(key) >> (bucket_bits_max - bits);
}

// ---- What is taken

std::optional<Refusal> Registry::put(Instant now, WallTime wall, Record record, Origin origin,
                                     std::size_t peers) {
    const RecordKey key = key_of(record);
    if (kept_max(key.kind) == 0) return Refusal::not_kept;
    if (const auto refusal = check(now, wall, record, origin, peers)) return refusal;
    // Most of what is heard was heard before: that is found without a digest.
    const Record* held = latest(key);
    if (held != nullptr && *held == record) return Refusal::known;
    const std::uint64_t digest_now = digest(record);
    const Precedence order = precedence(record, digest_now);
    if (const auto current = precedence_of(key)) {
        if (order <= *current) return Refusal::known;
    } else if (!make_room(key, record)) {
        return Refusal::full;
    }
    Pending pending{std::move(record), order, digest_now, 0, origin};
    if (!persisted(key.kind) || origin.source == Source::stored) {
        hold(now, key, std::move(pending));
        return std::nullopt;
    }
    pending.ticket = next_ticket_++;
    orders_.push_back({pending.ticket, key, encode(pending.record)});
    written_in_order_.emplace_back(pending.ticket, key);
    if (pending_.insert_or_assign(key, std::move(pending)).second && !held_.contains(key)) {
        ++waiting_[static_cast<std::size_t>(key.kind)];
    }
    return std::nullopt;
}

std::optional<Refusal> Registry::check(Instant now, WallTime wall, Record& record,
                                       const Origin& origin, std::size_t peers) {
    if (outlived(wall, record)) return Refusal::outlived;
    if (origin.source == Source::own || origin.source == Source::stored) return std::nullopt;
    if (auto* verdict = std::get_if<VerdictRecord>(&record)) {
        return check_verdict(now, *verdict, origin, peers);
    }
    if (const auto* evidence = std::get_if<EvidenceRecord>(&record)) {
        if (evidence->era != era_now) return Refusal::other_era;
    }
    return std::nullopt;
}

std::optional<Refusal> Registry::check_verdict(Instant now, VerdictRecord& verdict,
                                               const Origin& origin, std::size_t peers) {
    if (verdict.era != era_now) return Refusal::other_era;
    if (verdict.epoch > epoch_max || verdict.sub > epoch_max) return Refusal::absurd;
    const Record* held = latest(key_of(verdict));
    const auto* current = held == nullptr ? nullptr : std::get_if<VerdictRecord>(held);
    const std::uint32_t epoch = current == nullptr ? 0 : current->epoch;
    if (verdict.epoch < epoch) return Refusal::known;
    const std::uint32_t step = verdict.epoch - epoch;
    const std::uint32_t sub = step > 0 || current == nullptr ? 0 : current->sub;
    const bool far =
        step > epoch_step_max || (verdict.sub > sub && verdict.sub - sub > epoch_step_max);
    if (origin.source == Source::gossip) {
        return step > 1 || far ? std::optional(Refusal::step_for_gossip) : std::nullopt;
    }
    const bool taken = !far || confirmed(now, verdict, epoch > 0, origin.peer, peers);
    return taken ? std::nullopt : std::optional(Refusal::unconfirmed);
}

// By two peers, of whose words the lesser is taken. Where there may be but one that knows, because
// all others have come only lately, its word is enough if it keeps to it.
bool Registry::confirmed(Instant now, VerdictRecord& verdict, bool knows_outages, AgentId peer,
                         std::size_t peers) {
    if (peers <= 1) return true;
    const RecordKey key = key_of(verdict);
    const auto report = reports_.find(key);
    if (report == reports_.end()) {
        if (reports_.size() >= unconfirmed_max) reports_.clear();
        reports_.emplace(key, Report{peer, now, verdict});
        return false;
    }
    if (report->second.peer == peer) {
        report->second.verdict = verdict;
        if (knows_outages || now - report->second.since < reported_for) return false;
    } else if (version_of(report->second.verdict) < version_of(verdict)) {
        verdict = report->second.verdict;
    }
    reports_.erase(report);
    return true;
}

// What is no younger than all that is held gets no place, so that whoever hears the same
// comes to hold the same.
bool Registry::make_room(const RecordKey& key, const Record& record) {
    const std::size_t kept = count(key.kind) + waiting_[static_cast<std::size_t>(key.kind)];
    if (kept < kept_max(key.kind)) return true;
    if (key.kind == RecordKind::verdict) {
        const auto unlisted = oldest_unlisted_verdict();
        if (unlisted.has_value()) erase(*unlisted);
        return unlisted.has_value();
    }
    if (key.kind != RecordKind::evidence && key.kind != RecordKind::reference) return false;
    const auto age_of = [](const Record& any) -> std::optional<WallTime> {
        if (const auto* evidence = std::get_if<EvidenceRecord>(&any)) return evidence->begins_at;
        const auto* reference = std::get_if<ReferenceRecord>(&any);
        if (reference == nullptr || reference->status == ReferenceStatus::present) return {};
        return WallTime{std::chrono::hours(reference->seen_hours)};
    };
    std::optional<std::pair<WallTime, RecordKey>> oldest;
    for (const auto& [place, held] : held_) {
        if (place.kind != key.kind) continue;
        const auto age = age_of(held.record);
        if (age.has_value() && (!oldest.has_value() || std::pair(*age, place) < *oldest)) {
            oldest.emplace(*age, place);
        }
    }
    const auto age = age_of(record);
    if (!oldest.has_value() || (age.has_value() && std::pair(*age, key) < *oldest)) return false;
    erase(oldest->second);
    return true;
}

std::optional<RecordKey> Registry::oldest_unlisted_verdict() const {
    std::optional<RecordKey> oldest;
    Instant changed = never;
    for (const auto& [key, held] : held_) {
        if (key.kind != RecordKind::verdict || held.listed || held.changed_at >= changed) continue;
        oldest = key;
        changed = held.changed_at;
    }
    return oldest;
}

void Registry::on_persisted(Instant now, std::uint64_t ticket) {
    while (!written_in_order_.empty() && written_in_order_.front().first <= ticket) {
        const auto [written, key] = written_in_order_.front();
        written_in_order_.pop_front();
        const auto pending = pending_.find(key);
        // A later one of the key may be on its way: that is the one to show.
        if (pending == pending_.end() || pending->second.ticket != written) continue;
        Pending taken = std::move(pending->second);
        forget_pending(key);
        hold(now, key, std::move(taken));
    }
}

// ---- What is held

void Registry::hold(Instant now, const RecordKey& key, Pending pending) {
    RecordChange change{key, std::nullopt, pending.origin, false};
    const auto known = held_.find(key);
    if (known == held_.end()) {
        Held held{std::move(pending.record),
                  pending.precedence,
                  pending.digest,
                  now,
                  place_of(key),
                  true};
        ++counts_[static_cast<std::size_t>(key.kind)];
        ++listed_;
        grow();
        add_to_bucket(held);
        held_.emplace(key, std::move(held));
    } else {
        Held& held = known->second;
        PICKET_ASSERT(held.precedence < pending.precedence);
        if (held.listed) add_to_bucket(held);  // XOR: takes it out.
        change.before = std::exchange(held.record, std::move(pending.record));
        held.precedence = pending.precedence;
        held.digest = pending.digest;
        held.changed_at = now;
        if (held.listed) add_to_bucket(held);
    }
    changes_.push_back(std::move(change));
}

void Registry::erase(const RecordKey& key) {
    const bool known = forget_pending(key) || held_.contains(key);
    drop(key);
    if (known && persisted(key.kind)) orders_.push_back({next_ticket_++, key, {}});
}

bool Registry::forget_pending(const RecordKey& key) {
    if (pending_.erase(key) == 0) return false;
    if (!held_.contains(key)) --waiting_[static_cast<std::size_t>(key.kind)];
    return true;
}

void Registry::drop(const RecordKey& key) {
    const auto found = held_.find(key);
    if (found == held_.end()) return;
    set_listed(key, false);
    --counts_[static_cast<std::size_t>(key.kind)];
    changes_.push_back({key, std::move(found->second.record), {}, true});
    held_.erase(found);
}

void Registry::expire(WallTime wall) {
    std::vector<RecordKey> over;
    for (const auto& [key, held] : held_) {
        if (outlived(wall, held.record)) over.push_back(key);
    }
    for (const RecordKey& key : over) erase(key);
}

std::optional<PersistOrder> Registry::poll_persist() {
    if (orders_.empty()) return std::nullopt;
    PersistOrder order = std::move(orders_.front());
    orders_.pop_front();
    return order;
}

std::optional<RecordChange> Registry::poll_change() {
    if (changes_.empty()) return std::nullopt;
    RecordChange change = std::move(changes_.front());
    changes_.pop_front();
    return change;
}

const Record* Registry::find(const RecordKey& key) const {
    const auto found = held_.find(key);
    return found == held_.end() ? nullptr : &found->second.record;
}

const Record* Registry::latest(const RecordKey& key) const {
    const auto pending = pending_.find(key);
    return pending == pending_.end() ? find(key) : &pending->second.record;
}

std::optional<Precedence> Registry::precedence_of(const RecordKey& key) const {
    const auto pending = pending_.find(key);
    if (pending != pending_.end()) return pending->second.precedence;
    const auto held = held_.find(key);
    if (held == held_.end()) return std::nullopt;
    return held->second.precedence;
}

Instant Registry::changed_at(const RecordKey& key) const {
    const auto found = held_.find(key);
    return found == held_.end() ? Instant{} : found->second.changed_at;
}

// ---- Buckets

void Registry::add_to_bucket(const Held& held) {
    buckets_[held.place >> (bucket_bits_max - bits_)] ^= held.digest;
    root_ ^= held.digest;
}

// 16 records a bucket at most, on average. Halving the buckets of the many is cheap:
// only whoever has more needs to add them up anew, and rarely.
void Registry::grow() {
    if (bits_ == bucket_bits_max || listed_ <= buckets_.size() * records_per_bucket_max) return;
    ++bits_;
    buckets_.assign(std::size_t{1} << bits_, 0);
    root_ = 0;
    for (const auto& [key, held] : held_) {
        if (held.listed) add_to_bucket(held);
    }
}

bool Registry::listed(const RecordKey& key) const {
    const auto found = held_.find(key);
    return found != held_.end() && found->second.listed;
}

void Registry::set_listed(const RecordKey& key, bool listed) {
    const auto found = held_.find(key);
    if (found == held_.end() || found->second.listed == listed) return;
    found->second.listed = listed;
    listed ? ++listed_ : --listed_;
    add_to_bucket(found->second);
}

std::vector<std::uint64_t> Registry::buckets(std::uint8_t bits) const {
    PICKET_ASSERT(bits >= bucket_bits_min && bits <= bucket_bits_max);
    std::vector<std::uint64_t> result(std::size_t{1} << bits, 0);
    if (bits <= bits_) {
        for (std::size_t i = 0; i < buckets_.size(); ++i)
            result[i >> (bits_ - bits)] ^= buckets_[i];
        return result;
    }
    for (const auto& [key, held] : held_) {
        if (held.listed) result[held.place >> (bucket_bits_max - bits)] ^= held.digest;
    }
    return result;
}

std::vector<ListItem> Registry::items(std::uint8_t bits,
                                      std::span<const std::uint32_t> buckets) const {
    std::vector<bool> wanted(std::size_t{1} << bits, false);
    for (const std::uint32_t bucket : buckets) wanted[bucket] = true;
    std::vector<ListItem> items;
    for (const auto& [key, held] : held_) {
        if (held.listed && wanted[held.place >> (bucket_bits_max - bits)]) {
            items.push_back({key, held.precedence});
        }
    }
    return items;
}

}  // namespace picket::gossip
