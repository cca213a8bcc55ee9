// TableExport: history as plain tables of SQLite, for whoever has no picket.
//
// Not picket's own file: that one is packed. Times are milliseconds since 1970, durations
// microseconds, what is absent is NULL or empty. The tables are in table_export.cpp and
// docs/HISTORY.md; their names are promises.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "storage/database.h"
#include "storage/export_target.h"

namespace picket::storage {

class TableExport : public ExportTarget {
public:
    // Rows of a transaction: a bound for the memory, and for what a kill leaves.
    static constexpr std::uint64_t rows_per_commit = 20'000;

    // Requires an empty file, or none.
    static Result<TableExport> create(const std::string& path);

    Status check(const std::string& name) override;
    Status outcome(const OutcomeRecord& outcome) override;
    Status gap(const Gap& gap) override;
    Status hour(const RollupPoint& hour) override;
    Status transition(const Transition& transition) override;
    Status outage(const Outage& outage) override;
    Status finish() override;

private:
    struct Statements {
        Statement check;
        Statement outcome;
        Statement gap;
        Statement hour;
        Statement transition;
        Statement outage;
    };

    TableExport(Database database, Statements statements, Transaction transaction)
        : database_(std::move(database)),
          statements_(std::move(statements)),
          transaction_(std::move(transaction)) {}

    Status run(Statement& statement);

    // In this order: statements and transactions must not outlive their database.
    Database database_;
    Statements statements_;
    std::optional<Transaction> transaction_;
    std::int64_t check_ = 0;
    std::uint64_t rows_ = 0;
};

}  // namespace picket::storage
