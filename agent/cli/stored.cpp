#include "agent/cli/stored.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "agent/api/evidence.h"
#include "agent/api/explain.h"
#include "agent/api/history_answers.h"
#include "agent/api/record_views.h"
#include "agent/api/stored_records.h"
#include "storage/history_reader.h"

namespace picket::cli {
namespace {

using storage::HistoryReader;

// The only witness of a host check is named by it: "root@web-03".
std::string agent_of(const std::string& check) {
    const std::size_t at = check.find('@');
    return at == std::string::npos ? "this agent" : check.substr(at + 1);
}

// Whether its verdicts were this agent's alone: what it saw is all there is to say.
Result<bool> was_lone(HistoryReader& reader, const std::string& check) {
    return PICKET_TRY(api::judge_of(reader, check)) == api::Judge::this_agent;
}

Result<std::optional<api::OutageView>> stored_outage(HistoryReader& reader,
                                                     const std::string& check,
                                                     std::uint32_t epoch) {
    const auto found = reader.outage(check, epoch);
    if (found.has_value()) return std::optional(api::outage_view(*found));
    if (found.error().code() == Code::not_found) return std::optional<api::OutageView>();
    return tl::make_unexpected(found.error());
}

// As it is held: the mesh's verdict, else the newest one that is stored.
Result<api::CheckView> stored_check(HistoryReader& reader, const std::string& name) {
    api::CheckView view;
    view.name = name;
    view.state = "pending";
    if (const auto verdict = PICKET_TRY(api::read_verdict(reader, name))) {
        api::show_verdict(view, *verdict);
        return view;
    }
    const auto stored = PICKET_TRY(reader.transitions(name, WallTime{}, WallTime::max()));
    if (stored.empty()) return view;
    const storage::Transition& newest = stored.back();
    view.state = newest.state;
    view.epoch = newest.epoch;
    view.since = newest.since;
    view.outage_scope = newest.outage_scope;
    return view;
}

// Why an outage was opened: of an only witness what it saw, of a mesh what its scribe wrote.
Result<std::optional<api::EvidenceView>> stored_opening(HistoryReader& reader,
                                                        const std::string& name,
                                                        const api::OutageView& outage,
                                                        std::uint32_t epoch) {
    if (!PICKET_TRY(was_lone(reader, name))) return api::read_evidence(reader, name, epoch);
    return std::optional(api::lone_opening(outage, agent_of(name), ""));
}

// Why it was closed; `epoch` is the one that began then.
Result<std::optional<api::EvidenceView>> stored_closing(HistoryReader& reader,
                                                        const std::string& name,
                                                        const api::OutageView& outage,
                                                        std::uint32_t epoch) {
    if (!PICKET_TRY(was_lone(reader, name))) return api::read_evidence(reader, name, epoch);
    if (!outage.closed_at.has_value()) return std::optional<api::EvidenceView>();
    return std::optional(api::lone_closing(outage, agent_of(name), ""));
}

}  // namespace

Result<std::string> stored_name(HistoryReader& reader, const std::string& check) {
    const std::vector<std::string> names = PICKET_TRY(reader.check_names());
    std::vector<std::string> meant;
    for (const std::string& name : names) {
        if (name == check) return name;
        if (name.starts_with(check + "@")) meant.push_back(name);
    }
    if (meant.size() == 1) return meant.front();
    if (meant.empty()) {
        return failure(Code::not_found, fmt::format("no check is named '{}'", check));
    }
    return failure(Code::not_found,
                   fmt::format("'{}' may be any of {}", check, fmt::join(meant, ", ")));
}

Result<api::HistoryView> read_stored_history(const std::string& database,
                                             const api::HistoryQuery& query) {
    HistoryReader reader = PICKET_TRY(HistoryReader::open(database));
    const std::string name = PICKET_TRY(stored_name(reader, query.check));
    return api::read_history(reader, name, query);
}

Result<api::AvailabilitiesView> read_stored_availability(const std::string& database,
                                                         api::AvailabilityQuery query) {
    HistoryReader reader = PICKET_TRY(HistoryReader::open(database));
    std::vector<std::string> names;
    for (const std::string& check : query.checks) {
        names.push_back(PICKET_TRY(stored_name(reader, check)));
    }
    if (names.empty()) names = PICKET_TRY(reader.check_names());
    const HistoryReader::Hold hold =
        PICKET_TRY(names.size() > 1 ? reader.hold_all() : reader.hold());
    api::AvailabilitiesView view;
    for (const std::string& name : names) {
        view.checks.push_back(PICKET_TRY(api::read_availability(reader, name, query)));
    }
    return view;
}

Result<api::OutagesView> read_stored_outages(const std::string& database,
                                             const api::OutagesQuery& query) {
    HistoryReader reader = PICKET_TRY(HistoryReader::open(database));
    const std::vector<storage::Outage> stored = PICKET_TRY(
        reader.outages({.check = "", .open_only = query.open_only, .since = query.since}));
    api::OutagesView view;
    view.truncated = stored.size() >= HistoryReader::outages_max;
    for (const storage::Outage& outage : stored) {
        view.outages.push_back(api::outage_view(outage));
    }
    std::reverse(view.outages.begin(), view.outages.end());
    return view;
}

Result<api::OutageDetailView> read_stored_outage(const std::string& database,
                                                 const std::string& id) {
    const auto parsed = api::parse_outage_id(id);
    if (!parsed.has_value()) {
        return failure(Code::not_found,
                       fmt::format("'{}' is not the id of an outage, as homepage#7 is", id));
    }
    HistoryReader reader = PICKET_TRY(HistoryReader::open(database));
    const std::string name = PICKET_TRY(stored_name(reader, parsed->check));
    const storage::Outage stored = PICKET_TRY(reader.outage(name, parsed->epoch));
    api::OutageDetailView view;
    view.outage = api::outage_view(stored);
    view.opening = PICKET_TRY(stored_opening(reader, name, view.outage, parsed->epoch));
    view.closing = PICKET_TRY(stored_closing(reader, name, view.outage, parsed->epoch + 1));
    if (view.opening.has_value()) view.outage.backing = api::backing_of(*view.opening);
    return view;
}

Result<api::WhyView> read_stored_why(const std::string& database, const api::WhyQuery& query) {
    HistoryReader reader = PICKET_TRY(HistoryReader::open(database));
    const std::string name = PICKET_TRY(stored_name(reader, query.check));
    api::WhyView view;
    view.live = false;
    view.check = PICKET_TRY(stored_check(reader, name));
    PICKET_TRY(api::choose_version(view, query));
    const bool lone = PICKET_TRY(was_lone(reader, name));
    if (!lone) {
        api::add_evidence(view, PICKET_TRY(api::read_evidence_of_epoch(reader, name, view.epoch)));
    }
    if (view.epoch == 0) return view;
    const bool odd = view.epoch % 2 == 1;
    view.outage = PICKET_TRY(stored_outage(reader, name, odd ? view.epoch : view.epoch - 1));
    if (!view.outage.has_value()) return view;
    if (lone) {
        view.evidence = odd ? PICKET_TRY(stored_opening(reader, name, *view.outage, view.epoch))
                            : PICKET_TRY(stored_closing(reader, name, *view.outage, view.epoch));
    }
    const auto opening =
        PICKET_TRY(stored_opening(reader, name, *view.outage, odd ? view.epoch : view.epoch - 1));
    if (opening.has_value()) view.outage->backing = api::backing_of(*opening);
    return view;
}

}  // namespace picket::cli
