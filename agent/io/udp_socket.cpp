#include "agent/io/udp_socket.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <utility>

#include "agent/io/local_socket.h"
#include "agent/io/sockaddr.h"

namespace picket::io {

UdpSocket::UdpSocket(FileDescriptor socket, IpAddress::Family family, OnBatch on_batch)
    : socket_(std::move(socket)),
      family_(family),
      on_batch_(std::move(on_batch)),
      buffer_(new char[batch_max * datagram_bytes_max]) {}

Result<std::unique_ptr<UdpSocket>> UdpSocket::open(Loop& loop, const SocketAddress& local,
                                                   OnBatch on_batch) {
    FileDescriptor opened = PICKET_TRY(open_local_socket(SocketKind::datagram, local));
    std::unique_ptr<UdpSocket> socket(
        new UdpSocket(std::move(opened), local.ip.family, std::move(on_batch)));
    socket->enlarge_buffer();
    socket->poll_ = std::make_unique<Poll>(loop, socket->socket_.get(),
                                           [raw = socket.get()](int) { raw->on_readable(); });
    socket->poll_->watch(UV_READABLE);
    return socket;
}

void UdpSocket::enlarge_buffer() {
    const int bytes = receive_buffer_bytes;
    if (setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) == 0) return;
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

void UdpSocket::on_readable() {
    for (int i = 0; i < batches_per_event_max; ++i) {
        if (read_batch() < batch_max) return;
    }
}

// Returns how many came; fewer than batch_max where no more wait.
std::size_t UdpSocket::read_batch() {
    std::array<mmsghdr, batch_max> messages{};
    std::array<iovec, batch_max> parts{};
    std::array<sockaddr_storage, batch_max> senders;  // The kernel fills what it uses.
    for (std::size_t i = 0; i < batch_max; ++i) {
        parts[i] = {buffer_.get() + i * datagram_bytes_max, datagram_bytes_max};
        messages[i].msg_hdr.msg_name = &senders[i];
        messages[i].msg_hdr.msg_namelen = sizeof senders[i];
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int count = recvmmsg(socket_.get(), messages.data(), batch_max, MSG_DONTWAIT, nullptr);
    if (count <= 0) {
        if (count < 0 && errno != EAGAIN && errno != EINTR) ++counters_.receive_errors;
        return 0;
    }
    std::array<Datagram, batch_max> batch;
    std::size_t filled = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        const auto from = from_kernel(reinterpret_cast<const sockaddr*>(&senders[i]),
                                      messages[i].msg_hdr.msg_namelen);
        if (!from.has_value()) continue;
        batch[filled++] = {unmapped(*from),
                           {static_cast<const char*>(parts[i].iov_base), messages[i].msg_len}};
    }
    counters_.received += filled;
    on_batch_(std::span(batch.data(), filled));
    return static_cast<std::size_t>(count);
}

void UdpSocket::send(const SocketAddress& to, std::string_view bytes) {
    const KernelAddress address = to_kernel(family_ == IpAddress::Family::v6 ? mapped(to) : to);
    const ssize_t sent = sendto(socket_.get(), bytes.data(), bytes.size(),
                                MSG_DONTWAIT | MSG_NOSIGNAL, address.get(), address.length);
    if (sent >= 0) {
        ++counters_.sent;
    } else if (errno == EAGAIN || errno == ENOBUFS) {
        ++counters_.sends_blocked;
    } else {
        ++counters_.send_errors;
    }
}

}  // namespace picket::io
