#include "storage/row_reading.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "storage/wording.h"

namespace picket::storage {

WallTime time_column(const Statement& row, int column) {
    return from_milliseconds(std::clamp(row.integer(column), at_ms_min, at_ms_max));
}

std::optional<WallTime> time_column_if_any(const Statement& row, int column) {
    if (!row.integer_if_any(column)) return std::nullopt;
    return time_column(row, column);
}

std::string text_column(const Statement& row, int column) {
    return printable_line(row.text(column), limits::message_bytes_max);
}

Result<checks::FailureClass> failure_class_column(const Statement& row, int column) {
    const auto value = row.integer(column);
    if (value < 0 || value > static_cast<std::int64_t>(checks::FailureClass::local)) {
        return tl::make_unexpected(row.corrupt(fmt::format("no failure class {}", value)));
    }
    return static_cast<checks::FailureClass>(value);
}

OutcomeRecord outcome_of(const Entry& entry, std::string_view words) {
    OutcomeRecord outcome;
    outcome.at = from_milliseconds(entry.at_ms);
    if (entry.profile.state != PointState::not_observed) {
        outcome.finding = static_cast<checks::Finding>(entry.profile.state);
    }
    outcome.failure_class = entry.profile.failure_class;
    outcome.latency = Duration(entry.latency_us());
    outcome.message = join(words, entry.figures, outcome.latency);
    return outcome;
}

RollupPoint rollup_point(std::int64_t from_ms, std::int64_t to_ms, const Totals& totals,
                         const LatencySketch& sketch) {
    RollupPoint point;
    point.at = from_milliseconds(from_ms);
    point.length = std::chrono::milliseconds(to_ms - from_ms);
    point.passed = totals.passed;
    point.failed = totals.failed;
    point.errored = totals.errored;
    point.observed =
        std::min<Duration>(std::chrono::milliseconds(totals.observed_ms), point.length);
    if (totals.passed > 0) point.latency_mean = Duration(totals.latency_us / totals.passed);
    if (sketch.count() > 0) {
        point.p50 = Duration(sketch.quantile(0.50));
        point.p95 = Duration(sketch.quantile(0.95));
        point.p99 = Duration(sketch.quantile(0.99));
    }
    return point;
}

Result<Transition> transition_row(const Statement& row, const std::string& check) {
    Transition transition;
    transition.check = check;
    transition.at = time_column(row, 0);
    transition.epoch = static_cast<std::uint32_t>(row.integer(1));
    transition.state = text_column(row, 2);
    transition.outage_scope = text_column(row, 3);
    transition.since = time_column_if_any(row, 4);
    transition.first_failure = time_column_if_any(row, 5);
    transition.failure_class = PICKET_TRY(failure_class_column(row, 6));
    transition.message = text_column(row, 7);
    return transition;
}

Result<Outage> outage_row(const Statement& row) {
    Outage outage;
    outage.check = text_column(row, 0);
    outage.epoch = static_cast<std::uint32_t>(row.integer(1));
    outage.scope = text_column(row, 2);
    outage.opened = time_column(row, 3);
    outage.closed = time_column_if_any(row, 4);
    outage.first_failure = time_column(row, 5);
    outage.failure_class = PICKET_TRY(failure_class_column(row, 6));
    outage.message = text_column(row, 7);
    return outage;
}

}  // namespace picket::storage
