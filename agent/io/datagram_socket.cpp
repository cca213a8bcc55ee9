#include "agent/io/datagram_socket.h"

#include <sys/socket.h>
#include <time.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "agent/io/clock.h"
#include "agent/io/sockaddr.h"
#include "agent/io/socket_fault.h"

namespace picket::io {
namespace {

WallTime received_at(msghdr& message) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SO_TIMESTAMPNS) continue;
        timespec time{};
        std::memcpy(&time, CMSG_DATA(part), sizeof(time));
        return WallTime(std::chrono::seconds(time.tv_sec) +
                        std::chrono::microseconds(time.tv_nsec / 1000));
    }
    return wall_now();
}

}  // namespace

int DatagramSocket::open(Loop& loop, const Options& options, OnDatagram on_datagram,
                         OnError on_error, std::unique_ptr<DatagramSocket>& opened) {
    const KernelAddress peer = to_kernel(options.peer);
    FileDescriptor fd(::socket(kernel_family(options.peer.ip.family),
                               SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.open()) return errno;
    if (options.source.has_value()) {
        if (const int error = bind_source(fd.get(), *options.source); error != 0) return error;
    }
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
    if (::connect(fd.get(), peer.get(), peer.length) != 0) return errno;
    opened.reset(
        new DatagramSocket(loop, std::move(fd), std::move(on_datagram), std::move(on_error)));
    return 0;
}

DatagramSocket::DatagramSocket(Loop& loop, FileDescriptor fd, OnDatagram on_datagram,
                               OnError on_error)
    : fd_(std::move(fd)),
      on_datagram_(std::move(on_datagram)),
      on_error_(std::move(on_error)),
      poll_(loop, fd_.get(), [this](int) { on_readable(); }) {
    poll_.watch(UV_READABLE);
}

int DatagramSocket::send(std::span<const std::uint8_t> bytes) {
    return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0 ? errno : 0;
}

// One datagram a turn: what it says may end this socket.
void DatagramSocket::on_readable() {
    std::array<std::uint8_t, datagram_bytes_max> buffer;  // NOLINT: filled by recvmsg.
    alignas(cmsghdr) std::array<std::uint8_t, 64> control{};
    iovec part{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(fd_.get(), &message, MSG_DONTWAIT);
    const int error_number = errno;
    if (size >= 0) {
        const OnDatagram on_datagram = on_datagram_;
        on_datagram(std::span(buffer).first(static_cast<std::size_t>(size)), received_at(message));
    } else if (error_number != EAGAIN && error_number != EINTR) {
        const OnError on_error = on_error_;
        on_error(error_number);
    }
}

}  // namespace picket::io
