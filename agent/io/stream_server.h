// StreamServer: accepts TCP connections on one address.
//
// Each is handed over as it comes, and belongs to whoever took it. Where the process
// has no descriptor or the kernel no memory for one more, the server leaves those who
// wait alone for a while, longer each time, instead of asking again at once.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "agent/base/address.h"
#include "agent/base/result.h"
#include "agent/io/file_descriptor.h"
#include "agent/io/loop.h"
#include "agent/io/poll.h"
#include "agent/io/timer.h"

namespace picket::io {

class StreamServer {
public:
    static constexpr int backlog_max = 128;           // Waiting in the kernel.
    static constexpr int accepts_per_event_max = 16;  // Then the loop gets its turn.
    static constexpr Duration pause_min = std::chrono::milliseconds(5);
    static constexpr Duration pause_max = std::chrono::seconds(1);

    // Called on the loop; must not destroy the server.
    using OnAccepted = std::function<void(FileDescriptor connection, const SocketAddress& peer)>;

    static Result<std::unique_ptr<StreamServer>> open(Loop& loop, const SocketAddress& local,
                                                      OnAccepted on_accepted);
    StreamServer(const StreamServer&) = delete;
    StreamServer& operator=(const StreamServer&) = delete;

    std::uint64_t accepted() const { return accepted_; }
    std::uint64_t accept_errors() const { return accept_errors_; }

private:
    StreamServer(FileDescriptor socket, OnAccepted on_accepted);

    void on_readable();
    void pause();

    FileDescriptor socket_;
    OnAccepted on_accepted_;
    std::unique_ptr<Poll> poll_;
    std::unique_ptr<Timer> resume_;
    Duration pause_ = pause_min;
    std::uint64_t accepted_ = 0;
    std::uint64_t accept_errors_ = 0;
};

}  // namespace picket::io
