// TcpStream: our end of one TCP connection, on the loop.
//
// It connects when it is made, or takes over a connection that was accepted, and
// reads from then on. What happens comes as events, never from within a call to the stream; a
// stream may be destroyed in any of them, which closes the connection and ends the events. Bytes
// written that have not gone out by then may be lost.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/address.h"
#include "agent/io/file_descriptor.h"
#include "agent/io/handle.h"
#include "agent/io/loop.h"
#include "agent/io/timer.h"

namespace picket::io {

struct StreamError {
    int error_number = 0;  // An errno; socket_fault() says whose fault it is.
    std::string message;   // "connect 127.0.0.1:25: connection refused"
};

enum class StreamEnd : std::uint8_t {
    closed,  // The peer will send no more. It may still read.
    limit,   // `read_bytes_max` have come in; the rest is not read.
};

class TcpStream {
public:
    struct Options {
        SocketAddress peer;
        std::optional<IpAddress> source = std::nullopt;  // Local address to connect from.
        std::size_t read_bytes_max = SIZE_MAX;
    };

    // Any may be empty.
    struct Events {
        std::function<void()> on_connected = nullptr;
        std::function<void(std::string_view bytes)> on_bytes = nullptr;  // Valid for the call.
        std::function<void(StreamEnd)> on_end = nullptr;                 // No bytes follow.
        std::function<void()> on_finished = nullptr;          // What finish() asked for is done.
        std::function<void(StreamError)> on_error = nullptr;  // Nothing follows.
    };

    TcpStream(Loop& loop, const Options& options, Events events);

    // Takes over a connection that was accepted from `peer`: there is no on_connected.
    TcpStream(Loop& loop, FileDescriptor accepted, const SocketAddress& peer, Events events);

    // Sends `bytes` after those written before, once connected. A failure comes as
    // on_error.
    void write(std::string bytes);

    // Says that no more will be written, after what was. The peer may still write.
    void finish();

private:
    struct Event {
        enum class Kind : std::uint8_t { refused, connected, read, written, finished };

        Kind kind = Kind::connected;
        uv_tcp_t* tcp = nullptr;
        int error_number = 0;    // 0, or an errno.
        std::string_view bytes;  // Of a refused: what was attempted.
    };
    struct Session;
    using State = HandleState<uv_tcp_t, const Event&>;

    void open(Loop& loop, const Options& options);
    void refuse(Loop& loop, int error_number, std::string attempt);
    static void start_reading(uv_tcp_t* tcp);

    Handle<uv_tcp_t, const Event&> handle_;
    std::unique_ptr<Timer> refusal_;  // Where there was no attempt to connect.
};

}  // namespace picket::io
