// Server: the local API on its unix socket.
//
// HTTP/1.1 by libmicrohttpd, driven by the loop: no thread, and nothing blocks.
// A request becomes a value for the Handler; an answer that takes time and a
// stream of events suspend their connection until there is something to send.
//
// Limits, all in Options: further connections wait in the kernel's backlog; a
// connection that moves nothing for connection_timeout is closed; a subscriber
// beyond subscribers_max gets 503; to one that reads too slowly the oldest waiting
// events are lost, which is counted and told to it in the stream. A header that
// does not fit the connection's memory gets 431.
//
// On destruction waiting requests are answered with 503, streams end, and the
// socket file is removed. Answers of the backend that come later are dropped.

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/api/backend.h"
#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/io/loop.h"

namespace picket::api {

class Server {
public:
    struct Options {
        std::string socket_path = "/run/picket/picket.sock";
        std::string group = "picket";
        std::uint32_t connections_max = 64;
        std::uint32_t connection_memory_bytes = 16 * 1024;
        std::chrono::seconds connection_timeout{30};
        std::uint32_t subscribers_max = 16;
        std::uint32_t events_queued_max = 512;  // For each subscriber.
        // A comment this often tells a silent stream's reader from a gone one.
        Duration keep_alive_interval = std::chrono::seconds(15);
    };

    // Listens. The loop and the backend must outlive the server.
    static Result<std::unique_ptr<Server>> open(io::Loop& loop, Backend& backend, Options options);

    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Events that slow readers lost since the start.
    std::uint64_t events_dropped() const;
    std::uint32_t subscribers() const;
    // Requests that wait for the backend.
    std::uint32_t waiting() const;

private:
    class State;
    explicit Server(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

}  // namespace picket::api
