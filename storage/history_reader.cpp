#include "storage/history_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "storage/row_reading.h"
#include "storage/schema.h"

namespace picket::storage {

namespace {

// Of sorted values, the smallest that at least `percent` of them do not exceed.
Duration nearest_rank(const std::vector<std::int64_t>& sorted, std::size_t percent) {
    const std::size_t rank = (sorted.size() * percent + 99) / 100;
    return Duration(sorted[std::max<std::size_t>(rank, 1) - 1]);
}

}  // namespace

Result<HistoryReader> HistoryReader::open(const std::string& path) {
    auto database = PICKET_TRY(Database::open(path, OpenMode::read_only));
    PICKET_TRY(check_schema(database));
    return HistoryReader(std::move(database));
}

Result<std::int64_t> HistoryReader::check_id(const std::string& check) {
    auto row = PICKET_TRY(database_.prepare("SELECT id FROM checks WHERE name = ?1"));
    if (PICKET_TRY(row.bind(std::string_view(check)).step())) return row.integer(0);
    return failure(Code::not_found,
                   fmt::format("{}: no history of this check in {}", check, database_.path()));
}

Result<OutcomeRange> HistoryReader::outcomes(const std::string& check, WallTime from, WallTime to) {
    const auto id = PICKET_TRY(check_id(check));
    auto rows = PICKET_TRY(database_.prepare(
        fmt::format("SELECT {} FROM {} WHERE o.check_id = ?1 AND o.at_ms >= ?2 AND o.at_ms < ?3 "
                    "ORDER BY o.at_ms DESC LIMIT ?4",
                    outcome_columns, outcome_tables)));
    rows.bind(id, to_milliseconds(from), to_milliseconds(to), outcomes_max + 1);
    OutcomeRange range;
    while (PICKET_TRY(rows.step())) {
        range.truncated = range.outcomes.size() == outcomes_max;
        if (range.truncated) break;
        range.outcomes.push_back(PICKET_TRY(outcome_row(rows)));
    }
    std::reverse(range.outcomes.begin(), range.outcomes.end());
    return range;
}

Result<std::optional<LatencySummary>> HistoryReader::latency(const std::string& check,
                                                             WallTime from, WallTime to) {
    const auto id = PICKET_TRY(check_id(check));
    auto rows = PICKET_TRY(database_.prepare(
        "SELECT latency_us FROM outcomes WHERE check_id = ?1 AND at_ms >= ?2 AND at_ms < ?3 "
        "AND finding = ?4 ORDER BY at_ms DESC LIMIT ?5"));
    rows.bind(id, to_milliseconds(from), to_milliseconds(to),
              static_cast<int>(checks::Finding::passed), latencies_max);
    std::vector<std::int64_t> latencies;
    while (PICKET_TRY(rows.step())) latencies.push_back(rows.integer(0));
    if (latencies.empty()) return std::optional<LatencySummary>();
    std::sort(latencies.begin(), latencies.end());
    return LatencySummary{latencies.size(), nearest_rank(latencies, 50),
                          nearest_rank(latencies, 95), nearest_rank(latencies, 99)};
}

Result<std::vector<Transition>> HistoryReader::transitions(const std::string& check, WallTime from,
                                                           WallTime to) {
    const auto id = PICKET_TRY(check_id(check));
    auto rows = PICKET_TRY(database_.prepare(
        fmt::format("SELECT {} FROM transitions WHERE check_id = ?1 AND at_ms >= ?2 AND at_ms < ?3 "
                    "ORDER BY id DESC LIMIT ?4",
                    transition_columns)));
    rows.bind(id, to_milliseconds(from), to_milliseconds(to), transitions_max);
    std::vector<Transition> found;
    while (PICKET_TRY(rows.step())) found.push_back(PICKET_TRY(transition_row(rows, check)));
    std::reverse(found.begin(), found.end());
    return found;
}

Result<std::vector<Outage>> HistoryReader::outages(const OutageQuery& query) {
    std::optional<std::int64_t> id;
    if (!query.check.empty()) id = PICKET_TRY(check_id(query.check));
    std::optional<std::int64_t> since;
    if (query.since) since = to_milliseconds(*query.since);
    auto rows = PICKET_TRY(database_.prepare(
        fmt::format("SELECT {} FROM {} WHERE (?1 IS NULL OR o.check_id = ?1) "
                    "AND (o.closed_ms IS NULL OR (NOT ?2 AND (?3 IS NULL OR o.closed_ms >= ?3))) "
                    "ORDER BY o.opened_ms DESC LIMIT ?4",
                    outage_columns, outage_tables)));
    rows.bind(id, static_cast<int>(query.open_only), since, outages_max);
    std::vector<Outage> found;
    while (PICKET_TRY(rows.step())) found.push_back(PICKET_TRY(outage_row(rows)));
    std::reverse(found.begin(), found.end());
    return found;
}

Result<Outage> HistoryReader::outage(const std::string& check, std::uint32_t epoch) {
    const auto id = PICKET_TRY(check_id(check));
    auto row = PICKET_TRY(
        database_.prepare(fmt::format("SELECT {} FROM {} WHERE o.check_id = ?1 AND o.epoch = ?2",
                                      outage_columns, outage_tables)));
    if (PICKET_TRY(row.bind(id, epoch).step())) return outage_row(row);
    return failure(Code::not_found, fmt::format("{}#{}: no such outage", check, epoch));
}

Result<bool> HistoryReader::shares_verdicts() {
    auto row =
        PICKET_TRY(database_.prepare("SELECT 1 FROM mesh_records WHERE kind = 'verdict' LIMIT 1"));
    return row.step();
}

Result<std::vector<std::string>> HistoryReader::check_names() {
    auto rows = PICKET_TRY(database_.prepare("SELECT name FROM checks ORDER BY name"));
    std::vector<std::string> names;
    while (PICKET_TRY(rows.step())) names.push_back(text_column(rows, 0));
    return names;
}

}  // namespace picket::storage
