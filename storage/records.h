// Records: what storage takes in and gives back, as plain values.
//
// Names, states and scopes are text as people read them ("homepage", "down",
// "total"); storage does not judge them. Times are wall clock, to the
// millisecond once stored.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/base/time.h"
#include "checks/definition.h"
#include "checks/outcome.h"

namespace picket::storage {

// One run of one check, as far as it is kept.
struct OutcomeRecord {
    WallTime at;
    checks::Finding finding = checks::Finding::passed;
    checks::FailureClass failure_class = checks::FailureClass::none;
    Duration latency{0};
    std::string message;  // Cut to limits::message_bytes_max when it is stored.
};

struct HistoryRow {
    std::string check;
    checks::Type type = checks::Type::http;
    OutcomeRecord outcome;
    // How often the check asks: an outcome speaks for the time until the next one, if
    // that comes within two intervals, and else for one. 0: unknown, and for none.
    Duration interval{0};
    // From `outcome.at` on nobody asks, until the next outcome: maintenance, an agent
    // that is unfit. The message says why; the rest of the outcome is not looked at.
    bool pause = false;
};

// A stretch in which nobody asked.
struct Gap {
    WallTime from;
    WallTime to;
    std::string reason;  // Empty where no outcome came and nobody said why.
};

// A point of a check's history: an outcome, or a pause.
struct HistoryPoint {
    OutcomeRecord outcome;
    Duration interval{0};
    bool pause = false;
};

// What a window adds up to.
struct WindowTotals {
    WallTime from;  // The window as it could be answered: whole slots, and no earlier
    WallTime to;    // than what is kept.
    std::uint64_t passed = 0;
    std::uint64_t failed = 0;
    std::uint64_t errored = 0;
    Duration observed{0};
    Duration not_observed{0};  // observed + not_observed = to - from.
    Duration latency_passed_total{0};
};

// One slot of a rollup. Slots in which nothing was observed are there too, empty.
struct RollupPoint {
    WallTime at;
    Duration length{0};
    std::uint64_t passed = 0;
    std::uint64_t failed = 0;
    std::uint64_t errored = 0;
    Duration observed{0};
    Duration latency_mean{0};
    // Of hours only.
    std::optional<Duration> p50;
    std::optional<Duration> p95;
    std::optional<Duration> p99;
};

// The mesh changed its mind about a check. The newest one is the verdict.
struct Transition {
    std::string check;
    WallTime at;
    std::uint32_t epoch = 0;
    std::string state;         // up, degraded, down, unknown, pending
    std::string outage_scope;  // total or partial; empty: no outage.
    std::optional<WallTime> since;
    std::optional<WallTime> first_failure;
    checks::FailureClass failure_class = checks::FailureClass::none;
    std::string message;
};

// A confirmed outage. Stored again when it changes or closes: one record for each
// (check, epoch), the last one given stands. Of scope, class and message what it leaves
// empty stays as it was: whoever learns of the end need not know how far it went.
struct Outage {
    std::string check;
    std::uint32_t epoch = 0;
    std::string scope;  // total or partial; empty: not known, total where nothing was stored.
    WallTime opened;
    std::optional<WallTime> closed;
    WallTime first_failure;
    checks::FailureClass failure_class = checks::FailureClass::none;
    std::string message;
};

// Something the agent wants back after a restart: its boot counter, its last clean
// stop. The last value of a key stands.
struct AgentFact {
    std::string key;
    std::string value;
};

// Something the mesh shares and this agent must not forget: a verdict, its evidence,
// the reference count. Storage does not look inside; the last one given for a
// (kind, key) stands.
struct MeshRecord {
    std::string kind;  // "verdict"
    std::string key;
    std::optional<std::string> bytes;   // At most mesh_record_bytes_max; absent: forget it.
    std::optional<WallTime> forget_at;  // Absent: kept until it is told to be forgotten.
};
constexpr std::size_t mesh_record_bytes_max = 65'536;

using Fact = std::variant<Transition, Outage, AgentFact, MeshRecord>;

// What one transaction writes: all of it, or nothing.
struct Batch {
    std::vector<Fact> facts;           // In the order in which they came about.
    std::vector<HistoryRow> outcomes;  // Likewise.
};

// The outcomes of a stretch of time, summed, for a sparkline.
struct Bucket {
    WallTime start;
    std::uint32_t passed = 0;
    std::uint32_t failed = 0;
    std::uint32_t errored = 0;
    Duration latency_passed_total{0};  // Over the passed ones.
};

// What is known of a check when the agent starts.
struct StoredCheck {
    std::string name;
    std::string type;  // Empty where no outcome was ever stored.
    std::optional<Transition> verdict;
    std::optional<OutcomeRecord> last;
    std::vector<Bucket> recent;  // Of the last hour, oldest first; empty ones are left out.
};

}  // namespace picket::storage
