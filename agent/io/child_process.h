// ChildProcess: a program that somebody else wrote, run once and never trusted.
//
// It runs in a session of its own, with /dev/null as stdin, with no descriptor of
// ours, with no signal blocked or ignored, and with no environment but what it is
// given. There is no shell and no search: `program` is a path. What it prints is
// read as it comes; what exceeds the cap is read as well, counted and forgotten,
// so a program that prints without end neither blocks nor makes us grow. In its
// first `unheard_for` a pipe keeps what it prints, and one that prints more than a
// pipe holds waits: listening to two pipes costs as much again as waiting for the
// exit, and most programs are over by then.
//
// The run is over when the program itself ends. Its result has what could be read
// up to then: a background process that still holds the pipe is not waited for.
// Such processes are killed with it: the process group when the program ends, and
// at terminate() also the program's descendants in other groups of its session,
// such as those that `timeout` makes. What escapes: a process that called setsid,
// and, after the program ended by itself, one that changed its process group.
//
// The exit is seen through a pidfd on the loop and reaped by pid: there is no
// SIGCHLD handler, and other people's children are never reaped. Requires that
// the process did not set SIGCHLD to be ignored: children would then reap themselves.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/io/file_descriptor.h"
#include "agent/io/loop.h"
#include "agent/io/poll.h"
#include "agent/io/timer.h"

namespace picket::io {

struct ChildExit {
    int code = 0;    // Meaningful when `signal` is 0.
    int signal = 0;  // What it died by; 0: it exited.
    std::string output;
    std::string error_output;
    std::uint64_t bytes_dropped = 0;  // Of both, beyond the cap.
    Duration user_time{0};            // With those of its descendants that it waited for.
    Duration system_time{0};
};

class ChildProcess {
public:
    struct Options {
        std::string program;
        std::vector<std::string> arguments{};    // Without the program itself.
        std::vector<std::string> environment{};  // "NAME=value"
        std::string working_directory = "/";
        std::size_t output_bytes_max = std::size_t{64} * 1024;  // Kept, of stdout and of stderr.
    };
    using OnExit = std::function<void(ChildExit)>;

    // Starts the program. `on_exit` is called once, on a later turn of `loop`, when
    // it has ended. The loop must outlive the ChildProcess. Returns "run PROGRAM:
    // no such file or directory" and the like; nothing is left behind then.
    static Result<std::unique_ptr<ChildProcess>> spawn(Loop& loop, const Options& options,
                                                       OnExit on_exit);

    // Kills what is left, as terminate() does, without calling `on_exit`. Waits for
    // the program to die, which after SIGKILL takes a moment, but never longer than
    // `dying_wait_max`: one that the kernel keeps (a hung mount) is then left to
    // itself and becomes a zombie, which is logged. May happen within `on_exit`.
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    static constexpr Duration dying_wait_max = std::chrono::milliseconds(100);
    static constexpr Duration unheard_for = std::chrono::milliseconds(50);

    // Kills the program and its descendants, at once and for good. `on_exit` follows
    // when it is dead. Does nothing once it has ended.
    void terminate();

    pid_t pid() const { return pid_; }

private:
    struct Output;

    ChildProcess(Loop& loop, std::string program, pid_t pid, FileDescriptor pidfd);

    void on_ended();
    void signal_member(pid_t other, int signal) const;
    bool reap();

    const std::string program_;
    const pid_t pid_;
    bool reaped_ = false;
    ChildExit exit_;
    OnExit on_exit_;
    FileDescriptor pidfd_;  // Outlives its Poll, which stands below it.
    Poll ended_;
    Timer listen_;
    std::unique_ptr<Output> output_;
    std::unique_ptr<Output> error_output_;
};

}  // namespace picket::io
