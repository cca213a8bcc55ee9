// Suspicion: how long a suspect has to clear itself.
//
// Long when one member alone accuses it, shorter with each further accuser that is
// another member: what several saw independently needs less time to be believed
// (Lifeguard; memberlist.md, section 11, whose formula this is to the millisecond).
//
// Near its end the suspect itself is asked, a few times: a refutation is gossip, and of
// many observers that lose packets there is always one that it does not reach. So a
// confirmation leaves time to ask, however late it comes.

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
    Duration pause{};  // Between the last questions to the suspect, of which each can be lost.
};

// In a mesh of `members`, the suspect and this agent included.
SuspicionTimes suspicion_times(const Timings& timings, std::size_t members);

// From the start of the suspicion, after `confirmed` confirmations.
Duration suspicion_timeout(const SuspicionTimes& times, unsigned confirmed);

// Every suspicion that is open, by the name of the suspect.
class Suspicions {
public:
    static constexpr unsigned questions_max = 4;  // The last one a pause before the end.

    // Requires that none is open for this suspect.
    void open(Instant now, TextId suspect, TextId accuser, const SuspicionTimes& times);
    bool is_open(TextId suspect) const { return open_.contains(suspect); }

    // Whether confirm() would change anything: another accuser than the first, not
    // heard before, and not more of them than wanted. Requires an open suspicion.
    bool news(TextId suspect, TextId accuser) const;

    // Requires news().
    void confirm(Instant now, TextId suspect, TextId accuser);

    // Ends it, if it is open, and returns who accused, the first one first.
    std::vector<TextId> close(TextId suspect);

    Instant next_expiry() const { return expiries_.empty() ? never : expiries_.begin()->first; }

    // One suspect whose time is over; its suspicion stays open until it is closed.
    std::optional<TextId> expired(Instant now) const;

    // One suspect that is to be asked now. A question that was due earlier is not made
    // up for.
    std::optional<TextId> poll_question(Instant now);
    Instant next_question() const { return questions_.empty() ? never : questions_.begin()->first; }

    std::size_t size() const { return open_.size(); }

private:
    struct Suspicion {
        Instant began;
        SuspicionTimes times;
        std::vector<TextId> accusers;  // The first one first; at most 1 + confirmations.
        Instant expires_at;
        unsigned questions = questions_max;  // Still to come.

        Instant question_at() const { return expires_at - questions * times.pause; }
    };

    void schedule(TextId suspect, const Suspicion& suspicion);
    void unschedule(TextId suspect, const Suspicion& suspicion);

    std::unordered_map<TextId, Suspicion> open_;
    std::set<std::pair<Instant, TextId>> expiries_;
    std::set<std::pair<Instant, TextId>> questions_;
};

}  // namespace picket::gossip
