// Records: what storage takes in and gives back, as plain values.
//
// Names, states and scopes are text as people read them ("homepage", "down",
// "total"); storage does not judge them. Times are wall clock, to the
// millisecond once stored.

#pragma once

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
// (check, epoch), the last one given stands.
struct Outage {
    std::string check;
    std::uint32_t epoch = 0;
    std::string scope;
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

using Fact = std::variant<Transition, Outage, AgentFact>;

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
