#include "gossip/spread/record_codec.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/text.h"
#include "gossip/spread/fields.h"

namespace picket::gossip {

using wire::Fault;

// ---- The fields of each record, in their order.

template <typename Archive, Is<PresenceRecord> R>
void fields(Archive& archive, R& record) {
    archive.id(record.agent);
    archive.number(record.boot);
    archive.number(record.seq);
    archive.hash(record.catalog);
    archive.flag(record.fit);
    archive.text(record.unfit_reason, reason_bytes_max);
    archive.number(record.capabilities);
    labels(archive, record.labels);
}

template <typename Archive, Is<ReferenceRecord> R>
void fields(Archive& archive, R& record) {
    archive.text(record.name, agent_name_bytes_max);
    archive.expect(!record.name.empty());
    archive.number(record.boot);
    archive.choice(record.status, ReferenceStatus::forgotten);
    archive.hours(record.seen_hours);
    archive.text(record.zone, zone_bytes_max);
}

template <typename Archive, Is<VoteRecord> R>
void fields(Archive& archive, R& record) {
    archive.id(record.agent);
    archive.id(record.check);
    archive.number(record.boot);
    archive.number(record.seq);
    archive.id(record.fingerprint);
    archive.number(record.era);
    archive.number(record.epoch);
    archive.choice(record.vote, Vote::abstain);
    archive.number(record.failure);
    archive.text(record.message, message_bytes_max);
    archive.number(record.streak);
    archive.age(record.age);
    archive.number(record.round);
}

template <typename Archive, Is<SuspicionRecord> R>
void fields(Archive& archive, R& record) {
    archive.id(record.agent);
    archive.id(record.check);
    archive.number(record.boot);
    archive.number(record.seq);
    archive.id(record.fingerprint);
    archive.number(record.era);
    archive.number(record.epoch);
    archive.choice(record.direction, SuspicionRecord::Direction::recovering);
    archive.number(record.round);
    archive.age(record.age);
}

// Sorted and without repeats, so that two agents that mean the same write the same.
static bool canonical(const std::vector<std::string>& names) {
    return std::ranges::adjacent_find(names, std::greater_equal<>{}) == names.end();
}

template <typename Archive, typename Names>
void names(Archive& archive, Names& list, std::size_t names_max, std::size_t bytes_max) {
    archive.list(list, names_max,
                 [bytes_max](Archive& inner, auto& name) { inner.text(name, bytes_max); });
    archive.expect(canonical(list));
}

template <typename Archive, Is<VerdictRecord> R>
void fields(Archive& archive, R& record) {
    archive.id(record.check);
    archive.number(record.era);
    archive.number(record.epoch);
    archive.number(record.sub);
    archive.choice(record.scope, OutageScope::total);
    archive.expect(record.outage() == (record.scope != OutageScope::none));
    archive.choice(record.backing, Backing::one_of_two);
    names(archive, record.zones_failing, panel_max, zone_bytes_max);
    names(archive, record.zones_passing, panel_max, zone_bytes_max);
    archive.number(record.failure);
    archive.id(record.proposer);
    archive.time(record.first_failure_at);
    archive.time(record.opened_at);
    archive.time(record.closed_at);
    archive.id(record.evidence);
}

template <typename Archive, Is<EvidenceRecord::Witness> R>
void fields(Archive& archive, R& witness) {
    archive.text(witness.name, agent_name_bytes_max);
    archive.text(witness.zone, zone_bytes_max);
}

template <typename Archive, Is<EvidenceRecord::Cast> R>
void fields(Archive& archive, R& cast) {
    archive.number(cast.witness);
    archive.choice(cast.vote, Vote::abstain);
    archive.number(cast.failure);
    archive.text(cast.message, message_bytes_max);
    archive.age(cast.age);
}

template <typename Archive, Is<EvidenceRecord::Discount> R>
void fields(Archive& archive, R& discount) {
    archive.number(discount.witness);
    archive.text(discount.reason, reason_bytes_max);
}

template <typename Archive, Is<EvidenceRecord::RollCall> R>
void fields(Archive& archive, R& roll_call) {
    archive.number(roll_call.asked);
    archive.number(roll_call.answered);
    archive.number(roll_call.needed);
}

template <typename Archive, Is<EvidenceRecord::Moment> R>
void fields(Archive& archive, R& moment) {
    archive.age(moment.at);
    archive.number(moment.witness);
    archive.choice(moment.event, TimelineEvent::proposed);
}

// Every index leads to a witness that is named.
static bool consistent(const EvidenceRecord& record) {
    const auto named = [&](const auto& part) { return part.witness < record.witnesses.size(); };
    return std::ranges::all_of(record.votes, named) &&
           std::ranges::all_of(record.discounted, named) &&
           std::ranges::all_of(record.timeline, named);
}

template <typename Archive, Is<EvidenceRecord> R>
void fields(Archive& archive, R& record) {
    const auto part = [](Archive& inner, auto& item) {
        inner.begin();
        fields(inner, item);
        inner.end();
    };
    archive.id(record.check);
    archive.number(record.era);
    archive.number(record.epoch);
    archive.number(record.sub);
    archive.choice(record.rule, Rule::restore);
    archive.number(record.panel);
    archive.number(record.quorum);
    archive.time(record.begins_at);
    archive.list(record.witnesses, evidence_witnesses_max, part);
    archive.list(record.votes, panel_max, part);
    archive.list(record.discounted, evidence_witnesses_max, part);
    part(archive, record.roll_call);
    archive.list(record.timeline, timeline_max, part);
    archive.expect(consistent(record));
}

template <typename Archive, Is<NoticeRecord> R>
void fields(Archive& archive, R& record) {
    archive.id(record.side);
    archive.number(record.revision);
    archive.flag(record.over);
    archive.number(record.known);
    archive.number(record.answering);
    archive.number(record.needed);
    archive.time(record.since);
    archive.time(record.at);
    names(archive, record.missing, notice_names_max, agent_name_bytes_max);
    names(archive, record.zones, panel_max, zone_bytes_max);
}

namespace {

template <typename R>
wire::Decoded<Record> read_record(std::string_view body) {
    auto record = read_fields<R>(body);
    if (!record.has_value()) return wire::refused(record.error());
    return Record(*std::move(record));
}

std::uint64_t pair(std::uint32_t high, std::uint32_t low) {
    return std::uint64_t{high} << 32 | low;
}

struct Order {
    std::uint64_t digest;

