#include "storage/row_reading.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/base/limits.h"
#include "agent/base/text.h"

namespace picket::storage {

namespace {

// Years 0 to 9999: what format_time can write, and far from overflow.
constexpr std::int64_t milliseconds_min = -62'167'219'200'000;
constexpr std::int64_t milliseconds_max = 253'402'300'799'999;

Result<checks::Finding> finding_column(const Statement& row, int column) {
    const auto value = row.integer(column);
    if (value < 0 || value > static_cast<std::int64_t>(checks::Finding::errored)) {
        return tl::make_unexpected(row.corrupt(fmt::format("no finding {}", value)));
    }
    return static_cast<checks::Finding>(value);
}

}  // namespace

WallTime time_column(const Statement& row, int column) {
    return from_milliseconds(std::clamp(row.integer(column), milliseconds_min, milliseconds_max));
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

Result<OutcomeRecord> outcome_row(const Statement& row) {
    OutcomeRecord outcome;
    outcome.at = time_column(row, 0);
    outcome.finding = PICKET_TRY(finding_column(row, 1));
    outcome.failure_class = PICKET_TRY(failure_class_column(row, 2));
    outcome.latency = Duration(row.integer(3));
    outcome.message = text_column(row, 4);
    return outcome;
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
