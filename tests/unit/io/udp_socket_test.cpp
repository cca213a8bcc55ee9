#include "agent/io/udp_socket.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/loopback_server.h"
#include "tests/support/process.h"

namespace picket::io {
namespace {

using testing::run_until;

SocketAddress here(const char* ip) {
    return {parse_ip(ip).value(), static_cast<std::uint16_t>(testing::free_port())};
}

struct Received {
    std::vector<std::string> bytes;
    std::vector<SocketAddress> from;
    std::size_t largest_batch = 0;

    UdpSocket::OnBatch on_batch() {
        return [this](std::span<const Datagram> batch) {
            largest_batch = std::max(largest_batch, batch.size());
            for (const Datagram& datagram : batch) {
                bytes.emplace_back(datagram.bytes);
                from.push_back(datagram.from);
            }
        };
    }
};

TEST_CASE("datagrams go there and back, whole, with their sender") {
    for (const char* ip : {"127.0.0.1", "::1"}) {
        Loop loop;
        Received one;
        Received two;
        const SocketAddress first = here(ip);
        const SocketAddress second = here(ip);
        const auto a = UdpSocket::open(loop, first, one.on_batch()).value();
        const auto b = UdpSocket::open(loop, second, two.on_batch()).value();
        const std::string large(60'000, 'x');
        a->send(second, "hello");
        a->send(second, large);
        REQUIRE(run_until(loop, [&] { return two.bytes.size() == 2; }));
        CHECK(two.bytes == std::vector<std::string>{"hello", large});
        CHECK(two.from[0] == first);
        b->send(two.from[0], "back");
        REQUIRE(run_until(loop, [&] { return one.bytes.size() == 1; }));
        CHECK(a->counters().sent == 2);
        CHECK(a->counters().received == 1);
    }
}

TEST_CASE("what waits is read many at a time") {
    Loop loop;
    Received received;
    const SocketAddress address = here("127.0.0.1");
    const auto socket = UdpSocket::open(loop, address, received.on_batch()).value();
    for (int i = 0; i < 100; ++i) socket->send(address, std::to_string(i));
    REQUIRE(run_until(loop, [&] { return received.bytes.size() == 100; }));
    CHECK(received.largest_batch == UdpSocket::batch_max);
    CHECK(received.bytes.back() == "99");
}

TEST_CASE("a socket bound to :: speaks IPv4, and shows its addresses as such") {
    Loop loop;
    Received six;
    Received four;
    const SocketAddress every = here("::");
    const SocketAddress v4 = here("127.0.0.1");
    const auto a = UdpSocket::open(loop, every, six.on_batch()).value();
    const auto b = UdpSocket::open(loop, v4, four.on_batch()).value();
    a->send(v4, "from six");
    b->send({v4.ip, every.port}, "from four");
    REQUIRE(run_until(loop, [&] { return six.bytes.size() == 1 && four.bytes.size() == 1; }));
    CHECK(six.from[0] == v4);
    CHECK(to_text(four.from[0].ip) == "127.0.0.1");
}

TEST_CASE("what cannot be sent is counted, and a taken port is an error") {
    Loop loop;
    const SocketAddress address = here("127.0.0.1");
    const auto socket = UdpSocket::open(loop, address, [](auto) {}).value();
    socket->send({parse_ip("::1").value(), 9}, "x");
    socket->send(address, std::string(66'000, 'x'));
    CHECK(socket->counters().send_errors == 2);
    CHECK(UdpSocket::open(loop, address, [](auto) {}).error().message() ==
          "bind " + to_text(address) + "/udp: address already in use");
}

}  // namespace
}  // namespace picket::io
