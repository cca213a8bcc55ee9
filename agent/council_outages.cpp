// What the mesh agreed on, as this agent's database keeps it.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/api/stored_records.h"
#include "agent/base/log.h"
#include "agent/council.h"
#include "agent/mesh_outages.h"
#include "gossip/spread/record_codec.h"

namespace picket {

using gossip::CheckKey;
using gossip::VerdictRecord;

// The mesh may have gone on meanwhile, or hold nothing of it any more; and an agent that is
// killed between the two has written that an outage ended, but not when.
void Council::adopt_stored_outages(const storage::Loaded& stored, WallTime wall) {
    for (const storage::Outage& open : stored.open_outages) {
        if (open.check.find('@') != std::string::npos) continue;
        const gossip::CheckKey key = gossip::check_key(open.check);
        outages_.note(key, open);
        const gossip::VerdictRecord* held = spread().verdict(key);
        if (held == nullptr) {
            end_outage(wall, key, "ended: the mesh holds no outage of it");
        } else if (held->epoch > open.epoch) {
            storage::Outage closed = open;
            closed.closed = std::max(open.opened, end_of_outage(spread(), *held, open.epoch));
            services_.recorder.record(outages_.note(key, closed));
        }
    }
}

// It may come after its verdict, and then says what the outage is about; or from long ago.
void Council::on_evidence_held(const gossip::EvidenceRecord& evidence) {
    if (!accord_.names().contains(evidence.check)) return;
    record_outage(name_of(evidence.check), outage_of_epoch(evidence.epoch));
}

std::optional<storage::Outage> Council::record_outage(const std::string& name, std::uint32_t epoch,
                                                      const VerdictRecord* before) {
    auto outage = mesh_outage(spread(), name, epoch, before);
    if (!outage) return std::nullopt;
    // Of an older one that was held itself the times are known better than by its evidence.
    const CheckKey key = gossip::check_key(name);
    const storage::Outage* noted = outages_.noted(key, epoch);
    if (noted != nullptr && spread().verdict(key)->epoch > epoch + 1) {
        outage->opened = noted->opened;
        outage->first_failure = noted->first_failure;
    }
    outage = outages_.note(key, *outage);
    services_.recorder.record(*outage);
    return outage;
}

void Council::end_outage(WallTime wall, CheckKey key, std::string_view note) {
    auto ended = outages_.end(key, wall, note);
    if (!ended) return;
    store_unwatched(wall, *std::move(ended));
}

void Council::store_unwatched(WallTime wall, storage::Outage outage) {
    const bool over = outage.closed.has_value();
    tell_outage({.at = wall,
                 .check = outage.check,
                 .agent = config_.name,
                 .from = over ? "open" : "",
                 .to = over ? "closed" : "open",
                 .message = fmt::format("{}#{}: {}", outage.check, outage.epoch, outage.message)});
    services_.recorder.record(std::move(outage));
}

// Those that nobody watches any more end; what is watched again, or was not written when the
// agent was killed, is stored as it is held.
void Council::review_outages(Instant now, WallTime wall) {
    const bool quorum = agreement().quorum();
    const auto watched = [&](const storage::Outage& open) -> std::optional<bool> {
        // A side that lost the others does not know what they carry.
        if (!quorum) return std::nullopt;
        return open.check.starts_with("host/") ||
               accord_.checks().contains(gossip::check_key(open.check));
    };
    for (storage::Outage& outage : outages_.review(now, wall, watched)) {
        store_unwatched(wall, std::move(outage));
    }
    for (const auto& [key, check] : accord_.checks()) {
        const VerdictRecord* held = spread().verdict(key);
        if (held == nullptr || !held->outage() || outages_.open(key) != nullptr) continue;
        record_outage(check.name, held->epoch);
    }
}

// ---- Everything, once more

void Council::record_everything() {
    services_.recorder.record(storage::AgentFact{"boot", fmt::to_string(spread().boot())});
    const auto keep = [this](const gossip::Record& record) {
        const gossip::RecordKey key = gossip::key_of(record);
        services_.recorder.record(storage::MeshRecord{.kind = std::string(to_text(key.kind)),
                                                      .key = api::storage_key(key),
                                                      .bytes = encode(record),
                                                      .forget_at = std::nullopt});
    };
    spread().registry().each<gossip::VerdictRecord>([&](const auto& verdict) {
        keep(verdict);
        if (!accord_.names().contains(verdict.check)) return;
        const std::string name = name_of(verdict.check);
        services_.recorder.record(api::check_key_fact(name, verdict.check));
        record_outage(name, outage_of_epoch(verdict.epoch));
    });
    spread().registry().each<gossip::EvidenceRecord>([&](const auto& evidence) {
        keep(evidence);
        on_evidence_held(evidence);
    });
    spread().registry().each<gossip::ReferenceRecord>(keep);
}

}  // namespace picket
