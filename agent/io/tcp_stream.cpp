#include "agent/io/tcp_stream.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/errno_text.h"
#include "agent/io/sockaddr.h"
#include "agent/io/socket_fault.h"

namespace picket::io {
namespace {

constexpr unsigned read_chunk_bytes = 16 * 1024;

uv_stream_t* stream(uv_tcp_t* tcp) {
    return reinterpret_cast<uv_stream_t*>(tcp);
}

struct Write {
    uv_write_t request{};
    std::string bytes;
};

}  // namespace

// Belongs to the handle's callback, and so outlives a stream that is destroyed in
// one of its own events.
struct TcpStream::Session {
    Events events;
    std::string peer;
    std::size_t bytes_left = 0;
    bool over = false;  // on_error was called.

    static bool closed(const uv_tcp_t* tcp) { return static_cast<State*>(tcp->data)->closed; }

    void on(const Event& event) {
        if (over) return;
        switch (event.kind) {
            case Event::Kind::refused:
                return fail(std::string(event.bytes), event.error_number);
            case Event::Kind::connected:
                if (event.error_number != 0) return fail("connect " + peer, event.error_number);
                if (events.on_connected) events.on_connected();
                if (!over && !closed(event.tcp)) start_reading(event.tcp);
                return;
            case Event::Kind::read:
                return on_read(event);
            case Event::Kind::written:
                if (event.error_number != 0) fail("write to " + peer, event.error_number);
                return;
            case Event::Kind::finished:
                if (event.error_number != 0) return fail("finish " + peer, event.error_number);
                if (events.on_finished) events.on_finished();
                return;
        }
    }

    void on_read(const Event& event) {
        if (event.error_number != 0) return fail("read from " + peer, event.error_number);
        if (event.bytes.empty()) {
            if (events.on_end) events.on_end(StreamEnd::closed);
            return;
        }
        const std::string_view bytes = event.bytes.substr(0, bytes_left);
        bytes_left -= bytes.size();
        if (bytes_left == 0) uv_read_stop(stream(event.tcp));
        if (events.on_bytes) events.on_bytes(bytes);
        if (bytes_left > 0 || over || closed(event.tcp)) return;
        if (events.on_end) events.on_end(StreamEnd::limit);
    }

    void fail(const std::string& attempt, int error_number) {
        over = true;
        if (!events.on_error) return;
        events.on_error({error_number, fmt::format("{}: {}", attempt, errno_text(error_number))});
    }
};

TcpStream::TcpStream(Loop& loop, const Options& options, Events events)
    : handle_(make_handle<uv_tcp_t, const Event&>(
          [session = Session{std::move(events), to_text(options.peer), options.read_bytes_max}](
              const Event& event) mutable { session.on(event); },
          [&loop](uv_tcp_t* tcp) { uv_tcp_init(&loop.uv(), tcp); })) {
    PICKET_ASSERT(options.read_bytes_max > 0);
    open(loop, options);
}

TcpStream::TcpStream(Loop& loop, FileDescriptor accepted, const SocketAddress& peer, Events events)
    : handle_(make_handle<uv_tcp_t, const Event&>(
          [session = Session{std::move(events), to_text(peer), SIZE_MAX}](
              const Event& event) mutable { session.on(event); },
          [&loop](uv_tcp_t* tcp) { uv_tcp_init(&loop.uv(), tcp); })) {
    PICKET_ASSERT(uv_tcp_open(&handle_->uv, accepted.release()) == 0);
    start_reading(&handle_->uv);
}

void TcpStream::open(Loop& loop, const Options& options) {
    const int opened = socket(kernel_family(options.peer.ip.family),
                              SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (opened < 0) return refuse(loop, errno, "open a socket");
    const int bound = options.source.has_value() ? bind_source(opened, *options.source) : 0;
    if (bound != 0) {
        close(opened);
        return refuse(loop, bound, "bind source " + to_text(*options.source));
    }
    PICKET_ASSERT(uv_tcp_open(&handle_->uv, opened) == 0);

    auto request = std::make_unique<uv_connect_t>();
    const KernelAddress peer = to_kernel(options.peer);
    const int status = uv_tcp_connect(
        request.get(), &handle_->uv, peer.get(), [](uv_connect_t* finished, int result) {
            const std::unique_ptr<uv_connect_t> owned(finished);
            auto* tcp = reinterpret_cast<uv_tcp_t*>(finished->handle);
            State::fire(tcp, {Event::Kind::connected, tcp, -result, {}});
        });
    if (status != 0) return refuse(loop, -status, "connect " + to_text(options.peer));
    static_cast<void>(request.release());  // The callback's.
}

void TcpStream::refuse(Loop& loop, int error_number, std::string attempt) {
    refusal_ = std::make_unique<Timer>(loop, [this, error_number, attempt = std::move(attempt)] {
        uv_tcp_t* tcp = &handle_->uv;
        State::fire(tcp, {Event::Kind::refused, tcp, error_number, attempt});
    });
    refusal_->set(Instant{});
}

void TcpStream::start_reading(uv_tcp_t* tcp) {
    uv_read_start(
        stream(tcp),
        [](uv_handle_t*, std::size_t, uv_buf_t* buffer) {
            // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): the reader below owns it
            *buffer = uv_buf_init(new char[read_chunk_bytes], read_chunk_bytes);
        },
        [](uv_stream_t* from, ssize_t length, const uv_buf_t* buffer) {
            const std::unique_ptr<char[]> owned(buffer->base);
            auto* read_from = reinterpret_cast<uv_tcp_t*>(from);
            Event event{Event::Kind::read, read_from, 0, {}};
            if (length == 0) return;  // libuv's way to say "not now".
            if (length > 0) event.bytes = {buffer->base, static_cast<std::size_t>(length)};
            if (length < 0 && length != UV_EOF) event.error_number = static_cast<int>(-length);
            State::fire(read_from, event);
        });
}

void TcpStream::write(std::string bytes) {
    if (bytes.empty()) return;
    auto write = std::make_unique<Write>();
    write->bytes = std::move(bytes);
    write->request.data = write.get();
    const uv_buf_t buffer =
        uv_buf_init(write->bytes.data(), static_cast<unsigned>(write->bytes.size()));
    const int status = uv_write(
        &write->request, stream(&handle_->uv), &buffer, 1, [](uv_write_t* request, int result) {
            const std::unique_ptr<Write> owned(static_cast<Write*>(request->data));
            auto* tcp = reinterpret_cast<uv_tcp_t*>(request->handle);
            State::fire(tcp, {Event::Kind::written, tcp, -result, {}});
        });
    // Refused at once only where there is no connection, and that is told already.
    if (status == 0) static_cast<void>(write.release());
}

void TcpStream::finish() {
    auto request = std::make_unique<uv_shutdown_t>();
    const int status =
        uv_shutdown(request.get(), stream(&handle_->uv), [](uv_shutdown_t* finished, int result) {
            const std::unique_ptr<uv_shutdown_t> owned(finished);
            auto* tcp = reinterpret_cast<uv_tcp_t*>(finished->handle);
            State::fire(tcp, {Event::Kind::finished, tcp, -result, {}});
        });
    // As with a write: refused at once only where there is no connection.
    if (status == 0) static_cast<void>(request.release());
}

}  // namespace picket::io
