// Schema: the tables, and how a file of an older release becomes one of this.
//
// The file's user_version counts the migrations it has seen. They only go forward,
// each in a transaction of its own: a migration that fails leaves the file at the
// version before it. A file of a newer release, or of another program, is refused
// and not touched.

#pragma once

#include <cstdint>
#include <span>

#include "agent/base/result.h"
#include "storage/database.h"

namespace picket::storage {

struct Migration {
    std::int64_t version;  // What the file is at afterwards.
    const char* sql;
};

// What this release knows, in order.
std::span<const Migration> migrations();

// Brings a file that was opened for writing to the newest version; a new file gets
// all its tables. Returns invalid, and changes nothing, where it is not ours.
Status prepare_schema(Database& database, std::span<const Migration> steps = migrations());

// Whether a reader of this release understands the file. Returns invalid if not.
Status check_schema(Database& database, std::span<const Migration> steps = migrations());

}  // namespace picket::storage
