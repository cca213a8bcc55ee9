// Heartbeats: what jobs have said of themselves, and what it is worth. Pure.
//
// A job signals that it started, succeeded or failed. The heartbeat passes while
// the last end was a success not longer ago than period and grace; it fails from a
// failure to the next success, when a success is overdue, and when a job that
// started does not end. Before the first signal nothing is known until the first
// success would have been due, counted from when this agent first knew the check.
//
// Times are wall clock: a job that is due once a day is due across restarts.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "checks/outcome.h"
#include "checks/types/heartbeat.h"

namespace picket::checks {

enum class SignalKind : std::uint8_t { start, success, fail };

struct Signal {
    SignalKind kind = SignalKind::success;
    int exit_code = 0;    // Of a failure; 0: none was told.
    std::string message;  // A line that the job adds; may be empty.
};

struct Heartbeat {
    WallTime known_since;
    std::optional<WallTime> success{};  // The last one.
    std::optional<WallTime> ended{};    // The last success or failure.
    std::optional<WallTime> started{};  // Of a run that has not ended.
    std::optional<Duration> runtime{};  // Of the last run whose start was told.
    bool failing = false;               // The last end was a failure.
    int exit_code = 0;
    std::string message{};

    bool operator==(const Heartbeat&) const = default;
};

// What the heartbeat is after the signal.
Heartbeat after_signal(Heartbeat before, const Signal& signal, WallTime now);

Outcome judge_heartbeat(const HeartbeatQuery& query, const Heartbeat& heartbeat, WallTime now);

// When time alone will change what it is worth; nothing where it will not.
std::optional<WallTime> changes_at(const HeartbeatQuery& query, const Heartbeat& heartbeat,
                                   WallTime now);

// One line, and back.
std::string write_heartbeat(const Heartbeat& heartbeat);
Result<Heartbeat> parse_heartbeat(std::string_view text);

// What is known of every heartbeat of this agent, by the check's name in the mesh.
class HeartbeatBook {
public:
    using OnChange = std::function<void(const std::string& name, const Heartbeat& heartbeat)>;

    // `on_change` is called with whatever is to be kept; from within the calls below.
    explicit HeartbeatBook(OnChange on_change) : on_change_(std::move(on_change)) {}

    // Takes over what was kept, where it is of its form and no signal came since.
    void restore(const std::string& name, std::string_view kept);

    // What is known; a name that is not is known from `now` on.
    const Heartbeat& get(const std::string& name, WallTime now);

    void on_signal(const std::string& name, const Signal& signal, WallTime now);

    // Hands over everything that is to be kept once more.
    void tell_all() const;

private:
    OnChange on_change_;
    std::map<std::string, Heartbeat, std::less<>> heartbeats_;
};

}  // namespace picket::checks
