// UdpSocket: datagrams from and to anybody, many at a time.
//
// What has arrived is read in batches and handed over batch by batch, so that
// whoever takes it answers a batch at once. After batches_per_event_max of them the
// loop gets its turn: a flood cannot hold it. Sending never waits: what the kernel
// cannot take at this moment is lost, as a datagram may be anywhere, and counted.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "agent/base/address.h"
#include "agent/base/result.h"
#include "agent/io/file_descriptor.h"
#include "agent/io/loop.h"
#include "agent/io/poll.h"

namespace picket::io {

struct Datagram {
    SocketAddress from;
    std::string_view bytes;  // Good for the call.
};

class UdpSocket {
public:
    static constexpr std::size_t datagram_bytes_max = 65'536;  // More than there can be.
    static constexpr std::size_t batch_max = 16;
    static constexpr int batches_per_event_max = 4;
    // What is asked for, so that a burst survives a pause of the loop; without
    // CAP_NET_ADMIN net.core.rmem_max may give less.
    static constexpr int receive_buffer_bytes = 2 * 1024 * 1024;

    struct Counters {
        std::uint64_t received = 0;
        std::uint64_t receive_errors = 0;
        std::uint64_t sent = 0;
        std::uint64_t sends_blocked = 0;  // The kernel's buffer was full.
        std::uint64_t send_errors = 0;    // Any other reason: no route, forbidden, too long.
    };

    // Called on the loop, never from within a call to the socket, which it must not
    // destroy.
    using OnBatch = std::function<void(std::span<const Datagram>)>;

    static Result<std::unique_ptr<UdpSocket>> open(Loop& loop, const SocketAddress& local,
                                                   OnBatch on_batch);
    UdpSocket(const UdpSocket&) = delete;
    UdpSocket& operator=(const UdpSocket&) = delete;

    void send(const SocketAddress& to, std::string_view bytes);

    const Counters& counters() const { return counters_; }

private:
    UdpSocket(FileDescriptor socket, IpAddress::Family family, OnBatch on_batch);

    void enlarge_buffer();
    void on_readable();
    std::size_t read_batch();

    FileDescriptor socket_;
    IpAddress::Family family_;
    OnBatch on_batch_;
    // Pages that no datagram reaches are never touched, and cost nothing.
    std::unique_ptr<char[]> buffer_;
    std::unique_ptr<Poll> poll_;
    Counters counters_;
};

}  // namespace picket::io
