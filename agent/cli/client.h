// Client: asks the agent over its unix socket, and waits.
//
// HTTP/1.1, one request a connection, as small as picket needs: content-length
// and chunked bodies, both bounded. An agent that says nothing for the time-out is
// given up. Errors: not_found (nobody answers there), timed_out, corrupt (what
// answers is no agent), io.

#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace picket::cli {

constexpr std::size_t answer_bytes_max = std::size_t{64} * 1024 * 1024;
constexpr std::size_t answer_header_bytes_max = std::size_t{64} * 1024;

struct Reply {
    unsigned status = 0;
    std::string body;
};

class Client {
public:
    Client(std::string socket_path, Duration timeout)
        : socket_path_(std::move(socket_path)), timeout_(timeout) {}

    // `target` is path and query, already encoded.
    Result<Reply> request(std::string_view method, std::string_view target) const;

    // Calls `on_data` with the data of each server-sent event until the agent ends
    // the stream or `on_data` returns false. A refusal comes back as a Reply of
    // its status, the end of a stream as one of 200.
    Result<Reply> stream(std::string_view target,
                         const std::function<bool(std::string_view)>& on_data) const;

private:
    std::string socket_path_;
    Duration timeout_;
};

}  // namespace picket::cli
