#include "agent/api/stored_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <variant>

#include "agent/api/record_views.h"
#include "gossip/spread/record_codec.h"
#include "storage/load.h"

namespace picket::api {
namespace {

using gossip::RecordKind;
using storage::HistoryReader;

std::string fact_key(std::string_view name) {
    return fmt::format("{}{}", storage::check_keys_begin, name);
}

Result<std::optional<std::uint64_t>> read_check_key(HistoryReader& reader,
                                                    const std::string& name) {
    const auto text = PICKET_TRY(reader.agent_fact(fact_key(name)));
    if (!text) return std::optional<std::uint64_t>();
    std::uint64_t key = 0;
    const char* const end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, key, 16);
    const bool whole = error == std::errc{} && stop == end;
    return whole ? std::optional(key) : std::nullopt;
}

template <typename Record>
Result<std::optional<Record>> read_record(HistoryReader& reader, const std::string& name,
                                          RecordKind kind, std::uint64_t part) {
    const auto subject = PICKET_TRY(read_check_key(reader, name));
    if (!subject) return std::optional<Record>();
    const auto bytes = PICKET_TRY(
        reader.mesh_record(std::string(to_text(kind)), storage_key({kind, *subject, part})));
    if (!bytes) return std::optional<Record>();
    const auto decoded = gossip::decode_record(*bytes);
    const Record* record = decoded ? std::get_if<Record>(&*decoded) : nullptr;
    return record == nullptr ? std::optional<Record>() : std::optional(*record);
}

}  // namespace

std::string storage_key(const gossip::RecordKey& key) {
    return fmt::format("{:016x}{:016x}", key.subject, key.part);
}

storage::AgentFact check_key_fact(std::string_view name, gossip::CheckKey key) {
    return {fact_key(name), fmt::format("{:016x}", static_cast<std::uint64_t>(key))};
}

Result<std::optional<gossip::VerdictRecord>> read_verdict(HistoryReader& reader,
                                                          const std::string& name) {
    return read_record<gossip::VerdictRecord>(reader, name, RecordKind::verdict, 0);
}

Result<std::vector<EvidenceView>> read_evidence_of_epoch(HistoryReader& reader,
                                                         const std::string& name,
                                                         std::uint32_t epoch) {
    std::vector<EvidenceView> known;
    for (std::uint32_t place = 0; place <= gossip::evidence_subs_max; ++place) {
        const auto record = PICKET_TRY(read_record<gossip::EvidenceRecord>(
            reader, name, RecordKind::evidence, gossip::evidence_part(epoch, place)));
        if (record) known.push_back(evidence_view(*record));
    }
    std::ranges::sort(known, {}, &EvidenceView::sub);
    return known;
}

Result<std::optional<EvidenceView>> read_evidence(HistoryReader& reader, const std::string& name,
                                                  std::uint32_t epoch) {
    const auto record =
        PICKET_TRY(read_record<gossip::EvidenceRecord>(reader, name, RecordKind::evidence, epoch));
    return record ? std::optional(evidence_view(*record)) : std::nullopt;
}

}  // namespace picket::api
