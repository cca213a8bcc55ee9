// Retention: deletes what is too old or too much, a little at a time.
//
// A pass reads some pages of the file over, for damage that nobody has met yet; walks over
// all checks, then over their keys (load.h), then over the messages; then gives free pages back
// to the file system. One step() is one transaction over a bounded number of rows, which moves
// at most retention_step_pages_max pages, so that writing never waits for long: whoever calls
// spreads the steps. It waits beside the loop (recorder.h), so a probe does not wait at all.
//
// Outcomes go as whole chunks, rollups as whole blocks, once all they hold is too old.
//
// The byte budget wins over the ages: while the file holds more than
// `size_bytes_max`, each pass moves the horizon before which outcomes and rollups go a
// fiftieth of what is stored closer to the present, for all checks alike; rollups by the
// hour only once there is no outcome left to go. What cannot go, because it is still written
// to, does not keep it from ending. Facts go by age only;
// an open outage never goes, nor does the verdict of a check that is still asked. The key of a
// check goes once nothing else is stored of it.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "storage/rollup.h"

namespace picket::storage {

class Database;
class OpenSeries;
class SeriesTables;

struct RetentionLimits {
    Duration outcomes_age = std::chrono::days(30);
    Duration minutes_age = std::chrono::days(2);  // Rollups.
    Duration five_minutes_age = std::chrono::days(14);
    Duration hours_age = std::chrono::days(400);
    Duration facts_age = std::chrono::days(400);
    std::int64_t size_bytes_max = std::int64_t{1} << 30;

    std::int64_t rows_per_step_max = 256;  // Deleted, but messages and keys of checks.
    std::int64_t checks_per_step_max = 64;
    std::int64_t check_keys_per_step_max = 32;  // Looked at, as the messages.
    std::int64_t messages_per_step_max = 256;
    std::int64_t pages_per_step_max = 64;
    std::int64_t free_pages_max = 256;  // Kept for what is written next.
    // Read over with each pass: at one each ten minutes, 90 MB in eight hours.
    std::int64_t checked_pages_max = 512;
};

// What one step reads and writes at most with these limits, 2 MiB.
constexpr std::int64_t retention_step_pages_max = 512;

struct Pruned {
    std::int64_t rows = 0;
    bool more = false;         // The pass is not over: call again soon.
    bool ids_changed = false;  // Checks or messages went: cached ids may be stale.
};

class Retention {
public:
    Result<Pruned> step(Database& database, SeriesTables& series, WallTime now,
                        const RetentionLimits& limits);

private:
    enum class Phase : std::uint8_t { damage, checks, check_keys, messages, pages };

    // Returns corrupt where a page is damaged.
    Result<Pruned> step_damage(Database& database, const RetentionLimits& limits);
    Status step_checks(Database& database, SeriesTables& series, const RetentionLimits& limits,
                       Pruned& pruned);
    Status step_check(Database& database, SeriesTables& series, const RetentionLimits& limits,
                      Pruned& pruned);
    Status step_series(Database& database, const RetentionLimits& limits, Pruned& pruned);
    Status step_facts(Database& database, const RetentionLimits& limits, Pruned& pruned);
    // Whether the check has anything left; what it has is noted for the byte budget.
    Result<bool> has_series(Database& database, const OpenSeries* open);
    Status step_check_keys(Database& database, const RetentionLimits& limits, Pruned& pruned);
    Status step_messages(Database& database, const RetentionLimits& limits, Pruned& pruned);
    Status step_pages(Database& database, const RetentionLimits& limits, Pruned& pruned);
    void begin_pass(WallTime now, const RetentionLimits& limits);

    Phase phase_ = Phase::damage;
    bool in_pass_ = false;
    std::int64_t now_ms_ = 0;            // Of this pass.
    std::int64_t horizon_ms_ = 0;        // Of this pass: older outcomes go.
    std::int64_t facts_horizon_ms_ = 0;  // Older facts go.
    std::int64_t cursor_ = 0;            // The last check, or message, that is done.
    std::string key_cursor_;             // Likewise, of the keys of checks.
    std::array<std::int64_t, tiers.size()> tier_horizons_ms_{};  // Older rollups go.
    std::int64_t oldest_ms_ = 0;  // Of the outcomes that stay, as far as seen.
    std::int64_t newest_ms_ = 0;
    std::int64_t oldest_block_ms_ = 0;  // Likewise, of the rollups by the hour.
    std::int64_t newest_block_ms_ = 0;
    bool outcomes_left_ = false;      // Some check has more than its newest chunk.
    bool only_hours_left_ = false;    // The pass before found none.
    std::vector<std::int64_t> gone_;  // Checks, with the transaction under way.
    std::int64_t next_page_ = -1;     // To be read over; -1: nobody has begun yet.
    std::int64_t pages_checked_ = 0;  // In this pass.
    // Where the byte budget has pushed the horizon; far in the past while it is kept.
    std::int64_t size_horizon_ms_ = INT64_MIN;
};

}  // namespace picket::storage
