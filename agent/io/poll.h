// Poll: waits for a file descriptor that somebody else owns.
//
// For the libraries that bring their own sockets: libcurl, c-ares, libmicrohttpd;
// and for a pidfd. The descriptor must stay open until the Poll is destroyed:
// destroy it (or stop it) before closing the descriptor.

#pragma once

#include "agent/io/loop.h"
#include "agent/io/poll_set.h"

namespace picket::io {

class Poll {
public:
    // `events` is a set of UV_READABLE and UV_WRITABLE; an error or a hang-up is
    // reported as both, so that the library's own read or write finds it. May destroy
    // the Poll. It comes again while the state lasts.
    using OnEvents = PollSet::OnEvents;

    Poll(Loop& loop, int fd, OnEvents on_events);
    ~Poll();
    Poll(const Poll&) = delete;
    Poll& operator=(const Poll&) = delete;

    // Replaces the events waited for; 0 stops waiting.
    void watch(int events);

private:
    PollSet& set_;
    PollSet::Id id_;
};

}  // namespace picket::io
