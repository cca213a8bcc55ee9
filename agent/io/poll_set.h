// PollSet: the file descriptors that a loop's Polls wait for, in an epoll set that
// is itself one descriptor of the loop.
//
// A libuv poll handle costs four system calls to set up, and two for each change of
// what is waited for. Where a probe opens a socket and two pipes, that is much of
// what it costs; here it is one call for each step.
//
// One in a Loop. It keeps the loop alive while something is waited for.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include "agent/io/file_descriptor.h"
#include "agent/io/handle.h"

namespace picket::io {

class PollSet {
public:
    // Never the same again: an event of a descriptor that has been closed cannot be
    // taken for one of the descriptor that has its number now.
    using Id = std::uint64_t;
    using OnEvents = std::function<void(int events)>;

    // Handled in one turn of the loop; those beyond follow in the next.
    static constexpr int events_per_turn_max = 64;

    // Becomes the `data` of the loop.
    explicit PollSet(uv_loop_t& loop);
    static PollSet& of(const uv_loop_t& loop);

    // Requires that everything was removed.
    ~PollSet();
    PollSet(const PollSet&) = delete;
    PollSet& operator=(const PollSet&) = delete;

    // As Poll has it, which is how they are called.
    Id add(int fd, OnEvents on_events);
    void watch(Id id, int events);
    void remove(Id id);

private:
    struct Watched {
        int fd = -1;
        int events = 0;
        OnEvents on_events;
    };

    void update(Id id, Watched& watched, int events);
    void on_ready();

    FileDescriptor epoll_;
    Handle<uv_poll_t, int, int> handle_;
    // Shared with the call of `on_events` that removes it.
    std::unordered_map<Id, std::shared_ptr<Watched>> watched_;
    Id last_id_ = 0;
    std::size_t waiting_ = 0;  // How many of them wait for something.
};

}  // namespace picket::io
