// Signals: those that people and systemd send to an agent, as calls on the loop.
//
// SIGTERM and SIGINT ask for the end, SIGHUP asks to read everything again. While a
// Signals lives SIGPIPE is ignored, so that a peer that hung up is an error of the
// write that met it; and SIGCHLD has its default action whatever this process
// inherited, because a ChildProcess must find its exit code. Both stay so afterwards.
//
// One per process, on the main thread. It keeps the loop alive.

#pragma once

#include <functional>
#include <vector>

#include "agent/io/handle.h"
#include "agent/io/loop.h"

namespace picket::io {

class Signals {
public:
    struct Handlers {
        std::function<void(int signal)> on_end;  // Again for each signal of the two.
        std::function<void()> on_reload;
    };

    // The loop must outlive the Signals. A handler may destroy it.
    Signals(Loop& loop, Handlers handlers);

private:
    void listen(Loop& loop, int signal, std::function<void(int)> on_signal);

    std::vector<Handle<uv_signal_t, int>> handles_;
};

}  // namespace picket::io
