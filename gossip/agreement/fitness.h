// Fitness: whether this agent may accuse a target (agreement.md, 3.1).
//
// One that is starved, cut off or broken sees outages everywhere. So before it says FAIL
// it looks at itself:
//
// * its local health, which membership keeps (Lifeguard), and which sinks further when
//   others of its own zone overrule it, by one for each two checks within five minutes;
// * its timers: one late by two seconds in the last ten says that it was stopped or
//   starved. A shorter stall casts doubt on the attempts that it fell into: what takes
//   several steps may have run out of time for want of ours (stalled());
// * its gateway, and its resolver where a name was not found, if it has a canary for them;
// * whether it is broken: more than half of its checks, and more than three, turned failing
//   within two intervals, and at least two of them were overruled. Until 60 s after the
//   last one;
// * whether it is settled: knows what the mesh knows.
//
// OK is always allowed: also a sick agent that reaches the target has reached it.

#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "agent/base/time.h"
#include "gossip/agreement/long_ago.h"
#include "gossip/spread/ids.h"

namespace picket::gossip {

class Fitness {
public:
    static constexpr unsigned health_score_max = 2;  // Of a fit agent.
    static constexpr Duration late_max = std::chrono::seconds(2);
    static constexpr Duration late_counts_for = std::chrono::seconds(10);
    static constexpr Duration stall_min = std::chrono::milliseconds(250);
    static constexpr std::size_t stalls_max = 64;  // Remembered; then the oldest go.
    static constexpr Duration overruled_window = std::chrono::minutes(5);
    static constexpr Duration broken_for = std::chrono::seconds(60);
    static constexpr unsigned penalty_max = 8;

    // Every timer that came, and when it was due; due `never` tells nothing.
    void on_wakeup(Instant now, Instant due);

    void set_health_score(unsigned score) { health_score_ = score; }
    // Absent: there is no such canary, and it passes.
    void set_gateway(std::optional<bool> answers) { gateway_ = answers; }
    void set_resolver(std::optional<bool> answers) { resolver_ = answers; }
    void set_settled(bool settled) { settled_ = settled; }
    void set_checks(std::size_t carried) { checks_ = carried; }

    // A check of ours has turned failing; we were contradicted by a fit witness of our zone.
    void on_turned_failing(Instant now, CheckKey check, Duration interval);
    void on_overruled(Instant now, CheckKey check);

    // Why this agent is not fit, for people; nothing where it is. `by_name`: for one that fails
    // for want of a name's address.
    std::optional<std::string> unfit_reason(Instant now, bool by_name = false) const;
    // How long the loop stood still within [began, ended], stalls of stall_min and more.
    Duration stalled(Instant began, Instant ended) const;
    bool gateway_answers() const { return gateway_.value_or(true); }

private:
    struct Stall {
        Instant from;
        Instant until;
    };
    struct Turned {
        Instant until;
        bool overruled = false;
    };

    bool broken(Instant now) const { return now < broken_until_; }
    unsigned penalty(Instant now) const;

    unsigned health_score_ = 0;
    std::optional<bool> gateway_;
    std::optional<bool> resolver_;
    bool settled_ = false;
    std::size_t checks_ = 0;
    std::deque<Stall> stalls_;
    // In the last five minutes, and when, the last time; at most 2 * penalty_max.
    std::map<CheckKey, Instant> overruled_;
    std::map<CheckKey, Turned> turned_;
    Instant broken_until_ = long_ago;
};

}  // namespace picket::gossip
