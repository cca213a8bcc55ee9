// DatagramSocket: UDP to one address and back.
//
// A connected socket, so that only its peer's datagrams reach it and what the
// network says of the peer (refused, unreachable) arrives as an error. Datagrams
// come with the time at which the kernel received them.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "agent/base/address.h"
#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/io/file_descriptor.h"
#include "agent/io/loop.h"
#include "agent/io/poll.h"

namespace picket::io {

class DatagramSocket {
public:
    static constexpr std::size_t datagram_bytes_max = 2048;  // The rest of a longer one is lost.

    struct Options {
        SocketAddress peer;
        std::optional<IpAddress> source{};  // Of the peer's family.
    };

    // One of the two. Each may destroy the socket.
    using OnDatagram = std::function<void(std::span<const std::uint8_t> bytes, WallTime at)>;
    using OnError = std::function<void(int error_number)>;

    // Returns 0, or an errno where there is no such socket, source or route.
    static int open(Loop& loop, const Options& options, OnDatagram on_datagram, OnError on_error,
                    std::unique_ptr<DatagramSocket>& opened);

    // Returns 0 or an errno.
    int send(std::span<const std::uint8_t> bytes);

private:
    DatagramSocket(Loop& loop, FileDescriptor fd, OnDatagram on_datagram, OnError on_error);
    void on_readable();

    FileDescriptor fd_;  // Outlives its Poll, which stands below it.
    const OnDatagram on_datagram_;
    const OnError on_error_;
    Poll poll_;
};

}  // namespace picket::io
