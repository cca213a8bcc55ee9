#include "agent/api/outage_answers.h"

#include <algorithm>
#include <utility>

#include "agent/api/evidence.h"
#include "agent/api/explain.h"
#include "agent/api/history_answers.h"
#include "agent/api/record_views.h"
#include "agent/api/stored_records.h"

namespace picket::api {
namespace {

using storage::HistoryReader;

// Whether its verdicts were this agent's alone: what it saw is all there is to say.
Result<bool> was_lone(HistoryReader& reader, const std::string& name) {
    return PICKET_TRY(judge_of(reader, name)) == Judge::this_agent;
}

// What stands behind it, and where it fails while it is open.
Result<OutageView> whole_view(HistoryReader& reader, const storage::Outage& stored) {
    OutageView view = outage_view(stored);
    if (PICKET_TRY(was_lone(reader, stored.check))) {
        view.backing = Backing::panel_of_one;
        return view;
    }
    if (const auto opening = PICKET_TRY(read_evidence(reader, stored.check, stored.epoch))) {
        view.backing = backing_of(*opening);
    }
    if (stored.closed) return view;
    const auto verdict = PICKET_TRY(read_verdict(reader, stored.check));
    if (verdict && verdict->epoch == stored.epoch) {
        view.backing = backing_of(verdict->backing);
        view.zones_failing = verdict->zones_failing;
    }
    return view;
}

}  // namespace

Result<OutagesView> read_outages(HistoryReader& reader, const OutagesQuery& query) {
    const HistoryReader::Hold hold = PICKET_TRY(reader.hold());
    const auto stored = PICKET_TRY(
        reader.outages({.check = "", .open_only = query.open_only, .since = query.since}));
    OutagesView view;
    view.truncated = stored.size() >= HistoryReader::outages_max;
    view.outages.reserve(stored.size());
    for (const storage::Outage& outage : stored) {
        view.outages.push_back(PICKET_TRY(whole_view(reader, outage)));
    }
    std::ranges::reverse(view.outages);
    return view;
}

Result<OutageDetailView> read_outage(HistoryReader& reader, const std::string& name,
                                     std::uint32_t epoch, const OnlyWitness& witness) {
    const HistoryReader::Hold hold = PICKET_TRY(reader.hold());
    const storage::Outage stored = PICKET_TRY(reader.outage(name, epoch));
    OutageDetailView view;
    view.outage = PICKET_TRY(whole_view(reader, stored));
    if (!PICKET_TRY(was_lone(reader, name))) {
        view.opening = PICKET_TRY(read_evidence(reader, name, epoch));
        if (stored.closed) view.closing = PICKET_TRY(read_evidence(reader, name, epoch + 1));
        return view;
    }
    view.opening = lone_opening(view.outage, witness.agent, witness.zone);
    if (stored.closed) view.closing = lone_closing(view.outage, witness.agent, witness.zone);
    return view;
}

Status add_stored(HistoryReader& reader, const std::string& name, const OnlyWitness& witness,
                  WhyView& view) {
    const HistoryReader::Hold hold = PICKET_TRY(reader.hold());
    const bool lone = PICKET_TRY(was_lone(reader, name));
    if (!lone && view.versions.empty()) {
        add_evidence(view, PICKET_TRY(read_evidence_of_epoch(reader, name, view.epoch)));
    }
    if (view.epoch == 0) return {};
    const bool odd = view.epoch % 2 == 1;
    const auto stored = reader.outage(name, odd ? view.epoch : view.epoch - 1);
    if (!stored.has_value()) {
        // There was none, or it was long ago.
        if (stored.error().code() == Code::not_found) return {};
        return tl::make_unexpected(stored.error());
    }
    view.outage = PICKET_TRY(whole_view(reader, *stored));
    if (!lone) return {};
    if (odd) {
        view.evidence = lone_opening(*view.outage, witness.agent, witness.zone);
    } else if (stored->closed) {
        view.evidence = lone_closing(*view.outage, witness.agent, witness.zone);
    }
    return {};
}

}  // namespace picket::api