    Precedence operator()(const PresenceRecord& record) const {
        return {pair(record.boot, record.seq), 0, digest};
    }
    Precedence operator()(const ReferenceRecord& record) const {
        return {pair(record.boot, static_cast<std::uint32_t>(record.status)), record.seen_hours,
                digest};
    }
    Precedence operator()(const VoteRecord& record) const {
        return {pair(record.boot, record.seq), 0, digest};
    }
    Precedence operator()(const SuspicionRecord& record) const {
        return {pair(record.boot, record.seq), 0, digest};
    }
    Precedence operator()(const VerdictRecord& record) const {
        return {pair(record.era, record.epoch), record.sub, digest};
    }
    // Of one version the first by digest.
    Precedence operator()(const EvidenceRecord& record) const { return {record.sub, 0, ~digest}; }
    Precedence operator()(const NoticeRecord& record) const { return {record.revision, 0, digest}; }
};

void cut(std::string& text, std::size_t bytes_max) {
    if (text.size() > bytes_max) text = cut_text(text, bytes_max);
}

void fit_names(std::vector<std::string>& list, std::size_t names_max, std::size_t bytes_max) {
    for (std::string& name : list) cut(name, bytes_max);
    std::ranges::sort(list);
    list.erase(std::unique(list.begin(), list.end()), list.end());
    if (list.size() > names_max) list.resize(names_max);
}

std::string payload_of(const Record& record) {
    std::string payload{picket_message, static_cast<char>(format_version),
                        static_cast<char>(kind_of(record))};
    std::visit([&](const auto& value) { write_fields(value, payload); }, record);
    return payload;
}

struct TextLimits {
    std::size_t text;
    std::size_t name;
    std::size_t zone;
};

void cut_texts(EvidenceRecord& record, const TextLimits& limits) {
    for (auto& witness : record.witnesses) {
        cut(witness.name, limits.name);
        cut(witness.zone, limits.zone);
    }
    for (auto& vote : record.votes) cut(vote.message, limits.text);
    for (auto& discount : record.discounted) cut(discount.reason, limits.text);
}

void limit_lists(EvidenceRecord& record) {
    const auto limit = [](auto& list, std::size_t items_max) {
        if (list.size() > items_max) list.resize(items_max);
    };
    limit(record.witnesses, evidence_witnesses_max);
    const auto unknown = [&](const auto& part) { return part.witness >= record.witnesses.size(); };
    std::erase_if(record.votes, unknown);
    std::erase_if(record.discounted, unknown);
    std::erase_if(record.timeline, unknown);
    limit(record.votes, panel_max);
    limit(record.discounted, evidence_witnesses_max);
    limit(record.timeline, timeline_max);
}

// Witnesses that no vote, discount or moment speaks of go; indices follow.
void drop_unmentioned(EvidenceRecord& record) {
    std::vector<std::uint8_t> place(record.witnesses.size(), 0);
    std::vector<bool> mentioned(record.witnesses.size(), false);
    const auto each = [&](auto visit) {
        for (auto& vote : record.votes) visit(vote.witness);
        for (auto& discount : record.discounted) visit(discount.witness);
        for (auto& moment : record.timeline) visit(moment.witness);
    };
    each([&](std::uint8_t& witness) { mentioned[witness] = true; });
    std::vector<EvidenceRecord::Witness> kept;
    for (std::size_t i = 0; i < record.witnesses.size(); ++i) {
        place[i] = static_cast<std::uint8_t>(kept.size());
        if (mentioned[i]) kept.push_back(std::move(record.witnesses[i]));
    }
    record.witnesses = std::move(kept);
    each([&](std::uint8_t& witness) { witness = place[witness]; });
}

}  // namespace

wire::Decoded<std::uint8_t> message_kind(std::string_view payload) {
    if (payload.size() < envelope_bytes) return wire::refused(Fault::truncated);
    if (payload[0] != picket_message) return wire::refused(Fault::unknown_type);
    if (static_cast<std::uint8_t>(payload[1]) != format_version) {
        return wire::refused(Fault::unknown_version);
    }
    return static_cast<std::uint8_t>(payload[2]);
}

wire::Decoded<Record> decode_record(std::string_view payload) {
    const auto kind = message_kind(payload);
    if (!kind.has_value()) return wire::refused(kind.error());
    if (payload.size() > record_bytes_max) return wire::refused(Fault::too_large);
    const std::string_view body = payload.substr(envelope_bytes);
    switch (RecordKind{*kind}) {
        case RecordKind::presence:
            return read_record<PresenceRecord>(body);
        case RecordKind::reference:
            return read_record<ReferenceRecord>(body);
        case RecordKind::vote:
            return read_record<VoteRecord>(body);
        case RecordKind::suspicion:
            return read_record<SuspicionRecord>(body);
        case RecordKind::verdict:
            return read_record<VerdictRecord>(body);
        case RecordKind::evidence:
            if (payload.size() > evidence_bytes_max) return wire::refused(Fault::too_large);
            return read_record<EvidenceRecord>(body);
        case RecordKind::notice:
            return read_record<NoticeRecord>(body);
    }
    return wire::refused(Fault::unknown_type);
}

std::string encode(const Record& record) {
    std::string payload = payload_of(record);
    PICKET_ASSERT(payload.size() <= record_bytes_max);
    return payload;
}

Precedence precedence(const Record& record, std::uint64_t digest) {
    return std::visit(Order{digest}, record);
}

void fit(PresenceRecord& record) {
    cut(record.unfit_reason, reason_bytes_max);
    const auto too_long = [](const auto& label) {
        return label.first.size() > label_bytes_max || label.second.size() > label_bytes_max;
    };
    std::erase_if(record.labels, too_long);  // A part of a label would be another label.
    if (record.labels.size() > labels_max) record.labels.resize(labels_max);
    while (!record.labels.empty() && payload_of(record).size() > presence_bytes_max) {
        record.labels.pop_back();
    }
}

void fit(VoteRecord& record) {
    cut(record.message, message_bytes_max);
}

void fit(VerdictRecord& record) {
    fit_names(record.zones_failing, panel_max, zone_bytes_max);
    fit_names(record.zones_passing, panel_max, zone_bytes_max);
}

void fit(NoticeRecord& record) {
    fit_names(record.missing, notice_names_max, agent_name_bytes_max);
    fit_names(record.zones, panel_max, zone_bytes_max);
    // The names of 32 agents may still be more than a packet: half of one is enough.
    while (record.missing.size() > 1 && payload_of(record).size() > evidence_bytes_max / 2) {
        record.missing.pop_back();
    }
}

// First the lists to their limits; then, until it fits: shorter messages and reasons,
// the timeline from its end but for the last moment, the discounted, at last the names.
void fit(EvidenceRecord& record) {
    limit_lists(record);
    cut_texts(record, {message_bytes_max, agent_name_bytes_max, zone_bytes_max});
    const auto fits = [&] { return payload_of(record).size() <= evidence_bytes_max; };
    for (std::size_t text_max = 64; text_max >= 16 && !fits(); text_max /= 2) {
        cut_texts(record, {text_max, 64, zone_bytes_max});
    }
    while (record.timeline.size() > 2 && !fits()) {
        record.timeline.erase(record.timeline.end() - 2);
    }
    while (!record.discounted.empty() && !fits()) record.discounted.pop_back();
    if (!fits()) drop_unmentioned(record);
    if (!fits()) cut_texts(record, {0, 16, 16});
    PICKET_ASSERT(fits());
}

}  // namespace picket::gossip
