// The two clocks, kept apart by type.
//
// Nothing below agent/io reads a clock: time comes in as an argument named
// `now`, and leaves as a deadline. That is what lets a test run an hour of mesh
// in a few milliseconds, twice, with the same result.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace picket {

// picket counts in microseconds.
using Duration = std::chrono::microseconds;

// Never goes back, means nothing on another machine: timeouts and latencies.
struct Monotonic {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<Monotonic>;
    static constexpr bool is_steady = true;
};

using Instant = Monotonic::time_point;

// Comparable between machines, may jump: history rows and what people read.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

// Never: what next_wakeup() returns when there is nothing to wait for.
constexpr Instant never = Instant::max();

// Parses `[0-9]+(ms|s|m|h|d)`, repeated: "10s", "1h30m". Returns invalid for
// anything else, and for more than 100 years.
Result<Duration> parse_duration(std::string_view text);

// Writes what parse_duration reads, in the fewest units: "10s", "1m30s", "800ms".
// Parts of a millisecond are dropped.
std::string format_duration(Duration duration);

// RFC 3339, UTC, milliseconds: "2026-11-23T03:00:00.123Z".
std::string format_time(WallTime time);
Result<WallTime> parse_time(std::string_view text);

// A time, or a duration: how long before `now`.
Result<WallTime> parse_moment(WallTime now, std::string_view text);

// Whole units since the epoch, as SQLite and JSON hold them.
constexpr std::int64_t to_milliseconds(WallTime time) {
    return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
}
constexpr WallTime from_milliseconds(std::int64_t milliseconds) {
    return WallTime(std::chrono::milliseconds(milliseconds));
}

constexpr double to_seconds(Duration duration) {
    return static_cast<double>(duration.count()) / 1e6;
}
constexpr double to_milliseconds(Duration duration) {
    return static_cast<double>(duration.count()) / 1e3;
}

}  // namespace picket
