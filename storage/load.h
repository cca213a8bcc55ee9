// Load: what an agent wants back when it starts.

#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "storage/records.h"

namespace picket::storage {

class Database;
class SeriesTables;

struct Loaded {
    std::vector<StoredCheck> checks;   // Sorted by name; the newest limits::checks_max.
    std::vector<Outage> open_outages;  // Oldest first; at most limits::checks_max.
    std::map<std::string, std::string> agent_facts;  // Without the keys of checks.
    std::vector<MeshRecord> mesh_records;  // By kind, then key; none that is past its time.
};

// Facts "check_key/NAME" tell those who read the file which key the records of a check have
// (agent/api/stored_records.h). The agent does not want them back, and retention lets them go.
constexpr std::string_view check_keys_begin = "check_key/";
constexpr std::string_view check_keys_end = "check_key0";  // The first text that is none.

// How far back, and how finely, StoredCheck::recent reaches. Buckets begin at whole
// multiples of their length.
constexpr Duration recent_span = std::chrono::hours(1);
constexpr Duration recent_bucket = std::chrono::minutes(2);

// Beyond this many, by kind and key, the rest stays on disk.
constexpr std::size_t mesh_records_max = 100'000;

// Requires that `series` is what is open in the same file.
Result<Loaded> load(Database& database, const SeriesTables& series, WallTime now);

}  // namespace picket::storage
