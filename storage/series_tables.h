// SeriesTables: outcomes on their way from the journal into chunks and rollups.
//
// A commit writes its outcomes as one row of the journal. In memory they join the open
// series of their checks, some four bytes each. When a check has `chunk_entries` of
// them, fold() seals them: a chunk, the rollups they add up to, and the check's head,
// which says up to which row of the journal its outcomes are elsewhere. A row of the
// journal that no check needs any more is deleted; when it grows beyond its limits, the
// checks that hold it back have their open series saved in their heads.
//
// So an outcome is, at any moment, in exactly one of: a chunk, its check's head, or the
// rows of the journal after the one that the head names. A killed process finds all
// that was committed by reading heads and journal.
//
// Nothing in memory changes before the commit that it tells of.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "storage/database.h"
#include "storage/head.h"
#include "storage/journal.h"
#include "storage/rollup_tables.h"

namespace picket::storage {

class SeriesTables {
public:
    static constexpr std::size_t chunk_entries = 512;
    // In one transaction, so that the write-ahead log keeps its bound.
    static constexpr std::size_t folds_max = 64;
    // Likewise: some fifty pages of the journal, all of which are changed in being given back.
    static constexpr std::size_t trimmed_rows_max = 1'024;
    // The journal holds chunk_entries for each check, but never more or less than this.
    static constexpr std::size_t journal_entries_min = 65'536;
    static constexpr std::size_t journal_entries_max = 524'288;
    static constexpr std::size_t journal_rows_max = 16'384;

    // Reads what is open.
    static Result<SeriesTables> create(Database& database);

    // Writes one row of the journal, within the caller's transaction, and returns its
    // number. Sorts the entries.
    Result<std::int64_t> write(std::vector<JournalEntry>& entries);

    // That transaction was committed.
    void on_committed(std::int64_t row, const std::vector<JournalEntry>& entries);

    // One bounded transaction of what is due, if anything is.
    Status fold(Database& database);
    bool fold_due() const;
    // Seals and saves all that is open: for a copy of the file, or tests.
    Status fold_all(Database& database);

    // The check is gone from the tables.
    void forget(std::int64_t check);

    const OpenSeries* open_series(std::int64_t check) const;

private:
    struct Open {
        OpenSeries series;
        std::int64_t first_row = 0;  // Of the journal, that this needs; 0: none.
    };
    struct Statements {
        Statement insert_row, delete_rows, insert_chunk, find_head, put_head;
    };
    // What a committed fold has done to a check.
    struct Folded {
        std::int64_t check;
        bool sealed;
    };

    SeriesTables(Statements statements, RollupTables rollups)
        : statements_(std::move(statements)), rollups_(std::move(rollups)) {}

    Status load(Database& database);
    Status load_heads(Database& database);
    Status load_journal(Database& database);
    Result<Head> head_of(std::int64_t check);
    Status put_head(std::int64_t check, const Head& head);
    Status seal(std::int64_t check, const Open& open);
    Status save(std::int64_t check, const Open& open);
    Status fold_checks(Database& database, const std::vector<std::int64_t>& checks);
    bool journal_full() const;
    std::vector<std::int64_t> holding_back(std::size_t count_max) const;
    // Deletes the oldest rows of the journal that nobody needs, up to trimmed_rows_max.
    Status trim(Database& database);

    Statements statements_;
    RollupTables rollups_;
    std::unordered_map<std::int64_t, Open> open_;
    std::deque<std::int64_t> due_;                           // Checks that reached chunk_entries.
    std::deque<std::pair<std::int64_t, std::size_t>> rows_;  // Number, entries; by number.
    std::size_t row_entries_ = 0;
    std::int64_t last_row_ = 0;
    std::size_t rows_since_trim_ = 0;
    bool letting_go_ = false;  // Until the journal is well below its limits.
    std::unordered_map<std::int64_t, std::int64_t> saved_rows_;  // While loading.
};

}  // namespace picket::storage
