#include "agent/io/tcp_stream.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <vector>

#include "tests/support/loopback_server.h"

namespace picket::io {
namespace {

using testing::LoopbackServer;
using testing::run_until;
using Peer = LoopbackServer::Peer;

// What a stream told, in order.
struct Told {
    std::string bytes;
    std::vector<std::string> events;
    int error_number = 0;

    TcpStream::Events events_of() {
        return {.on_connected = [this] { events.emplace_back("connected"); },
                .on_bytes = [this](std::string_view more) { bytes += more; },
                .on_end =
                    [this](StreamEnd end) {
                        events.emplace_back(end == StreamEnd::closed ? "closed" : "limit");
                    },
                .on_error =
                    [this](const StreamError& error) {
                        events.push_back(error.message);
                        error_number = error.error_number;
                    }};
    }
};

TEST_CASE("a stream connects, sends, receives and sees the peer's end") {
    Loop loop;
    LoopbackServer server(loop, [](Peer& peer) {
        if (!peer.received.ends_with("world")) return;
        peer.send("you said " + peer.received);
        peer.close();
    });
    Told told;
    TcpStream stream(loop, {.peer = server.address()}, told.events_of());
    stream.write("hello ");
    stream.write("world");
    CHECK(told.events.empty());
    CHECK(run_until(loop, [&] { return told.events.size() == 2; }));
    CHECK(told.events == std::vector<std::string>{"connected", "closed"});
    CHECK(told.bytes == "you said hello world");
}

TEST_CASE("a refused connection is one error with its errno") {
    Loop loop;
    Told told;
    const SocketAddress peer = testing::refusing_address();
    TcpStream stream(loop, {.peer = peer}, told.events_of());
    stream.write("never sent");
    CHECK(run_until(loop, [&] { return !told.events.empty(); }));
    loop.run_ready();
    CHECK(told.events ==
          std::vector<std::string>{"connect " + to_text(peer) + ": connection refused"});
    CHECK(told.error_number == ECONNREFUSED);
}

TEST_CASE("a source address that is not ours is an error that says so, later") {
    Loop loop;
    LoopbackServer server(loop, [](Peer&) {});
    Told told;
    TcpStream stream(loop, {.peer = server.address(), .source = parse_ip("192.0.2.1").value()},
                     told.events_of());
    stream.write("never sent");
    CHECK(told.events.empty());
    CHECK(run_until(loop, [&] { return !told.events.empty(); }));
    CHECK(told.events ==
          std::vector<std::string>{"bind source 192.0.2.1: cannot assign requested address"});
    CHECK(told.error_number == EADDRNOTAVAIL);
}

TEST_CASE("a stream leaves from the source address that it was given") {
    Loop loop;
    LoopbackServer server(loop, [](Peer& peer) { peer.send("x"); });
    Told told;
    TcpStream stream(loop, {.peer = server.address(), .source = parse_ip("127.0.0.7").value()},
                     told.events_of());
    CHECK(run_until(loop, [&] { return told.bytes == "x"; }));
}

TEST_CASE("reading stops at the limit, exactly, and says so once") {
    Loop loop;
    LoopbackServer server(loop, [](Peer& peer) {
        if (peer.events == 1) peer.send_for_ever(std::string(3000, 'x'));
    });
    Told told;
    TcpStream stream(loop, {.peer = server.address(), .read_bytes_max = 50'001}, told.events_of());
    CHECK(run_until(loop, [&] { return told.events.size() == 2; }));
    for (int turns = 0; turns < 10; ++turns) loop.run_ready();
    CHECK(told.events == std::vector<std::string>{"connected", "limit"});
    CHECK(told.bytes.size() == 50'001);
}

TEST_CASE("a reset is an error, not an end") {
    Loop loop;
    LoopbackServer server(loop, [](Peer& peer) {
        if (!peer.received.empty()) peer.reset();
    });
    Told told;
    TcpStream stream(loop, {.peer = server.address()}, told.events_of());
    stream.write("x");
    CHECK(run_until(loop, [&] { return told.events.size() == 2; }));
    CHECK(told.error_number == ECONNRESET);
    CHECK(told.events[1] == "read from " + server.text() + ": connection reset by peer");
}

TEST_CASE("a peer that half-closes can still be written to") {
    Loop loop;
    LoopbackServer server(loop, [](Peer& peer) {
        if (peer.events == 1) peer.half_close();
    });
    Told told;
    TcpStream stream(loop, {.peer = server.address()}, told.events_of());
    CHECK(run_until(loop, [&] { return told.events.size() == 2; }));
    stream.write("still here");
    CHECK(run_until(loop, [&] { return server.peers()[0]->received == "still here"; }));
}

TEST_CASE("a destroyed stream closes its connection and is silent") {
    Loop loop;
    LoopbackServer server(loop, [](Peer& peer) { peer.send("x"); });
    Told told;
    auto stream = std::make_unique<TcpStream>(loop, TcpStream::Options{.peer = server.address()},
                                              told.events_of());
    stream.reset();
    stream = std::make_unique<TcpStream>(loop, TcpStream::Options{.peer = server.address()},
                                         told.events_of());
    CHECK(run_until(loop, [&] { return told.bytes == "x"; }));
    stream.reset();
    CHECK(run_until(loop, [&] { return server.peers().back()->ended; }));
    CHECK(told.events == std::vector<std::string>{"connected"});
}

TEST_CASE("a stream may be destroyed in any of its events") {
    Loop loop;
    LoopbackServer server(loop, [](Peer& peer) {
        peer.send("0123456789");
        peer.close();
    });
    std::unique_ptr<TcpStream> stream;
    const std::string marker(100, 'm');  // Captured: must outlive the event.
    int destroyed = 0;
    const auto destroy = [&stream, &destroyed, marker] {
        stream.reset();
        destroyed += marker.size() == 100 ? 1 : 0;
    };
    const auto open = [&](SocketAddress to, TcpStream::Events events) {
        stream = std::make_unique<TcpStream>(
            loop, TcpStream::Options{.peer = to, .read_bytes_max = 5}, std::move(events));
    };
    const auto never_ends = [](StreamEnd) { FAIL("an event after the last"); };
    open(server.address(), {.on_connected = destroy});
    CHECK(run_until(loop, [&] { return destroyed == 1; }));
    open(server.address(), {.on_bytes = [destroy](auto) { destroy(); }, .on_end = never_ends});
    CHECK(run_until(loop, [&] { return destroyed == 2; }));
    open(server.address(), {.on_end = [destroy](auto) { destroy(); }});
    CHECK(run_until(loop, [&] { return destroyed == 3; }));
    open(testing::refusing_address(), {.on_error = [destroy](const auto&) { destroy(); }});
    CHECK(run_until(loop, [&] { return destroyed == 4; }));
}

}  // namespace
}  // namespace picket::io
