// ProbeRound: one member asked whether it lives, in three ways.
//
// First directly. When no answer has come after the probe timeout, by way of a few
// other members, and over TCP. When none has come by the deadline the target is
// silent, which is for the caller to act on (memberlist.md, section 12.3).
//
// Those who ask on our behalf say so when the target does not answer them either (a
// nack). A nack that is missing tells that not the target but our own network, or
// this agent, is at fault, and weighs on its health. The peers' nacks come a moment
// after the deadline, so health is settled `nack_grace` later than the verdict;
// otherwise every death would be held against the healthy agent that noticed it.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "gossip/membership/node.h"

namespace picket::gossip {

class ProbeRound {
public:
    static constexpr Duration nack_grace = std::chrono::milliseconds(100);

    struct Target {
        TextId name = no_text;
        SocketAddress address;
        Incarnation incarnation = 0;  // When it was asked.
    };
    enum class Verdict { answered, answered_over_tcp, silent };

    // Requires that no round is running, and timeout <= deadline.
    void begin(const Target& target, std::uint32_t sequence, Instant timeout, Instant deadline);
    void cancel() { running_ = false; }
    bool running() const { return running_; }
    const Target& target() const { return target_; }
    std::uint32_t sequence() const { return sequence_; }
    Instant deadline() const { return deadline_; }

    // True once per round, when the time has come to ask by way of others.
    bool ask_others(Instant now);
    void on_asked(const SocketAddress& relay, bool nack_expected);

    // True when this answers the round.
    bool on_ack(std::uint32_t sequence);
    // Counted once for each of those asked.
    void on_nack(std::uint32_t sequence, const SocketAddress& from);
    void on_tcp_answer() { tcp_answered_ = true; }

    // Ends the round once the answer is known.
    std::optional<Verdict> conclude(Instant now);

    // What a silent round does to the health score, once that is settled.
    std::optional<int> settle(Instant now);

    Instant next_wakeup() const;

private:
    struct Relay {
        SocketAddress address;
        bool nacked = false;
    };
    struct Settling {
        std::uint32_t sequence = 0;
        std::vector<Relay> relays;  // From whom a nack is expected.
        Instant at;
    };

    bool running_ = false;
    Target target_;
    std::uint32_t sequence_ = 0;
    Instant timeout_{};
    Instant deadline_{};
    bool asked_others_ = false;
    bool answered_ = false;
    bool tcp_answered_ = false;
    std::vector<Relay> relays_;
    std::vector<Settling> settling_;
};

}  // namespace picket::gossip
