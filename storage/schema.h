// Schema: the tables, and how a file of an older release becomes one of this.
//
// The file's user_version counts the migrations it has seen. They only go forward,
// each in a transaction of its own: a migration that fails leaves the file at the
// version before it. A file of an older release is migrated as a copy beside it, which
// takes its place when it is whole. A file of a newer release, or of another program, is
// refused and not touched.
//
// How outcomes are kept, in one page:
//
//   commit -> journal --(512 of a check)--> chunks    every outcome, compressed
//                 \                      \-> blocks    sums by minute, 5 minutes, hour
//                  \--(much waits)-----> heads         what of a check is still open
//
// A commit appends one row to `journal` with the newest outcomes of all checks: that is
// one page for the log, however many checks there are. In memory they gather by check;
// with 512 of them a check's series is sealed into a row of `chunks`, is added to the
// check's rollups, and its head says from which row of the journal on the rest is to be
// read. Blocks carry prefix sums: any window is two look-ups. Retention deletes whole
// rows, oldest first. Facts (transitions, outages, records of the mesh) are plain rows.

#pragma once

#include <cstdint>
#include <span>

#include "agent/base/result.h"
#include "storage/database.h"

namespace picket::storage {

struct Migration {
    std::int64_t version;  // What the file is at afterwards.
    const char* sql;
    // What SQL alone cannot do, in many transactions, and what follows it. Such a step
    // runs on a new file, or on a copy.
    Status (*convert)(Database& database) = nullptr;
    const char* sql_after = "";
};

// What this release knows, in order.
std::span<const Migration> migrations();

// Whether the file is older than this release, and has something to lose.
Result<bool> needs_migration(Database& database, std::span<const Migration> steps = migrations());

// Brings a file that was opened for writing to the newest version; a new file gets
// all its tables. Returns invalid, and changes nothing, where it is not ours.
Status prepare_schema(Database& database, std::span<const Migration> steps = migrations());

// Whether a reader of this release understands the file. Returns invalid if not, or corrupt
// where its header contradicts itself.
Status check_schema(Database& database, std::span<const Migration> steps = migrations());

}  // namespace picket::storage
