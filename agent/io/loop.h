// Loop: the libuv loop of this process, and its end.
//
// One thread runs it and owns all state. When it is destroyed every handle must
// have been closed by its owner: the destructor asserts that, so that a leaked handle is
// found by any test, and runs the pending close callbacks.
//
// Writing to a peer that has gone is an error of that write: neither libuv nor
// OpenSSL asks for that each time, so the first Loop has the process ignore SIGPIPE.

#pragma once

#include <uv.h>

#include <functional>
#include <memory>

namespace picket::io {

class Loop {
public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // Runs until stop(), or until no handle is active.
    void run();

    // Runs one turn: waits for an event, handles it.
    void run_once();

    // Runs one turn without waiting. Returns true while anything is active.
    bool run_ready();

    void stop();

    // Calls `task` on the next turn. For results that must not be handed over
    // from within the call that asked for them.
    void post(std::function<void()> task);

    uv_loop_t& uv() { return uv_; }

private:
    struct Posted;

    uv_loop_t uv_;
    std::unique_ptr<Posted> posted_;
};

}  // namespace picket::io
