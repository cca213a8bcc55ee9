#include "tests/support/loopback_server.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "agent/base/assert.h"
#include "agent/io/clock.h"

namespace picket::testing {
namespace {

using PeerState = io::HandleState<uv_tcp_t, ssize_t, const uv_buf_t*>;

uv_stream_t* stream(uv_tcp_t& tcp) {
    return reinterpret_cast<uv_stream_t*>(&tcp);
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

struct Write {
    uv_write_t request{};
    std::string bytes;
    std::function<void()> written;
};

}  // namespace

// A TLS session between two memory buffers.
struct LoopbackServer::Peer::Tls {
    explicit Tls(SSL_CTX* context) : ssl(SSL_new(context)) {
        SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_accept_state(ssl);
    }
    ~Tls() { SSL_free(ssl); }
    Tls(const Tls&) = delete;
    Tls& operator=(const Tls&) = delete;

    std::string take_output() {
        std::string bytes(BIO_ctrl_pending(SSL_get_wbio(ssl)), '\0');
        if (!bytes.empty())
            BIO_read(SSL_get_wbio(ssl), bytes.data(), static_cast<int>(bytes.size()));
        return bytes;
    }

    SSL* ssl;
    bool secured = false;
};

LoopbackServer::Peer::Peer(io::Loop& loop, SSL_CTX* tls, std::function<void(Peer&)> on_event)
    : loop_(loop),
      handle_(io::make_handle<uv_tcp_t, ssize_t, const uv_buf_t*>(
          [this](ssize_t length, const uv_buf_t* buffer) { on_read(length, buffer); },
          [&loop](uv_tcp_t* tcp) { uv_tcp_init(&loop.uv(), tcp); })),
      on_event_(std::move(on_event)),
      tls_(tls == nullptr ? nullptr : std::make_unique<Tls>(tls)) {}

LoopbackServer::Peer::~Peer() = default;

void LoopbackServer::Peer::start() {
    uv_read_start(
        stream(handle_->uv),
        [](uv_handle_t*, std::size_t, uv_buf_t* buffer) {
            constexpr unsigned chunk_bytes = 4096;
            *buffer = uv_buf_init(new char[chunk_bytes], chunk_bytes);
        },
        [](uv_stream_t* from, ssize_t length, const uv_buf_t* buffer) {
            PeerState::fire(reinterpret_cast<uv_tcp_t*>(from), length, buffer);
            delete[] buffer->base;
        });
    if (tls_ == nullptr) report();
}

void LoopbackServer::Peer::report() {
    ++events;
    on_event_(*this);
}

void LoopbackServer::Peer::on_read(ssize_t length, const uv_buf_t* buffer) {
    if (length < 0) {
        ended = true;
        uv_read_stop(stream(handle_->uv));
    } else if (tls_ != nullptr) {
        BIO_write(SSL_get_rbio(tls_->ssl), buffer->base, static_cast<int>(length));
        pump_tls();
        return;
    } else {
        received.append(buffer->base, static_cast<std::size_t>(length));
    }
    report();
}

void LoopbackServer::Peer::pump_tls() {
    bool news = false;
    if (!tls_->secured && SSL_do_handshake(tls_->ssl) == 1) news = tls_->secured = true;
    std::array<char, 4096> plain{};
    for (int length = 1; tls_->secured && length > 0;) {
        length = SSL_read(tls_->ssl, plain.data(), static_cast<int>(plain.size()));
        if (length > 0) received.append(plain.data(), static_cast<std::size_t>(length));
        news = news || length > 0;
    }
    write_raw(tls_->take_output());
    if (news) report();
}

void LoopbackServer::Peer::send(const std::string& bytes) {
    if (tls_ == nullptr) return write_raw(bytes);
    SSL_write(tls_->ssl, bytes.data(), static_cast<int>(bytes.size()));
    write_raw(tls_->take_output());
}

void LoopbackServer::Peer::write_raw(std::string bytes) {
    if (handle_ == nullptr || bytes.empty()) return;
    auto* write = new Write;
    write->bytes = std::move(bytes);
    write->request.data = write;
    write->written = [this] { on_written(); };
    uv_buf_t buffer = uv_buf_init(write->bytes.data(), static_cast<unsigned>(write->bytes.size()));
    const int result = uv_write(
        &write->request, stream(handle_->uv), &buffer, 1, [](uv_write_t* request, int status) {
            const std::unique_ptr<Write> done(static_cast<Write*>(request->data));
            const auto* state = static_cast<PeerState*>(request->handle->data);
            if (status == 0 && !state->closed) done->written();
        });
    if (result != 0) delete write;
}

void LoopbackServer::Peer::on_written() {
    if (!repeated_.empty()) send(repeated_);
}

void LoopbackServer::Peer::send_for_ever(std::string bytes) {
    repeated_ = std::move(bytes);
    send(repeated_);
}

void LoopbackServer::Peer::drip(std::string bytes, Duration interval) {
    drip_timer_ = std::make_unique<io::Timer>(
        loop_, [this, interval, bytes = std::move(bytes), at = std::size_t{0}]() mutable {
            send(bytes.substr(at++ % bytes.size(), 1));
            drip_timer_->set(io::monotonic_now() + interval);
        });
    drip_timer_->set(io::monotonic_now());
}

void LoopbackServer::Peer::half_close() {
    auto* request = new uv_shutdown_t;
    const int result = uv_shutdown(request, stream(handle_->uv),
                                   [](uv_shutdown_t* finished, int) { delete finished; });
    if (result != 0) delete request;
}

void LoopbackServer::Peer::close() {
    drip_timer_.reset();
    if (handle_ == nullptr) return;
    // What was sent must arrive, so close only once it has gone out.
    auto* request = new uv_shutdown_t;
    request->data = this;
    const int result = uv_shutdown(request, stream(handle_->uv), [](uv_shutdown_t* finished, int) {
        auto* peer = static_cast<Peer*>(finished->data);
        const auto* state = static_cast<PeerState*>(finished->handle->data);
        if (!state->closed) peer->handle_.reset();
        delete finished;
    });
    if (result != 0) {
        delete request;
        handle_.reset();
    }
}

void LoopbackServer::Peer::reset() {
    drip_timer_.reset();
    if (handle_ == nullptr) return;
    uv_os_fd_t fd = -1;
    uv_fileno(reinterpret_cast<uv_handle_t*>(&handle_->uv), &fd);
    const linger at_once{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    handle_.reset();
}

LoopbackServer::LoopbackServer(io::Loop& loop, Handler handler, SSL_CTX* tls)
    : loop_(loop),
      handler_(std::move(handler)),
      tls_(tls),
      listener_(io::make_handle<uv_tcp_t, int>(
          [this](int) { accept(); }, [&loop](uv_tcp_t* tcp) { uv_tcp_init(&loop.uv(), tcp); })) {
    sockaddr_in address = loopback(0);
    PICKET_ASSERT(uv_tcp_bind(&listener_->uv, reinterpret_cast<sockaddr*>(&address), 0) == 0);
    const int listening =
        uv_listen(stream(listener_->uv), 128, [](uv_stream_t* server, int status) {
            io::HandleState<uv_tcp_t, int>::fire(reinterpret_cast<uv_tcp_t*>(server), status);
        });
    PICKET_ASSERT(listening == 0);
    int length = sizeof address;
    uv_tcp_getsockname(&listener_->uv, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
}

void LoopbackServer::accept() {
    auto peer = std::make_unique<Peer>(loop_, tls_, handler_);
    if (uv_accept(stream(listener_->uv), stream(peer->handle_->uv)) != 0) return;
    peers_.push_back(std::move(peer));
    peers_.back()->start();
}

LoopbackServer::Handler answers(std::string bytes) {
    return [bytes = std::move(bytes)](LoopbackServer::Peer& peer) {
        if (peer.received.find("\r\n\r\n") == std::string::npos) return;
        peer.received.clear();
        peer.send(bytes);
        peer.close();
    };
}

std::string http_answer(const std::string& status, const std::string& body,
                        const std::string& headers) {
    return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           headers + "\r\n" + body;
}

SocketAddress refusing_address() {
    constexpr int attempts = 100;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        const int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        sockaddr_in address = loopback(0);
        socklen_t length = sizeof address;
        const auto kernel = reinterpret_cast<sockaddr*>(&address);
        PICKET_ASSERT(bind(tcp, kernel, length) == 0);
        PICKET_ASSERT(getsockname(tcp, kernel, &length) == 0);
        // Connected to itself, it takes nobody else's datagrams: the kernel refuses those.
        if (bind(udp, kernel, length) == 0 && connect(udp, kernel, length) == 0)
            return {{IpAddress::Family::v4, {127, 0, 0, 1}}, ntohs(address.sin_port)};
        close(tcp);
        close(udp);
    }
    PICKET_ASSERT(!"a port of 127.0.0.1 is free for TCP and UDP");
    return {};
}

bool run_until(io::Loop& loop, const std::function<bool()>& done, Duration patience) {
    const Instant end = io::monotonic_now() + patience;
    io::Timer wake(loop, [] {});
    wake.set(end);
    // Asked before each wait, so that what a timer brought about is seen at once.
    const auto before_wait = io::make_handle<uv_prepare_t>(
        [&] {
            if (done() || io::monotonic_now() >= end) loop.stop();
        },
        [&loop](uv_prepare_t* prepare) { uv_prepare_init(&loop.uv(), prepare); });
    uv_prepare_start(&before_wait->uv, io::HandleState<uv_prepare_t>::fire);
    loop.run();
    return done();
}

}  // namespace picket::testing
