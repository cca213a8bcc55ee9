// Judgement: what the votes about a check make of its verdict (agreement.md, 3.3).
//
// * OPEN: a quorum of FAIL, unless all of them are of one zone and another zone says OK.
// * CLEAR: a quorum of OK, once the outage has lasted its least time. Zones in which
//   everybody still fails stay behind as degraded.
// * RESCOPE: within an outage, another scope or other zones, once everybody was asked again
//   since somebody said so first: an outage that heals was not partial.
// * DEGRADE and RESTORE: without an outage, all voters of a zone have failed for long; or
//   all of them pass again.
// * FIRST: a quorum of OK, where nothing has ever been judged.
//
// Pure functions. They say what could be written; whether this agent may write it (a roll
// call, its rank) is another's question, and the same for each of them.

#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gossip/agreement/long_ago.h"
#include "gossip/agreement/tally.h"
#include "gossip/spread/record.h"

namespace picket::gossip {

using ZoneOf = std::function<std::string_view(AgentId)>;

// What a judgement looks at beside the votes.
struct Bench {
    std::span<const AgentId> ranks{};  // The accepted ones.
    ZoneOf zone_of;
    CountRules rules;
    Duration interval{};
    // The verdict held; nothing was ever judged where it is absent.
    const VerdictRecord* held = nullptr;
    bool dwelt = false;             // The outage has lasted its least time.
    Instant changed_at = long_ago;  // When this agent saw the version held.
    bool tells_first = true;        // Of a host's liveness nobody tells that it is up.
    bool one_zone_opens = false;    // For a test that shows what the two-zone rule is for.
};

// A version that could be written.
struct Change {
    Rule rule = Rule::open;
    OutageScope scope = OutageScope::none;
    std::vector<std::string> zones_failing{};
    std::vector<std::string> zones_passing{};
    FailureCode failure = 0;
    // The first attempt behind the votes that were counted: a roll call must have begun later.
    Instant oldest{};
    // The first of those that tell the change: failed ones of an opening, passed ones of a
    // clearing.
    Instant begins{};

    // An outage begins or ends: another epoch.
    bool turns() const { return rule == Rule::open || rule == Rule::clear; }
    // Of one meaning, whatever votes it rests on.
    bool same_as(const Change& other) const {
        return rule == other.rule && scope == other.scope && zones_failing == other.zones_failing;
    }
};

// A zone's voters must have failed so often, and for so long.
constexpr std::uint32_t degrade_streak = 3;
constexpr Duration degrade_after = std::chrono::seconds(30);
constexpr Duration degrade_after_one_voter = std::chrono::seconds(60);
// Two versions of one epoch are at least so far apart.
constexpr Duration rescope_apart = std::chrono::seconds(10);

std::optional<Change> judge(const Tally& tally, const Bench& bench, Instant now);

// The version that a change makes of the one held: its number and what it says. Who wrote it
// and when is for the caller.
VerdictRecord next_version(VerdictRecord held, const Change& change);

}  // namespace picket::gossip
