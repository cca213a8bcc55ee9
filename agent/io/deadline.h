// Deadline: a timer that answers may beat.
//
// libuv looks at its timers before it looks at descriptors. So when the loop was held up (the
// machine starved it, a step took long), the time of an answer that has waited in the kernel
// all along is over before anybody reads it: a failure that is ours would be held
// against the target. A deadline that comes late lets the loop read what is there, and
// fires then.
//
// One that comes later than `stall_max` fires at once: what waited that long, say while the
// machine slept, tells of another time.

#pragma once

#include <chrono>
#include <functional>

#include "agent/base/time.h"
#include "agent/io/loop.h"
#include "agent/io/timer.h"

namespace picket::io {

class Deadline {
public:
    static constexpr Duration late_min = std::chrono::milliseconds(5);
    static constexpr Duration stall_max = std::chrono::seconds(2);

    // Where it comes late it waits for `look` more.
    Deadline(Loop& loop, std::function<void()> on_fire,
             Duration look = std::chrono::milliseconds(1));

    // As of a Timer. Setting it for the same again leaves it alone.
    void set(Instant at);
    void clear();

private:
    void on_time();

    std::function<void()> on_fire_;
    const Duration look_;
    Instant set_for_ = never;
    bool looks_ = false;  // It came late, and fires the next time.
    Timer timer_;
};

}  // namespace picket::io
