#include "storage/series_tables.h"

#include <algorithm>
#include <span>

#include "agent/base/assert.h"

namespace picket::storage {

namespace {

constexpr std::size_t rows_per_trim = 64;

}  // namespace

Result<SeriesTables> SeriesTables::create(Database& database) {
    auto insert_row = PICKET_TRY(database.prepare("INSERT INTO journal VALUES (?1, ?2)"));
    auto delete_rows = PICKET_TRY(database.prepare("DELETE FROM journal WHERE id < ?1"));
    auto insert_chunk = PICKET_TRY(
        database.prepare("INSERT INTO chunks (check_id, first_ms, last_ms, count, entries) "
                         "VALUES (?1, ?2, ?3, ?4, ?5)"));
    auto find_head = PICKET_TRY(database.prepare("SELECT head FROM heads WHERE check_id = ?1"));
    auto put_head =
        PICKET_TRY(database.prepare("INSERT OR REPLACE INTO heads (check_id, journal_id, head) "
                                    "VALUES (?1, ?2, ?3)"));
    auto rollups = PICKET_TRY(RollupTables::create(database));
    SeriesTables tables(
        Statements{std::move(insert_row), std::move(delete_rows), std::move(insert_chunk),
                   std::move(find_head), std::move(put_head)},
        std::move(rollups));
    PICKET_TRY(tables.load(database));
    return tables;
}

// ---- What is open

Status SeriesTables::load(Database& database) {
    PICKET_TRY(load_heads(database));
    PICKET_TRY(load_journal(database));
    saved_rows_.clear();
    return {};
}

Status SeriesTables::load_heads(Database& database) {
    auto heads = PICKET_TRY(database.prepare("SELECT check_id, journal_id, head FROM heads"));
    while (PICKET_TRY(heads.step())) {
        auto head = decode_head(heads.blob(2));
        if (!head) return tl::make_unexpected(heads.corrupt(head.error().message()));
        saved_rows_[heads.integer(0)] = heads.integer(1);
        last_row_ = std::max(last_row_, heads.integer(1));
        if (!head->series.empty()) open_[heads.integer(0)].series = std::move(head->series);
    }
    return {};
}

Status SeriesTables::load_journal(Database& database) {
    auto rows = PICKET_TRY(database.prepare("SELECT id, entries FROM journal ORDER BY id"));
    std::vector<JournalEntry> entries;
    while (PICKET_TRY(rows.step())) {
        const std::int64_t row = rows.integer(0);
        entries.clear();
        const auto decoded = decode_journal(rows.blob(1), std::nullopt, entries);
        if (!decoded) return tl::make_unexpected(rows.corrupt(decoded.error().message()));
        std::erase_if(entries, [&](const JournalEntry& each) {
            const auto saved = saved_rows_.find(each.check_id);
            return saved != saved_rows_.end() && row <= saved->second;
        });
        on_committed(row, entries);
    }
    return {};
}

void SeriesTables::on_committed(std::int64_t row, const std::vector<JournalEntry>& entries) {
    last_row_ = std::max(last_row_, row);
    rows_.emplace_back(row, entries.size());
    row_entries_ += entries.size();
    ++rows_since_trim_;
    for (const JournalEntry& each : entries) {
        Open& open = open_[each.check_id];
        if (open.first_row == 0) open.first_row = row;
        open.series.append(each.entry);
        if (open.series.count() == chunk_entries) due_.push_back(each.check_id);
    }
}

void SeriesTables::forget(std::int64_t check) {
    open_.erase(check);
}

const OpenSeries* SeriesTables::open_series(std::int64_t check) const {
    const auto found = open_.find(check);
    return found == open_.end() ? nullptr : &found->second.series;
}

// ---- Writing

Result<std::int64_t> SeriesTables::write(std::vector<JournalEntry>& entries) {
    const std::int64_t row = last_row_ + 1;
    PICKET_TRY(statements_.insert_row.bind(row, Blob{encode_journal(entries)}).run());
    return row;
}

bool SeriesTables::journal_full() const {
    const std::size_t entries_max =
        std::clamp(open_.size() * chunk_entries, journal_entries_min, journal_entries_max);
    // Once too much, it is brought well below, so that the next commits have room.
    const std::size_t part = letting_go_ ? 3 : 4;
    return row_entries_ * 4 > entries_max * part || rows_.size() * 4 > journal_rows_max * part;
}

bool SeriesTables::fold_due() const {
    return !due_.empty() || rows_since_trim_ >= rows_per_trim || journal_full();
}

Status SeriesTables::fold(Database& database) {
    if (!due_.empty()) {
        const auto count = static_cast<std::ptrdiff_t>(std::min(due_.size(), folds_max));
        PICKET_TRY(fold_checks(database, {due_.begin(), due_.begin() + count}));
        due_.erase(due_.begin(), due_.begin() + count);
        return {};
    }
    letting_go_ = journal_full();
    if (letting_go_) {
        PICKET_TRY(fold_checks(database, holding_back(folds_max)));
        return trim(database);
    }
    if (rows_since_trim_ >= rows_per_trim) return trim(database);
    return {};
}

Status SeriesTables::fold_all(Database& database) {
    for (auto checks = holding_back(folds_max); !checks.empty(); checks = holding_back(folds_max)) {
        PICKET_TRY(fold_checks(database, checks));
    }
    due_.clear();
    do {
        PICKET_TRY(trim(database));
    } while (rows_since_trim_ >= rows_per_trim);
    return {};
}

std::vector<std::int64_t> SeriesTables::holding_back(std::size_t count_max) const {
    std::vector<std::pair<std::int64_t, std::int64_t>> oldest;
    for (const auto& [check, open] : open_) {
        if (open.first_row != 0) oldest.emplace_back(open.first_row, check);
    }
    const auto count = std::min(oldest.size(), count_max);
    const auto end = oldest.begin() + static_cast<std::ptrdiff_t>(count);
    std::partial_sort(oldest.begin(), end, oldest.end());
    std::vector<std::int64_t> checks;
    for (auto each = oldest.begin(); each != end; ++each) checks.push_back(each->second);
    return checks;
}

Status SeriesTables::fold_checks(Database& database, const std::vector<std::int64_t>& checks) {
    auto transaction = PICKET_TRY(Transaction::begin(database));
    std::vector<Folded> folded;
    for (const std::int64_t check : checks) {
        const auto open = open_.find(check);
        if (open == open_.end()) continue;  // Forgotten meanwhile.
        const bool full = open->second.series.count() >= chunk_entries;
        PICKET_TRY(full ? seal(check, open->second) : save(check, open->second));
        folded.push_back({check, full});
    }
    PICKET_TRY(transaction.commit());
    for (const Folded& each : folded) {
        Open& open = open_.at(each.check);
        open.first_row = 0;
        if (each.sealed) open_.erase(each.check);
    }
    return {};
}

Result<Head> SeriesTables::head_of(std::int64_t check) {
    auto& find = statements_.find_head.bind(check);
    if (!PICKET_TRY(find.step())) return Head{};
    auto head = decode_head(find.blob(0));
    find.reset();
    return head;
}

Status SeriesTables::put_head(std::int64_t check, const Head& head) {
    return statements_.put_head.bind(check, last_row_, Blob{encode_head(head)}).run();
}

Status SeriesTables::seal(std::int64_t check, const Open& open) {
    Head head = PICKET_TRY(head_of(check));
    const std::vector<Entry> entries = open.series.entries();
    std::span<const Entry> rest(entries);
    while (!rest.empty()) {
        const auto chunk = rest.first(std::min(rest.size(), chunk_entries_max));
        const auto [first, last] =
            std::minmax_element(chunk.begin(), chunk.end(),
                                [](const Entry& a, const Entry& b) { return a.at_ms < b.at_ms; });
        PICKET_TRY(
            statements_.insert_chunk
                .bind(check, first->at_ms, last->at_ms, chunk.size(), Blob{encode_chunk(chunk)})
                .run());
        rest = rest.subspan(chunk.size());
    }
    for (const Tier tier : tiers) {
        PICKET_TRY(rollups_.add(check, tier, sum_up(tier, head.last_sealed, entries),
                                head.blocks.at(static_cast<std::size_t>(tier))));
    }
    head.last_sealed = entries.back();
    head.series = {};
    return put_head(check, head);
}

Status SeriesTables::save(std::int64_t check, const Open& open) {
    Head head = PICKET_TRY(head_of(check));
    head.series = open.series;
    return put_head(check, head);
}

Status SeriesTables::trim(Database& database) {
    // The newest row stays: its number must not be given again.
    std::int64_t needed = last_row_;
    for (const auto& [check, open] : open_) {
        if (open.first_row != 0) needed = std::min(needed, open.first_row);
    }
    rows_since_trim_ = 0;
    if (rows_.empty() || rows_.front().first >= needed) return {};
    if (rows_.size() > trimmed_rows_max && rows_[trimmed_rows_max].first < needed) {
        needed = rows_[trimmed_rows_max].first;
        rows_since_trim_ = rows_per_trim;  // There is more, behind the next commit.
    }
    auto transaction = PICKET_TRY(Transaction::begin(database));
    PICKET_TRY(statements_.delete_rows.bind(needed).run());
    PICKET_TRY(transaction.commit());
    while (!rows_.empty() && rows_.front().first < needed) {
        row_entries_ -= rows_.front().second;
        rows_.pop_front();
    }
    return {};
}

}  // namespace picket::storage
