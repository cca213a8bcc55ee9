// Suspicion: how long a suspect has to clear itself.
//
// Long when one member alone accuses it, shorter with each further accuser that is
// another member: what several saw independently needs less time to be believed
// (Lifeguard; memberlist.md, section 11, whose formula this is to the millisecond).

#pragma once

#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/base/time.h"
#include "gossip/membership/text_pool.h"
#include "gossip/membership/timings.h"

namespace picket::gossip {

struct SuspicionTimes {
    unsigned confirmations = 0;  // Wanted; more change nothing.
    Duration min{};
    Duration max{};
};

// In a mesh of `members`, the suspect and this agent included.
SuspicionTimes suspicion_times(const Timings& timings, std::size_t members);

// From the start of the suspicion, after `confirmed` confirmations.
Duration suspicion_timeout(const SuspicionTimes& times, unsigned confirmed);

// Every suspicion that is open, by the name of the suspect.
class Suspicions {
public:
    // Requires that none is open for this suspect.
    void open(Instant now, TextId suspect, TextId accuser, const SuspicionTimes& times);
    bool is_open(TextId suspect) const { return open_.contains(suspect); }

    // Whether confirm() would change anything: another accuser than the first, not
    // heard before, and not more of them than wanted. Requires an open suspicion.
    bool news(TextId suspect, TextId accuser) const;

    // Requires news().
    void confirm(TextId suspect, TextId accuser);

    // Ends it, if it is open, and returns who accused, the first one first.
    std::vector<TextId> close(TextId suspect);

    Instant next_expiry() const { return expiries_.empty() ? never : expiries_.begin()->first; }

    // One suspect whose time is over; its suspicion stays open until it is closed.
    std::optional<TextId> expired(Instant now) const;

    std::size_t size() const { return open_.size(); }

private:
    struct Suspicion {
        Instant began;
        SuspicionTimes times;
        std::vector<TextId> accusers;  // The first one first; at most 1 + confirmations.
        Instant expires_at;
    };

    std::unordered_map<TextId, Suspicion> open_;
    std::set<std::pair<Instant, TextId>> expiries_;
};

}  // namespace picket::gossip
