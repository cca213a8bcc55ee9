#include "agent/io/signals.h"

#include <signal.h>

#include <utility>

#include "agent/base/assert.h"

namespace picket::io {

Signals::Signals(Loop& loop, Handlers handlers) {
    PICKET_ASSERT(::signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    PICKET_ASSERT(::signal(SIGCHLD, SIG_DFL) != SIG_ERR);
    listen(loop, SIGTERM, handlers.on_end);
    listen(loop, SIGINT, std::move(handlers.on_end));
    listen(loop, SIGHUP, [on_reload = std::move(handlers.on_reload)](int) { on_reload(); });
}

void Signals::listen(Loop& loop, int signal, std::function<void(int)> on_signal) {
    handles_.push_back(make_handle<uv_signal_t, int>(
        std::move(on_signal), [&loop](uv_signal_t* uv) { uv_signal_init(&loop.uv(), uv); }));
    const int result =
        uv_signal_start(&handles_.back()->uv, HandleState<uv_signal_t, int>::fire, signal);
    PICKET_ASSERT(result == 0);
}

}  // namespace picket::io
