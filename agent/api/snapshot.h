// Snapshot: what the local API shows, as plain values.
//
// The agent fills these on the loop when somebody asks; the API turns them into
// the JSON documents of docs/API.md and knows nothing else about the agent. A
// member carries the name of its JSON field; a WallTime becomes `name`, a
// Duration `name_seconds` or `name_ms`.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/time.h"
#include "checks/outcome.h"

namespace picket::api {

struct AgentView {
    std::string name;
    std::string zone;
    bool fit = true;
    std::string unfit_reason;  // Empty: null.
    Duration uptime{0};
    std::vector<std::string> problems;  // Each like a line of `validate`.
    // What was dropped, skipped or held back since the start, by its documented name.
    std::vector<std::pair<std::string, std::uint64_t>> counters;
};

struct MeshView {
    std::uint32_t alive = 1;
    std::uint32_t suspect = 0;
    std::uint32_t failed = 0;
    std::uint32_t left = 0;
    std::uint32_t reference = 1;
    bool quorum = true;
};

struct LastView {
    checks::Outcome outcome;
    WallTime at;
};

struct CheckView {
    std::string name;
    std::string type;
    std::string scope;
    std::string state;         // up, degraded, down, unknown, pending
    std::string outage_scope;  // total or partial while down; empty: null.
    std::uint32_t epoch = 0;
    std::optional<WallTime> since;
    std::vector<std::string> panel;
    std::uint32_t ok = 0;
    std::uint32_t fail = 0;
    std::uint32_t abstain = 0;
    std::vector<std::string> zones_failing;
    std::optional<LastView> last;
    std::string problem;  // Why it is not being asked; empty: null.
    // The last hour, 30 characters, two minutes each, oldest first: '0' to '7' for
    // passed, by latency against the slowest of the hour; '!' something failed;
    // '?' only errored; '-' not asked.
    std::string sparkline;
};

constexpr std::size_t sparkline_length = 30;

struct OutageView {
    std::string id;
    std::string check;
    std::string state;  // open or closed
    std::string scope;
    WallTime opened_at;
    std::optional<WallTime> closed_at;
    WallTime first_failure_at;
    checks::FailureClass failure_class = checks::FailureClass::none;
    std::string message;
};

struct OutagesQuery {
    bool open_only = false;
    std::optional<WallTime> since;  // Those open at this time or later.
};

struct OutagesView {
    bool truncated = false;           // More than outages_max: the newest are shown.
    std::vector<OutageView> outages;  // Newest first.
};

constexpr std::size_t outages_max = 1'000;

struct VoteView {
    std::string agent;
    std::string zone;
    std::string vote;  // ok, fail or abstain
    checks::FailureClass failure_class = checks::FailureClass::none;
    std::string message;
    WallTime at;
};

// Counts include the agent that asked.
struct RollCallView {
    std::uint32_t asked = 1;
    std::uint32_t answered = 1;
    std::uint32_t needed = 1;
};

struct TimelineEntry {
    WallTime at;
    std::string agent;
    std::string event;
};

// One outage in full.
struct OutageDetailView {
    OutageView outage;
    std::vector<VoteView> votes;
    RollCallView roll_call;
    std::vector<TimelineEntry> timeline;  // Newest last.
};

struct MemberView {
    std::string name;
    std::string address;  // Of its gossip; empty: null.
    std::string zone;
    std::string state;                // alive, suspect, failed, left
    std::optional<WallTime> since{};  // Of the state, as this agent saw it.
    std::uint64_t incarnation = 0;
    bool picket = true;  // Not merely something that speaks the same gossip.
    std::string version;
    bool fit = true;
    std::optional<std::uint32_t> checks{};  // Absent where this agent does not know.
};

struct StatusView {
    AgentView agent;
    MeshView mesh;
    std::vector<CheckView> checks;    // Sorted by name.
    std::vector<OutageView> outages;  // Open ones.
};

// One check with everything known about it.
struct ShowView {
    CheckView check;
    std::vector<std::pair<std::string, std::string>> definition;  // key -> value as in the file.
    std::vector<TimelineEntry> timeline;                          // Newest last.
    std::optional<double> latency_p50_ms, latency_p95_ms, latency_p99_ms;  // Of the last hour.
    std::string zone;  // Of this agent, the only witness so far.
    std::string agent;
};

struct HistoryQuery {
    std::string check;
    WallTime from;
    WallTime to;
};

// Where nothing is said of the beginning.
constexpr Duration history_window_default = std::chrono::hours(1);

struct HistoryPoint {
    WallTime at;
    checks::Finding finding = checks::Finding::passed;
    checks::FailureClass failure_class = checks::FailureClass::none;
    Duration latency{0};
    std::string message;
};

struct HistoryView {
    std::string check;
    WallTime from;
    WallTime to;
    bool truncated = false;            // More than history_points_max: the newest are shown.
    std::vector<HistoryPoint> points;  // Oldest first.
};

constexpr std::size_t history_points_max = 2'000;

enum class EventType : std::uint8_t { membership, verdict, outage, reload, problem };

constexpr std::string_view to_text(EventType type) {
    switch (type) {
        case EventType::membership:
            return "membership";
        case EventType::verdict:
            return "verdict";
        case EventType::outage:
            return "outage";
        case EventType::reload:
            return "reload";
        case EventType::problem:
            break;
    }
    return "problem";
}

struct Event {
    WallTime at;
    EventType type = EventType::problem;
    std::string check;  // Empty: absent.
    std::string agent;  // Empty: absent.
    std::string from;
    std::string to;
    std::string message;
};

constexpr std::size_t events_kept_max = 512;

struct ReloadView {
    std::uint32_t added = 0;
    std::uint32_t changed = 0;
    std::uint32_t removed = 0;
    std::uint32_t unchanged = 0;
    std::vector<std::string> problems;
};

}  // namespace picket::api
