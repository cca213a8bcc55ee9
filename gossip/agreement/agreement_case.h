// Agreement::Case: all that one agent holds about one check. Only for agreement_*.cpp.

#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gossip/agreement/agreement.h"
#include "gossip/agreement/long_ago.h"
#include "gossip/agreement/scribe.h"

namespace picket::gossip {

struct Agreement::Case {
    static constexpr std::size_t suspicions_max = 16;  // For the timeline; the oldest go.

    explicit Case(MeshCheck definition) : check(std::move(definition)) {}

    MeshCheck check;
    std::string host{};  // The agent, of a host's liveness; else empty.
    AgentId host_agent{};
    Instant due = never;  // When it is looked at again.

    // Who witnesses it.
    std::vector<AgentId> ranks{};  // The accepted ones; the first `size.seats` are the panel.
    std::uint64_t bar = 0;         // See Ranking.
    PanelSize size{};
    std::optional<Seat> seat{};
    bool juror = false;  // Our seat is one of the panel.

    // What is held of it.
    std::optional<VerdictRecord> held{};
    Instant changed_at = long_ago;   // When we saw the version,
    Instant opened_at = long_ago;    // and when the outage.
    std::deque<Instant> openings{};  // In the last hour, at most flapping_outages.

    // Asking and voting.
    std::optional<Inquiry> inquiry{};
    Tally tally{};
    Instant passed_at = long_ago;   // Our last attempt that passed.
    Instant round_at = long_ago;    // When we last took part in a round.
    Instant slot_at = never;        // Of a host: nobody else keeps its schedule.
    Instant rests_since = never;    // Of a host: there is nothing to be said of it.
    Instant slotted_at = long_ago;  // Our last slot.
    Instant overdue_at = never;     // When it would have been again, had our seat not moved.
    struct Told {
        VoteRecord vote;
        Instant began;
        std::vector<Instant> again;  // Latest first.
    };
    std::optional<Told> told{};
    // What we suspect, and then accuse the target of, and who of our zone saw the opposite.
    struct OwnSuspicion {
        Instant at;
        bool accused = false;
        bool contradicted = false;
    };
    std::optional<OwnSuspicion> suspicion{};
    std::optional<Instant> shadow_since{};
    bool shadow_told = false;
    struct Suspected {
        AgentId agent;
        Instant at;
    };
    std::deque<Suspected> suspicions{};
    using Number = std::pair<Boot, std::uint32_t>;  // Of a witness's votes and suspicions.
    std::map<AgentId, Number> suspected{};          // By whom, of the accepted ranks.

    // Writing what the votes carry.
    Scribe scribe{};

    // Whether a suspicion is later than all else that its witness said; then it is the latest.
    bool latest_of(AgentId witness, Number number) {
        const auto voted = tally.votes().find(witness);
        if (voted != tally.votes().end() &&
            number <= Number(voted->second.vote.boot, voted->second.vote.seq)) {
            return false;
        }
        Number& latest = suspected[witness];
        if (number <= latest) return false;
        latest = number;
        return true;
    }
    // Who may vote on the verdict. Where all carriers ask, the others only show what they see.
    std::span<const AgentId> jury() const {
        return std::span(ranks).first(std::min(size.accepted_ranks(), ranks.size()));
    }
    bool outage() const { return held.has_value() && held->outage(); }
    std::uint32_t epoch() const { return held.has_value() ? held->epoch : 0; }
    std::uint32_t era() const { return held.has_value() ? held->era : era_now; }
    // How long a vote counts. A target whose soft timeout is not yet known, or is its
    // timeout, takes two timeouts to be voted on, and whoever is asked then begins one
    // timeout after the first: all of them must overlap.
    Duration valid_for() const {
        return 2 * check.timeout + std::max(check.timeout, Inquiry::gap) + std::chrono::seconds(3);
    }
    Inquiry::Settings settings() const {
        return {.interval = check.interval,
                .timeout = check.timeout,
                .attempts = size.seats <= 1 ? 3 : 2,
                .fail_after = check.fail_after,
                .recover_after = check.recover_after,
                .proof_between = true};
    }
};

}  // namespace picket::gossip
