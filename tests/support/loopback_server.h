// LoopbackServer: a TCP or TLS server on 127.0.0.1 that does what a test says.
//
// It runs on the test's own loop, so a test sees every order of events that it
// asks for and needs no thread and no sleep.

#pragma once

#include <openssl/types.h>
#include <uv.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/address.h"
#include "agent/base/time.h"
#include "agent/io/handle.h"
#include "agent/io/loop.h"
#include "agent/io/timer.h"

namespace picket::testing {

class LoopbackServer {
public:
    // One accepted connection.
    class Peer {
    public:
        // `tls` is null for plain TCP.
        Peer(io::Loop& loop, SSL_CTX* tls, std::function<void(Peer&)> on_event);
        ~Peer();

        void send(const std::string& bytes);
        // Sends `bytes` again and again, as fast as they are taken.
        void send_for_ever(std::string bytes);
        // Sends one byte of `bytes` each `interval`, over and over.
        void drip(std::string bytes, Duration interval);
        void half_close();  // Says that there is no more, but keeps reading.
        void close();
        void reset();  // Closes with a reset.

        // All that has come in, decrypted.
        std::string received;
        bool ended = false;      // The client closed, or half-closed.
        std::size_t events = 0;  // Calls of the handler so far.

    private:
        friend class LoopbackServer;
        struct Tls;

        void start();
        void write_raw(std::string bytes);
        void on_read(ssize_t length, const uv_buf_t* buffer);
        void on_written();
        void pump_tls();
        void report();

        io::Loop& loop_;
        io::Handle<uv_tcp_t, ssize_t, const uv_buf_t*> handle_;
        std::function<void(Peer&)> on_event_;
        std::unique_ptr<Tls> tls_;
        std::unique_ptr<io::Timer> drip_timer_;
        std::string repeated_;
    };

    // Called once a connection is accepted (under TLS: once it is secured), then
    // after everything that comes in, and when the client has closed.
    using Handler = std::function<void(Peer&)>;

    LoopbackServer(io::Loop& loop, Handler handler, SSL_CTX* tls = nullptr);

    SocketAddress address() const { return {{IpAddress::Family::v4, {127, 0, 0, 1}}, port_}; }
    std::string text() const { return to_text(address()); }  // "127.0.0.1:PORT"
    std::string url(const std::string& path = "/") const { return "http://" + text() + path; }

    const std::vector<std::unique_ptr<Peer>>& peers() const { return peers_; }

private:
    void accept();

    io::Loop& loop_;
    Handler handler_;
    SSL_CTX* tls_;
    io::Handle<uv_tcp_t, int> listener_;
    std::uint16_t port_ = 0;
    std::vector<std::unique_ptr<Peer>> peers_;
};

// Answers every whole request head with the same bytes, then closes.
LoopbackServer::Handler answers(std::string bytes);

// "HTTP/1.1 STATUS\r\nContent-Length: ...\r\n\r\nBODY"
std::string http_answer(const std::string& status, const std::string& body,
                        const std::string& headers = "");

// A port of 127.0.0.1 that refuses TCP and UDP. It is held until the program ends, so that
// nobody else can listen there meanwhile.
SocketAddress refusing_address();

// Turns the loop until `done()`, or until `patience` is over. Returns done().
bool run_until(io::Loop& loop, const std::function<bool()>& done,
               Duration patience = std::chrono::seconds(120));

}  // namespace picket::testing
