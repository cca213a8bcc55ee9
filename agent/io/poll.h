// Poll: waits for a file descriptor that somebody else owns.
//
// For the libraries that bring their own sockets: libcurl, c-ares, libmicrohttpd;
// and for a pidfd. The descriptor must stay open until the Poll is destroyed:
// destroy it (or stop it) before closing the descriptor.

#pragma once

#include <functional>

#include "agent/io/handle.h"
#include "agent/io/loop.h"

namespace picket::io {

class Poll {
public:
    // `events` is a set of UV_READABLE and UV_WRITABLE; an error or a hang-up is
    // reported as both, so that the library's own read or write finds it.
    using OnEvents = std::function<void(int events)>;

    Poll(Loop& loop, int fd, OnEvents on_events);

    // Replaces the events waited for; 0 stops waiting.
    void watch(int events);

private:
    Handle<uv_poll_t, int, int> handle_;
};

}  // namespace picket::io
