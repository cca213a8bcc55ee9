#include "agent/io/loop.h"

#include <csignal>
#include <deque>
#include <utility>

#include "agent/base/assert.h"
#include "agent/io/handle.h"
#include "agent/io/poll_set.h"

namespace picket::io {

// Tasks wait in a queue; an idle handle is active only while there are some, so
// that an empty queue neither keeps the loop alive nor spins it. The loop's PollSet
// stands beside them.
struct Loop::Posted {
    explicit Posted(uv_loop_t& loop) : polls(loop) {}

    PollSet polls;
    Handle<uv_idle_t> idle;
    std::deque<std::function<void()>> tasks;

    void drain() {
        // Tasks posted meanwhile wait for the next turn.
        std::deque<std::function<void()>> ready;
        ready.swap(tasks);
        for (auto& task : ready) task();
        if (tasks.empty()) uv_idle_stop(&idle->uv);
    }
};

Loop::Loop() : uv_{} {
    std::signal(SIGPIPE, SIG_IGN);
    PICKET_ASSERT(uv_loop_init(&uv_) == 0);
    posted_ = std::make_unique<Posted>(uv_);
    posted_->idle = make_handle<uv_idle_t>([posted = posted_.get()] { posted->drain(); },
                                           [this](uv_idle_t* idle) { uv_idle_init(&uv_, idle); });
}

Loop::~Loop() {
    posted_.reset();
    uv_walk(
        &uv_, [](uv_handle_t* handle, void*) { PICKET_ASSERT(uv_is_closing(handle) != 0); },
        nullptr);
    // What is left is close callbacks, and a Worker's job that nobody waits for.
    while (uv_run(&uv_, UV_RUN_ONCE) != 0) {
    }
    PICKET_ASSERT(uv_loop_close(&uv_) == 0);
}

void Loop::run() {
    uv_run(&uv_, UV_RUN_DEFAULT);
}
void Loop::run_once() {
    uv_run(&uv_, UV_RUN_ONCE);
}
bool Loop::run_ready() {
    return uv_run(&uv_, UV_RUN_NOWAIT) != 0;
}
void Loop::stop() {
    uv_stop(&uv_);
}

void Loop::post(std::function<void()> task) {
    posted_->tasks.push_back(std::move(task));
    uv_idle_start(&posted_->idle->uv, HandleState<uv_idle_t>::fire);
}

}  // namespace picket::io
