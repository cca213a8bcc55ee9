// ChildRun: a program that a probe has run, one at a time and by a deadline.
//
// What does not end in time is killed, and the answer does not wait for it to
// die. A process that nothing kills (the kernel waits for a dead file server) must
// not collect company: while it is there no further one is started, and every run
// says so.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "agent/base/time.h"
#include "agent/io/child_process.h"
#include "agent/io/deadline.h"
#include "agent/io/loop.h"

namespace picket::checks {

class ChildRun {
public:
    // It did not end in time, and was killed.
    struct TimedOut {};
    // It was not started: one of an earlier run survives being killed.
    struct Stuck {
        pid_t pid = 0;
    };
    // Why it could not be started.
    struct NotStarted {
        std::string reason;
    };
    using End = std::variant<io::ChildExit, TimedOut, Stuck, NotStarted>;
    using OnEnd = std::function<void(End)>;

    // The loop must outlive the run.
    ChildRun(io::Loop& loop, io::ChildProcess::Options options);

    // Calls `on_end` once, later, by `deadline`; it may destroy this. Requires that
    // no run is in flight.
    void start(Instant now, Instant deadline, OnEnd on_end);

    // Ends the run in flight, if there is one, without calling `on_end`.
    void cancel();

private:
    void launch();
    void on_timer();
    void on_exit(io::ChildExit exit);
    void finish(End end);

    const io::ChildProcess::Options options_;
    io::Loop& loop_;
    io::Deadline timer_;
    OnEnd on_end_;               // Set while a run is in flight.
    bool given_up_ = false;      // The child is that of an earlier run, killed and not yet gone.
    std::optional<End> answer_;  // Known already, to be handed over on a later turn.
    std::unique_ptr<io::ChildProcess> child_;  // May outlast its run, until it is dead.
};

}  // namespace picket::checks
