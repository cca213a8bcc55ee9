#include "storage/convert_rows.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "storage/series_tables.h"

namespace picket::storage {

namespace {

constexpr std::size_t rows_per_commit = 4'096;
constexpr std::int64_t gaps_looked_at = 1'000;

// The rows did not say how often their check asked: mostly, by its median gap.
Result<std::uint32_t> usual_interval_ms(Database& database, std::int64_t check) {
    auto rows = PICKET_TRY(database.prepare(
        "SELECT at_ms FROM outcomes WHERE check_id = ?1 ORDER BY at_ms DESC LIMIT ?2"));
    rows.bind(check, gaps_looked_at);
    std::vector<std::int64_t> gaps;
    std::int64_t later_ms = 0;
    while (PICKET_TRY(rows.step())) {
        if (later_ms != 0) gaps.push_back(later_ms - rows.integer(0));
        later_ms = rows.integer(0);
    }
    if (gaps.empty()) return std::uint32_t{0};
    const auto middle = gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2);
    std::nth_element(gaps.begin(), middle, gaps.end());
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(*middle, 0, UINT32_MAX));
}

Result<Entry> entry_of(const Statement& row, std::uint32_t interval_ms) {
    const std::int64_t finding = row.integer(1);
    const std::int64_t failure_class = row.integer(2);
    if (finding < 0 || finding > 2 || failure_class < 0 ||
        failure_class > static_cast<std::int64_t>(checks::FailureClass::local)) {
        return tl::make_unexpected(row.corrupt("no such finding"));
    }
    Entry entry;
    entry.at_ms = std::clamp(row.integer(0), at_ms_min, at_ms_max);
    entry.profile = {.state = static_cast<PointState>(finding),
                     .failure_class = static_cast<checks::FailureClass>(failure_class),
                     .message_id = static_cast<std::uint32_t>(row.integer(4)),
                     .interval_ms = interval_ms};
    entry.latency_code = latency_code(row.integer(3));
    return entry;
}

Status commit(Database& database, SeriesTables& series, std::vector<JournalEntry>& entries) {
    if (entries.empty()) return {};
    auto transaction = PICKET_TRY(Transaction::begin(database));
    const std::int64_t row = PICKET_TRY(series.write(entries));
    PICKET_TRY(transaction.commit());
    series.on_committed(row, entries);
    entries.clear();
    while (series.fold_due()) PICKET_TRY(series.fold(database));
    return {};
}

}  // namespace

Status convert_outcome_rows(Database& database) {
    auto series = PICKET_TRY(SeriesTables::create(database));
    std::vector<std::int64_t> checks;
    auto ids = PICKET_TRY(database.prepare("SELECT id FROM checks ORDER BY id"));
    while (PICKET_TRY(ids.step())) checks.push_back(ids.integer(0));
    auto rows = PICKET_TRY(database.prepare(
        "SELECT at_ms, finding, failure_class, latency_us, message_id FROM outcomes "
        "WHERE check_id = ?1 AND at_ms > ?2 ORDER BY at_ms LIMIT ?3"));
    std::vector<JournalEntry> entries;
    for (const std::int64_t check : checks) {
        const std::uint32_t interval_ms = PICKET_TRY(usual_interval_ms(database, check));
        std::int64_t after_ms = INT64_MIN;
        std::size_t read = rows_per_commit;
        while (read == rows_per_commit) {
            read = 0;
            rows.bind(check, after_ms, rows_per_commit);
            while (PICKET_TRY(rows.step())) {
                entries.push_back({check, PICKET_TRY(entry_of(rows, interval_ms))});
                after_ms = rows.integer(0);
                ++read;
            }
            rows.reset();
            PICKET_TRY(commit(database, series, entries));
        }
    }
    return {};
}

}  // namespace picket::storage
