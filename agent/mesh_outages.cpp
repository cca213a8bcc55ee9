#include "agent/mesh_outages.h"

#include <algorithm>
#include <vector>

#include "agent/api/evidence.h"
#include "agent/api/record_views.h"
#include "agent/base/assert.h"

namespace picket {
namespace {

using api::EvidenceView;
using gossip::CheckKey;
using gossip::VerdictRecord;

constexpr WallTime nothing_known{};

// Verdicts may be told to be far ahead; nobody looks for evidence of so many outages.
constexpr std::uint32_t outages_looked_through = 64;

std::optional<EvidenceView> evidence_of(const gossip::Spread& spread, CheckKey key,
                                        std::uint32_t epoch) {
    const gossip::EvidenceRecord* record = spread.evidence(key, epoch);
    return record == nullptr ? std::nullopt : std::optional(api::evidence_view(*record));
}

}  // namespace

WallTime end_of_outage(const gossip::Spread& spread, const VerdictRecord& held,
                       std::uint32_t epoch) {
    if (held.epoch == epoch + 1) return held.closed_at;
    if (const auto closing = evidence_of(spread, held.check, epoch + 1)) return closing->begins_at;
    for (std::uint32_t i = 1; i <= outages_looked_through; ++i) {
        const std::uint32_t next = epoch + 2 * i;
        if (next >= held.epoch) break;
        if (const auto opening = evidence_of(spread, held.check, next)) return opening->decided_at;
    }
    return held.opened_at != nothing_known ? held.opened_at : held.closed_at;
}

std::optional<storage::Outage> mesh_outage(const gossip::Spread& spread, const std::string& name,
                                           std::uint32_t epoch, const VerdictRecord* before) {
    const CheckKey key = gossip::check_key(name);
    const VerdictRecord* held = spread.verdict(key);
    if (epoch == 0 || held == nullptr || held->epoch < epoch) return std::nullopt;
    PICKET_ASSERT(epoch % 2 == 1);
    const bool was_held = before != nullptr && before->epoch == epoch;
    const VerdictRecord* itself = held->epoch == epoch ? held : was_held ? before : nullptr;
    const VerdictRecord* times = held->epoch == epoch + 1 ? held : itself;
    std::vector<EvidenceView> known;
    for (const auto* record : spread.evidence_of_epoch(key, epoch)) {
        known.push_back(api::evidence_view(*record));
    }
    const EvidenceView* opening =
        known.empty() || known.front().sub != 0 ? nullptr : &known.front();

    storage::Outage outage;
    outage.check = name;
    outage.epoch = epoch;
    if (times != nullptr && times->opened_at != nothing_known) {
        outage.opened = times->opened_at;
        outage.first_failure = times->first_failure_at;
    } else if (opening != nullptr) {
        outage.opened = opening->decided_at;
        outage.first_failure = opening->begins_at;
    } else {
        return std::nullopt;
    }
    if (outage.first_failure == nothing_known) outage.first_failure = outage.opened;
    // It ends by the clock of another agent than it began.
    if (held->epoch > epoch)
        outage.closed = std::max(outage.opened, end_of_outage(spread, *held, epoch));
    if (itself != nullptr) {
        outage.scope = api::scope_text(itself->scope);
        outage.failure_class = api::failure_class_of(itself->failure);
    } else if (!known.empty()) {
        outage.scope = api::scope_of(known.back());
        if (times != nullptr) outage.failure_class = api::failure_class_of(times->failure);
    }
    if (opening == nullptr) return outage;
    outage.message = api::first_failure(*opening);
    if (outage.failure_class == checks::FailureClass::none) {
        outage.failure_class = api::failure_class_of(*opening);
    }
    return outage;
}

std::optional<api::OutageView> latest_outage_view(const gossip::Spread& spread,
                                                  const std::string& name) {
    const VerdictRecord* held = spread.verdict(gossip::check_key(name));
    if (held == nullptr) return std::nullopt;
    const std::uint32_t epoch = outage_of_epoch(held->epoch);
    const auto outage = mesh_outage(spread, name, epoch);
    if (!outage) return std::nullopt;
    api::OutageView view = api::outage_view(*outage);
    if (held->outage()) {
        view.backing = api::backing_of(held->backing);
        view.zones_failing = held->zones_failing;
    } else if (const auto opening = evidence_of(spread, held->check, epoch)) {
        view.backing = api::backing_of(*opening);
    }
    return view;
}

}  // namespace picket
