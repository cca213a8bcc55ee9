// OpenJournal: what the journal holds of all checks, read once.
//
// A row of the journal holds outcomes of many checks, so whoever asks about each of a thousand
// would read all of it a thousand times. Here it is read once, and kept as packed as in the
// agent that wrote it: some four bytes an outcome, two to three megabytes at most.

#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "agent/base/result.h"
#include "storage/database.h"
#include "storage/series.h"

namespace picket::storage {

class OpenJournal {
public:
    // Requires that one view of the file is held, for as long as what it gives is used with
    // anything else of the file.
    static Result<OpenJournal> read(Database& database);

    // Adds those of the check that are neither in a chunk nor in its head.
    void add_to(std::int64_t check, std::vector<Entry>& entries) const;

private:
    std::unordered_map<std::int64_t, OpenSeries> series_;
};

}  // namespace picket::storage
