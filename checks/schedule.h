// Schedule: which check is asked next, and when.
//
// A check of interval I has one slot in every I, always at the same place: its
// key, which is a hash, modulo I on the wall clock. So a thousand checks are
// spread over their interval without anybody arranging it, a restart finds the
// same slots, and nothing drifts: a slot is the one before plus I, however late
// the start was. Slots lie on a grid of 100 ms, each on the point next to its place, so
// within 50 ms of it: one wake-up of the agent serves those that it would else wake up
// for one by one, and waking up is much of what a cheap probe costs. The wall clock only
// picks the first slot; after that time is monotonic.
//
// The first question after a start or a reload does not wait for the slot: it
// comes within `first_within`, spread by the same hash.
//
// A check never runs twice at once. A slot that comes while a run is in flight,
// or that passes while the limits hold the check back, is skipped and counted.
//
// What a panel of the mesh witnesses is scheduled otherwise. Its slot is at the place of
// this agent's seat, which others share out; it is announced (poll_slot), and whoever
// makes the votes then requests the attempts, several at once if need be. They start
// before everything else, because somebody has seen a change, and within the same limits.
//
// Pure: poll_slot() and poll_start() until they give nothing, then sleep until
// next_wakeup().

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "agent/base/time.h"
#include "checks/definition.h"

namespace picket::checks {

class Schedule {
public:
    static constexpr Duration slot_grid = std::chrono::milliseconds(100);
    static constexpr Duration grid_interval_min = std::chrono::seconds(1);  // Below that: none.

    struct Options {
        std::size_t in_flight_max = 256;
        std::size_t starts_per_second_max = 2'000;
    };

    // What limits and slow probes have cost since the start.
    struct Counters {
        std::uint64_t starts = 0;
        std::uint64_t slots_skipped = 0;     // Slots in which a check was not asked.
        std::uint64_t starts_held_back = 0;  // Starts that a limit made late.
    };

    using AttemptId = std::uint64_t;  // Of one that was requested; 0 is a check's own.

    struct Start {
        CheckKey key;
        Instant due;  // now - due is how late this start is.
        AttemptId attempt = 0;
    };

    explicit Schedule(Options options);

    // Requires that `key` is not there, and interval > 0. `first_within` is at
    // most the interval; 0 asks at once.
    void add(Instant now, WallTime wall, CheckKey key, Duration interval, Duration first_within);

    // A check that is asked on request only. Without a seat it has no slots.
    // Requires that `key` is not there, and interval > 0.
    void add_witnessed(CheckKey key, Duration interval);

    // Where in each interval the slot is from now on, on the wall clock; nothing takes
    // the seat away. Where it moves back, the next slot still comes within an interval of
    // the last one. Requires a witnessed check.
    void seat(Instant now, WallTime wall, CheckKey key, std::optional<Duration> offset);

    // The next witnessed check whose slot has come.
    std::optional<CheckKey> poll_slot(Instant now);

    // Wants an attempt at a witnessed check, now. Requires that `attempt` is not 0, nor
    // that of another one at this check.
    void request(Instant now, CheckKey key, AttemptId attempt);

    // Forgets the check. Its runs in flight no longer count; do not report their ends.
    void remove(CheckKey key);

    // Asks once more at `at`, beside the slots: the second attempt of a vote.
    void ask_at(CheckKey key, Instant at);

    // Takes the next check that is due and allowed. It is in flight from now on.
    std::optional<Start> poll_start(Instant now);

    // Requires that `key` is in flight, or `attempt` at it.
    void on_finished(Instant now, CheckKey key, AttemptId attempt = 0);

    // When poll_slot() or poll_start() may give something again; never while all wait for
    // an end.
    Instant next_wakeup() const;

    std::size_t in_flight() const { return in_flight_; }
    const Counters& counters() const { return counters_; }

private:
    struct Entry {
        Duration interval{};
        Instant slot{};
        Instant extra = never;
        bool in_flight = false;
        // Of a witnessed one:
        bool witnessed = false;
        Instant last_slot = Instant::min();
        std::size_t attempts = 0;  // In flight.

        Instant due() const { return std::min(slot, extra); }
    };
    struct Request {
        CheckKey key;
        AttemptId attempt;
        Instant since;
    };

    // Moves the slot past `now`; what lies between was missed.
    void skip_missed(Entry& entry, Instant now);
    void refill(Instant now);
    bool admits(Instant now);

    Options options_;
    std::unordered_map<CheckKey, Entry> entries_;
    std::set<std::pair<Instant, CheckKey>> waiting_;  // Everything that is not in flight.
    std::set<std::pair<Instant, CheckKey>> slots_;    // Of witnessed checks with a seat.
    std::deque<Request> requests_;
    std::size_t in_flight_ = 0;
    // Token bucket in start-microseconds: a start costs one second's worth of
    // microseconds divided by the rate, kept whole by scaling with the rate.
    std::int64_t tokens_ = 0;
    Instant refilled_at_{};
    Instant held_back_at_ = Instant::min();
    Counters counters_;
};

}  // namespace picket::checks
