#include "agent/io/stream_server.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "agent/base/errno_text.h"
#include "agent/io/clock.h"
#include "agent/io/local_socket.h"
#include "agent/io/sockaddr.h"

namespace picket::io {
namespace {

// The connection that was next is gone; the one after it is not.
bool of_one_connection(int error_number) {
    switch (error_number) {
        case EINTR:
        case ECONNABORTED:
        case EPROTO:
        case EPERM:  // A firewall's word.
        case ENETDOWN:
        case ENETUNREACH:
        case EHOSTDOWN:
        case EHOSTUNREACH:
            return true;
        default:
            return false;
    }
}

}  // namespace

StreamServer::StreamServer(FileDescriptor socket, OnAccepted on_accepted)
    : socket_(std::move(socket)), on_accepted_(std::move(on_accepted)) {}

Result<std::unique_ptr<StreamServer>> StreamServer::open(Loop& loop, const SocketAddress& local,
                                                         OnAccepted on_accepted) {
    FileDescriptor opened = PICKET_TRY(open_local_socket(SocketKind::stream, local));
    if (listen(opened.get(), backlog_max) != 0) {
        return failure(Code::io,
                       fmt::format("listen on {}: {}", to_text(local), errno_text(errno)));
    }
    std::unique_ptr<StreamServer> server(
        new StreamServer(std::move(opened), std::move(on_accepted)));
    StreamServer* raw = server.get();
    server->poll_ =
        std::make_unique<Poll>(loop, raw->socket_.get(), [raw](int) { raw->on_readable(); });
    server->resume_ = std::make_unique<Timer>(loop, [raw] { raw->poll_->watch(UV_READABLE); });
    server->poll_->watch(UV_READABLE);
    return server;
}

void StreamServer::on_readable() {
    for (int i = 0; i < accepts_per_event_max; ++i) {
        KernelAddress peer;
        peer.length = sizeof peer.storage;
        FileDescriptor connection(
            accept4(socket_.get(), peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!connection.open()) {
            if (errno == EAGAIN) return;
            if (of_one_connection(errno)) continue;
            return pause();
        }
        pause_ = pause_min;
        ++accepted_;
        const auto from = from_kernel(peer.get(), peer.length);
        if (from.has_value()) on_accepted_(std::move(connection), unmapped(*from));
    }
}

void StreamServer::pause() {
    ++accept_errors_;
    poll_->watch(0);
    resume_->set(monotonic_now() + pause_);
    pause_ = std::min(2 * pause_, pause_max);
}

}  // namespace picket::io
