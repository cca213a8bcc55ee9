#include "agent/cli/stored.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "agent/api/evidence.h"
#include "agent/api/explain.h"
#include "agent/api/history_answers.h"
#include "agent/api/outage_answers.h"
#include "agent/api/record_views.h"
#include "agent/api/stored_records.h"
#include "storage/history_reader.h"

namespace picket::cli {
namespace {

using storage::HistoryReader;

// The only witness of a host check is named by it: "root@web-03".
api::OnlyWitness only_witness(const std::string& check) {
    const std::size_t at = check.find('@');
    return {.agent = at == std::string::npos ? "this agent" : check.substr(at + 1)};
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
    return api::read_outages(reader, query);
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
    return api::read_outage(reader, name, parsed->epoch, only_witness(name));
}

Result<api::WhyView> read_stored_why(const std::string& database, const api::WhyQuery& query) {
    HistoryReader reader = PICKET_TRY(HistoryReader::open(database));
    const std::string name = PICKET_TRY(stored_name(reader, query.check));
    api::WhyView view;
    view.live = false;
    view.check = PICKET_TRY(stored_check(reader, name));
    PICKET_TRY(api::choose_version(view, query));
    PICKET_TRY(api::add_stored(reader, name, only_witness(name), view));
    return view;
}

}  // namespace picket::cli
