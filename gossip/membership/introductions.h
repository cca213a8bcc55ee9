// Introductions: those who say that they are members, until they have been reached.
//
// Who announces itself may be unable to hear: its advertised address may be wrong,
// or lie behind a one-way path. Let in at once it would be declared failed, refute
// that over TCP and be declared failed again, and meanwhile accuse everybody. So the
// first agent to hear of it pings the address that it claims, and only an answer
// makes it a member, and known to others. (Whom members vouch for is believed.)
//
// In the same way a known, living member may appear at another address: restarted
// there, or a second agent of the same name. Both places are asked. If the old one
// answers the claim is a conflict; if only the new one does, the member has moved.
//
// At `open_max` further claims are dropped; who means it says it again.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gossip/membership/node.h"

namespace picket::gossip {

// An alive that owns its texts.
struct Claim {
    std::string name;
    std::string meta;
    SocketAddress address;
    Incarnation incarnation = 0;
    wire::Versions versions;

    wire::Alive alive() const {
        return {incarnation, name, address.ip, address.port, meta, versions};
    }
};

class Introductions {
public:
    static constexpr std::size_t open_max = 128;
    static constexpr unsigned pings_max = 3;

    enum class Verdict {
        admitted,     // The claimed address answered, and no other.
        conflict,     // The member still lives where it was.
        unreachable,  // Nobody answered.
    };
    struct Concluded {
        Claim claim;
        Verdict verdict = Verdict::unreachable;
    };
    // A question to ask. Over TCP it is asked last, in case only UDP is blocked.
    struct Question {
        SocketAddress to;
        std::string name;
        std::uint32_t sequence = 0;
        bool over_tcp = false;
    };

    explicit Introductions(Duration probe_timeout) : timeout_(probe_timeout) {}

    // `old` is where the member is known to be. `sequence` and the number after it
    // are this claim's. False when it is dropped: at open_max, or nothing new.
    bool open(Instant now, const Claim& claim, const std::optional<SocketAddress>& old,
              std::uint32_t sequence);

    // True when this answers a question.
    bool on_ack(std::uint32_t sequence);

    // What to ask now, and who is through; repeat each until there is none.
    std::optional<Question> poll_question(Instant now);
    std::optional<Concluded> poll_concluded(Instant now);

    Instant next_wakeup() const;
    std::size_t size() const { return open_.size(); }
    void clear() { open_.clear(); }

private:
    struct Introduction {
        Claim claim;
        std::optional<SocketAddress> old;
        std::uint32_t sequence = 0;
        unsigned asked = 0;    // Rounds of questions.
        bool old_due = false;  // The second question of this round.
        Instant next_at;
        bool answered = false;
        bool old_answered = false;
    };

    static unsigned rounds(const Introduction& introduction);
    static std::optional<Verdict> verdict(const Introduction& introduction, Instant now);

    Duration timeout_;
    std::vector<Introduction> open_;
};

}  // namespace picket::gossip
