// Retention: deletes what is too old or too much, a little at a time.
//
// A pass walks over all checks, then over the messages, then gives free pages back
// to the file system. One step() is one transaction over a bounded number of rows,
// so that writing never waits for long; whoever calls spreads the steps.
//
// The byte budget wins over the ages: while the file holds more than
// `size_bytes_max`, each pass moves the horizon before which outcomes go a fiftieth
// of what is stored closer to the present, for all checks alike. Facts go by age only;
// an open outage never goes, nor does the verdict of a check that is still asked.

#pragma once

#include <cstdint>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "storage/database.h"

namespace picket::storage {

struct RetentionLimits {
    Duration outcomes_age = std::chrono::days(30);
    Duration facts_age = std::chrono::days(400);
    std::int64_t size_bytes_max = std::int64_t{1} << 30;

    std::int64_t rows_per_step_max = 500;  // Deleted, of each kind.
    std::int64_t checks_per_step_max = 64;
    std::int64_t messages_per_step_max = 500;  // Looked at.
    std::int64_t pages_per_step_max = 64;
    std::int64_t free_pages_max = 256;  // Kept for what is written next.
};

struct Pruned {
    std::int64_t rows = 0;
    bool more = false;         // The pass is not over: call again soon.
    bool ids_changed = false;  // Checks or messages went: cached ids may be stale.
};

class Retention {
public:
    Result<Pruned> step(Database& database, WallTime now, const RetentionLimits& limits);

private:
    enum class Phase : std::uint8_t { checks, messages, pages };

    Status step_checks(Database& database, const RetentionLimits& limits, Pruned& pruned);
    Status step_check(Database& database, const RetentionLimits& limits, Pruned& pruned);
    Status step_messages(Database& database, const RetentionLimits& limits, Pruned& pruned);
    Status step_pages(Database& database, const RetentionLimits& limits, Pruned& pruned);
    void begin_pass(WallTime now, const RetentionLimits& limits);

    Phase phase_ = Phase::checks;
    bool in_pass_ = false;
    std::int64_t now_ms_ = 0;            // Of this pass.
    std::int64_t horizon_ms_ = 0;        // Of this pass: older outcomes go.
    std::int64_t facts_horizon_ms_ = 0;  // Older facts go.
    std::int64_t cursor_ = 0;            // The last check, or message, that is done.
    std::int64_t oldest_ms_ = 0;         // Of the outcomes that stay, as far as seen.
    std::int64_t newest_ms_ = 0;
    // Where the byte budget has pushed the horizon; far in the past while it is kept.
    std::int64_t size_horizon_ms_ = INT64_MIN;
};

}  // namespace picket::storage
