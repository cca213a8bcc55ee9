// Pings: the application's questions whether a member answers, until each is answered
// or its time is over.
//
// Unlike the probes of the membership they are asked once, directly, and change
// nothing that is believed of anybody (memberlist.md, section 12.5). Many may be
// under way at once: a roll call asks hundreds of members several times a second.
//
// At `open_max` a further one is answered at once: not asked, and why.

#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "agent/base/time.h"

namespace picket::gossip {

// What came of a ping.
struct Pong {
    std::uint64_t ticket = 0;
    std::string node;
    bool answered = false;
    Duration round_trip{};  // Until the answer, or until there was none.
    std::string reason{};   // Where it was not answered: "no answer within 1s".
};

class Pings {
public:
    static constexpr std::size_t open_max = 4096;

    struct Question {
        std::uint32_t sequence = 0;  // Of the ack that answers it; of no other under way.
        std::string_view node;
        Duration timeout{};
    };

    // The ticket of a question that is about to be asked. Nothing where it must not
    // be, because too many are; its Pong is there already.
    struct Opened {
        std::uint64_t ticket = 0;
        bool ask = false;
    };
    Opened open(Instant now, const Question& question);

    // True when this answers a question.
    bool on_ack(Instant now, std::uint32_t sequence);
    // There will be no answer, for a reason that is known.
    void on_failed(Instant now, std::uint32_t sequence, std::string_view reason);
    void expire(Instant now);

    std::optional<Pong> poll_pong();
    Instant next_wakeup() const { return ends_.empty() ? never : ends_.begin()->first; }
    std::size_t size() const { return open_.size(); }

private:
    struct Open {
        std::uint64_t ticket = 0;
        std::string node;
        Instant asked_at;
        Duration timeout{};
    };
    void conclude(Instant now, std::uint32_t sequence, bool answered, std::string_view reason);

    std::unordered_map<std::uint32_t, Open> open_;      // By sequence.
    std::set<std::pair<Instant, std::uint32_t>> ends_;  // Their deadlines.
    std::deque<Pong> pongs_;                            // One for each that was open.
    std::uint64_t last_ticket_ = 0;
};

}  // namespace picket::gossip
