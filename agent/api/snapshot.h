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

#include "agent/api/history_views.h"
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
    std::string database;               // The file that history is stored in.
    // What was dropped, skipped or held back since the start, by its documented name.
    std::vector<std::pair<std::string, std::uint64_t>> counters;
};

struct MeshView {
    std::uint32_t alive = 1;
    std::uint32_t suspect = 0;
    std::uint32_t failed = 0;
    std::uint32_t left = 0;
    std::uint32_t reference = 1;  // Picket agents that count in a roll call, this one too.
    std::uint32_t zones = 1;      // Different ones among the alive picket agents.
    bool quorum = true;
    std::string notice;                // Why nothing is decided, "NO QUORUM: ..."; empty: null.
    std::vector<std::string> missing;  // Who does not answer the roll call; sorted.
};

struct LastView {
    checks::Outcome outcome;
    WallTime at;
};

// An agent that does not count, and why.
struct DiscountView {
    std::string agent;
    std::string reason;
};

// One of several definitions that agents carry under one name.
struct DriftView {
    std::string fingerprint;            // 16 hex digits.
    bool active = false;                // The one that is voted on.
    std::vector<std::string> carriers;  // Sorted.
    // Where it is the active question on other terms, and so counts on those that hold: the keys
    // in which it differs, "quorum = 1".
    std::vector<std::string> terms{};
};

// How much stands behind a verdict.
enum class Backing : std::uint8_t {
    quorum,
    panel_of_one,  // Its only witness.
    one_of_two,    // The survivor of two: its peer was declared dead.
};

constexpr std::string_view to_text(Backing backing) {
    switch (backing) {
        case Backing::quorum:
            return "quorum";
        case Backing::panel_of_one:
            return "panel_of_one";
        case Backing::one_of_two:
            break;
    }
    return "one_of_two";
}

struct CheckView {
    std::string name;
    std::string type;
    std::string scope;
    std::string state;  // up, degraded, down, unknown, pending
    // While the state is unknown: why, and what was held last (up, degraded, down).
    std::string unknown_reason;  // Empty: null.
    std::string last_verdict;    // Empty: null, also where nothing was ever held.
    std::string outage_scope;    // total or partial while down; empty: null.
    std::uint32_t epoch = 0;
    std::uint32_t sub = 0;  // How often scope or zones have changed within the epoch.
    std::optional<WallTime> since;
    std::vector<std::string> panel;  // By rank; those that may vote.
    std::uint32_t quorum = 1;        // How many of the panel must agree.
    Backing backing = Backing::quorum;
    std::uint32_t ok = 0;
    std::uint32_t fail = 0;
    std::uint32_t abstain = 0;
    std::vector<DiscountView> abstaining;    // Of the panel, with their reasons.
    std::vector<std::string> zones_failing;  // Also while degraded.
    std::vector<std::string> zones_passing{};
    std::vector<DriftView> drift;  // Empty, or two and more.
    std::optional<LastView> last;  // Of this agent; absent where it is no witness.
    bool carried = true;           // This agent has the definition, and not only heard of it.
    std::string problem;           // Why it is not being asked; empty: null.
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
    std::optional<Backing> backing{};  // Of its opening; absent where that is not known (any more).
    std::vector<std::string> zones_failing{};  // While it is open.
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

// What was on the table when a verdict was written. evidence.h makes one of a record.
struct EvidenceView {
    std::uint32_t sub = 0;  // Of the version within its epoch.
    std::string rule;       // first, open, clear, rescope, degrade, restore
    std::uint32_t panel = 1;
    std::uint32_t quorum = 1;
    WallTime begins_at;           // First failed attempt (of a clearing: first passed one).
    WallTime decided_at;          // When the verdict was written...
    std::string decided_by;       // ... and by whom.
    std::vector<VoteView> votes;  // Those that counted.
    std::vector<DiscountView> discounted;
    RollCallView roll_call;
    std::vector<TimelineEntry> timeline;  // Newest last.
};

// One outage in full.
struct OutageDetailView {
    OutageView outage;
    // Why it was opened, and why closed; absent where that is not known here (any more).
    std::optional<EvidenceView> opening;
    std::optional<EvidenceView> closing;
};

// One witness of a check, as this agent knows it.
struct WitnessView {
    std::string agent;
    std::string zone;
    bool seated = true;  // Of the panel; otherwise it only feeds the zone matrix.
    bool fit = true;
    std::string unfit_reason;      // Empty: null.
    std::optional<VoteView> vote;  // Its latest.
    std::optional<LastView> last;  // Of this agent alone; others tell their votes only.
};

// A verdict of the epoch asked about: how that began, or another scope or other zones within it.
struct VersionView {
    std::uint32_t sub = 0;
    std::string rule;  // As EvidenceView's.
    WallTime decided_at;
    std::string decided_by;
    std::string reason;
};

// Why the mesh holds a verdict, or held it.
struct WhyView {
    CheckView check;          // As it is now.
    std::uint32_t epoch = 0;  // The one asked about; its parity is the state.
    std::uint32_t sub = 0;    // And its version.
    bool held = true;         // Nothing later is known.
    bool live = true;         // An agent says so; otherwise it was read from its database.
    // Of this epoch where it is odd, else of the one before; absent where there is none.
    std::optional<OutageView> outage;
    std::optional<EvidenceView> evidence;  // Of the version, else of how its epoch began.
    std::vector<VersionView> versions;     // Of the epoch, those that there is evidence of.
    // Of the verdict held, as they are now.
    std::vector<WitnessView> witnesses;
    std::optional<WallTime> closes_not_before;  // While down: the end of the dwell.
    // Of the definition that this agent carries: how many rounds make a vote.
    std::optional<std::uint32_t> fail_after{}, recover_after{};
    std::string notice;  // As MeshView's.
};

struct WhyQuery {
    std::string check;
    std::optional<std::uint32_t> epoch;  // Absent: what is held now.
    // Absent: what is held, of an epoch that is given how it began.
    std::optional<std::uint32_t> sub{};
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
    std::string unfit_reason{};             // Empty: null.
    std::optional<std::uint32_t> checks{};  // Absent where this agent does not know.
};

// What is asked of the mesh's key ring: `operation` is list, install, use or remove;
// `key` a key in base64, or, for use and remove, its id.
struct KeyCommand {
    std::string operation;
    std::string key;
    bool force = false;
};

struct KeyView {
    std::string id;  // Which key; gives nothing of it away.
    std::uint32_t installed_on = 0;
    std::uint32_t primary_on = 0;
};

struct UnconfirmedView {
    std::string agent;
    std::string reason;
};

// Counts include the agent that asked.
struct KeysView {
    std::string operation;
    std::uint32_t asked = 1;
    std::uint32_t confirmed = 0;
    std::vector<KeyView> keys;  // Of those that confirmed; the primary first.
    std::vector<UnconfirmedView> unconfirmed;
    std::vector<std::string> foreign;  // Living members that are not picket's.
};

struct LeaveView {
    std::string agent;
};

// Which agents are to be forgotten: one, or all of a zone that failed or left.
struct ForgetQuery {
    std::string agent;
    std::string zone;
};

struct ForgetView {
    std::vector<std::string> forgotten;
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
    std::vector<WitnessView> witnesses;  // The panel by rank, then the other voters.
    std::vector<std::pair<std::string, std::string>> definition;  // key -> value as in the file.
    std::vector<TimelineEntry> timeline;                          // Newest last.
    std::optional<double> latency_p50_ms, latency_p95_ms, latency_p99_ms;  // Of the last hour.
};

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
