// History views: what is stored of a check, as plain values. The rules of snapshot.h hold.
//
// What nobody observed is a state of its own in all of them: no agent ran, it was unfit, it
// was maintenance, or the check was not there yet. It counts as neither up nor down.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/time.h"
#include "checks/outcome.h"

namespace picket::api {

constexpr std::size_t history_points_max = 2'000;
// Where nothing is said of the beginning.
constexpr Duration history_window_default = std::chrono::hours(1);
constexpr Duration availability_window_default = std::chrono::days(30);

struct HistoryQuery {
    std::string check;
    WallTime from;
    WallTime to;
    // Into how many slots the window is cut at most, where it holds more than
    // history_points_max outcomes. At least 1, at most history_points_max.
    std::size_t slots_max = history_points_max;
    bool raw = false;  // Never slots: of too many outcomes the newest.
};

// One outcome; or, with `not_observed_until`, a stretch in which nobody looked, and in
// `message` why, where that was said.
struct HistoryPoint {
    WallTime at;
    checks::Finding finding = checks::Finding::passed;
    checks::FailureClass failure_class = checks::FailureClass::none;
    Duration latency{0};
    std::string message{};
    std::optional<WallTime> not_observed_until{};

    bool observed() const { return !not_observed_until.has_value(); }
};

// Of outcomes that passed.
struct LatencyView {
    Duration mean{0};
    Duration p50{0};
    Duration p95{0};
    Duration p99{0};
};

// What a part of the window adds up to.
struct HistorySlot {
    WallTime at;
    std::uint64_t passed = 0;
    std::uint64_t failed = 0;
    std::uint64_t errored = 0;
    Duration not_observed{0};
    std::optional<LatencyView> latency{};  // Absent where nothing passed.
};

// A confirmed outage that touches the window.
struct OutageSpan {
    std::string id;
    std::string scope;
    WallTime opened_at;
    std::optional<WallTime> closed_at{};

    bool partial() const { return scope == "partial"; }
};

struct HistoryView {
    std::string check;
    WallTime from;
    WallTime to;
    bool truncated = false;             // More than history_points_max: the newest are shown.
    std::vector<HistoryPoint> points;   // Oldest first; empty where there are slots.
    Duration resolution{0};             // Of a slot; 0: these are single outcomes.
    std::vector<HistorySlot> slots{};   // Oldest first, without holes.
    std::vector<OutageSpan> outages{};  // Oldest first.
};

struct AvailabilityQuery {
    std::vector<std::string> checks{};  // Empty: all that are stored.
    WallTime from;
    WallTime to;
    std::optional<double> slo{};     // Percent; absent: the definition's, where it is known.
    WallTime now = WallTime::max();  // Nobody has observed what comes after it.
};

// How much of what an objective allows was used.
struct BudgetView {
    double slo = 0;  // Percent.
    Duration allowed{0};
    Duration spent{0};

    // Of the budget; below 0 where more was spent than allowed.
    double remaining() const { return 1 - to_seconds(spent) / to_seconds(allowed); }
};

// How many times faster than it may the budget was spent lately; absent where nobody looked.
struct BurnView {
    Duration window{0};
    std::optional<double> rate{};
};

// up + partial + down + not_observed is the window.
struct AvailabilityView {
    std::string check;
    WallTime from;  // The window as it could be answered.
    WallTime to;
    Duration up{0};
    Duration partial{0};  // Down for some of the zones.
    Duration down{0};
    Duration not_observed{0};
    std::uint64_t outages = 0;  // That touch the window.
    std::uint64_t passed = 0;   // Of this agent's own outcomes.
    std::uint64_t failed = 0;
    std::uint64_t errored = 0;
    std::optional<LatencyView> latency{};
    std::optional<BudgetView> budget{};
    std::vector<BurnView> burn{};  // Shortest window first; empty without an objective.

    // What counts against an objective: half of the time that was partially down.
    Duration bad() const { return down + partial / 2; }
    // Of the time that was observed, from 0 to 1; absent where none was.
    std::optional<double> availability() const;
};

struct AvailabilitiesView {
    std::vector<AvailabilityView> checks;  // By name.
};

// An outage as it was decided, or as other definitions would have decided it.
struct DecidedSpan {
    WallTime from;
    std::optional<WallTime> to{};  // Absent: open at the end of the window.
    std::string id{};              // Of one that was decided.
    checks::FailureClass failure_class = checks::FailureClass::none;
    std::string message{};
};

// Outages that overlap are about the same; one of the two is absent where only the other
// decided so.
struct ReplayRow {
    std::optional<DecidedSpan> decided{};
    std::optional<DecidedSpan> replayed{};
};

// A limit that some outcomes could not be held against, for nothing stored decides it.
struct UntoldLimit {
    std::string key;  // Of the definition.
    std::uint64_t outcomes = 0;
};

// What a definition would have made of the outcomes stored.
struct ReplayView {
    std::string check;
    WallTime from;
    WallTime to;
    bool stored = true;  // Anything at all, under this name.
    std::uint64_t outcomes = 0;
    std::uint64_t judged_otherwise = 0;  // Outcomes that its limits turn into another finding.
    std::uint64_t attempts_assumed = 0;  // Attempts that nobody made at the time.
    std::uint64_t asked_otherwise = 0;   // Outcomes of another interval than the definition's.
    std::vector<UntoldLimit> untold{};   // By key.
    std::uint64_t decided_outages = 0;
    std::uint64_t replayed_outages = 0;
    Duration decided_down{0};  // Of the time that was observed.
    Duration replayed_down{0};
    Duration not_observed{0};
    bool meshed = false;  // A mesh decided; the replay has this agent's outcomes only.
    std::vector<ReplayRow> rows{};
};

}  // namespace picket::api
