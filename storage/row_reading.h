// Row reading: columns as picket's values, for every reader of the tables.
//
// A stored number that means nothing is corrupt, never undefined; text is made fit
// to be shown, since a flipped byte may have made it something else.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "checks/outcome.h"
#include "storage/database.h"
#include "storage/entry.h"
#include "storage/latency_sketch.h"
#include "storage/records.h"
#include "storage/rollup.h"

namespace picket::storage {

WallTime time_column(const Statement& row, int column);
std::optional<WallTime> time_column_if_any(const Statement& row, int column);
std::string text_column(const Statement& row, int column);
Result<checks::FailureClass> failure_class_column(const Statement& row, int column);

// `words` of its message, as the column has them (wording.h).
OutcomeRecord outcome_of(const Entry& entry, std::string_view words);

// What a stretch of time adds up to. A clock that stepped back may have observed more of it than
// there is.
RollupPoint rollup_point(std::int64_t from_ms, std::int64_t to_ms, const Totals& totals,
                         const LatencySketch& sketch);

// The columns that each of the readers below expects, for a SELECT.

constexpr const char* transition_columns =
    "at_ms, epoch, state, outage_scope, since_ms, first_failure_ms, failure_class, message";
Result<Transition> transition_row(const Statement& row, const std::string& check);

constexpr const char* outage_columns =
    "c.name, o.epoch, o.scope, o.opened_ms, o.closed_ms, o.first_failure_ms, o.failure_class, "
    "o.message";
constexpr const char* outage_tables = "outages AS o JOIN checks AS c ON c.id = o.check_id";
Result<Outage> outage_row(const Statement& row);

}  // namespace picket::storage
