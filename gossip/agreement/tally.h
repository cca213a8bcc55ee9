// Tally: the votes that one agent holds about one check, the latest of each witness, and
// which of them count (agreement.md, 3.3).
//
// A vote counts that is for the definition and the epoch in force, not older than
// `valid_for` since its first attempt began, and by one of the accepted ranks of our own
// ranking; better ranks first, and no more of them than there are seats. What does not
// count is said with its reason: `picket why` shows both.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "agent/base/time.h"
#include "gossip/agreement/panel.h"
#include "gossip/spread/record.h"

namespace picket::gossip {

class Tally {
public:
    static constexpr Duration remembered = std::chrono::minutes(10);
    // Beyond the accepted ranks, of a check that every carrier witnesses.
    static constexpr std::size_t voters_max = 4096;

    struct Held {
        VoteRecord vote;
        Instant began;  // Its first attempt, by our clock; never earlier than it was.
        Instant cast;   // When we first saw it.
        Instant since;  // When its witness first voted so, in this row.
    };

    // Takes a vote that is later than the one held of its witness. False for any other,
    // and beyond voters_max.
    bool put(Instant now, const VoteRecord& vote);
    void forget_old(Instant now);

    const std::map<AgentId, Held>& votes() const { return votes_; }

private:
    std::map<AgentId, Held> votes_;
};

// What is asked of the votes.
struct CountRules {
    Fingerprint fingerprint{};
    std::uint32_t era = era_now;
    std::uint32_t epoch = 0;
    PanelSize size;
    Duration valid_for{};
    // For tests that show what each rule is for.
    bool any_age = false;
    bool any_epoch = false;
};

struct Count {
    struct Discount {
        AgentId agent;
        std::string reason;
    };
    std::vector<const Tally::Held*> fails;  // By rank.
    std::vector<const Tally::Held*> oks;
    std::vector<Discount> discounted;

    std::size_t size() const { return fails.size() + oks.size(); }
    // When the first attempt behind any of them began; never where there is none.
    Instant oldest() const;
};

// `ranks`: the accepted ones, in order.
Count count(const Tally& tally, std::span<const AgentId> ranks, const CountRules& rules,
            Instant now);

}  // namespace picket::gossip
