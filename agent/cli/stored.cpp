#include "agent/cli/stored.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "storage/history_reader.h"

namespace picket::cli {
namespace {

using storage::HistoryReader;

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

}  // namespace

Result<api::HistoryView> read_stored_history(const std::string& database,
                                             const api::HistoryQuery& query) {
    HistoryReader reader = PICKET_TRY(HistoryReader::open(database));
    const std::string name = PICKET_TRY(stored_name(reader, query.check));
    storage::OutcomeRange range = PICKET_TRY(reader.outcomes(name, query.from, query.to));
    api::HistoryView view{.check = query.check,
                          .from = query.from,
                          .to = query.to,
                          .truncated = range.truncated,
                          .points = {}};
    for (storage::OutcomeRecord& outcome : range.outcomes) {
        view.points.push_back({.at = outcome.at,
                               .finding = outcome.finding,
                               .failure_class = outcome.failure_class,
                               .latency = outcome.latency,
                               .message = std::move(outcome.message)});
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
        view.outages.push_back({.id = fmt::format("{}#{}", outage.check, outage.epoch),
                                .check = outage.check,
                                .state = outage.closed ? "closed" : "open",
                                .scope = outage.scope,
                                .opened_at = outage.opened,
                                .closed_at = outage.closed,
                                .first_failure_at = outage.first_failure,
                                .failure_class = outage.failure_class,
                                .message = outage.message});
    }
    std::reverse(view.outages.begin(), view.outages.end());
    return view;
}

}  // namespace picket::cli
