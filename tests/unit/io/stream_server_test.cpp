#include "agent/io/stream_server.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/io/tcp_stream.h"
#include "tests/support/loopback_server.h"
#include "tests/support/process.h"

namespace picket::io {
namespace {

using testing::run_until;

SocketAddress here(const char* ip) {
    return {parse_ip(ip).value(), static_cast<std::uint16_t>(testing::free_port())};
}

TEST_CASE("a stream that is accepted answers, finishes, and sees the other side's end") {
    for (const char* ip : {"127.0.0.1", "::1"}) {
        Loop loop;
        std::unique_ptr<TcpStream> accepted;
        SocketAddress peer;
        std::string asked;
        bool finished = false;
        bool ended = false;
        const SocketAddress address = here(ip);
        const auto server =
            StreamServer::open(loop, address, [&](FileDescriptor fd, const SocketAddress& from) {
                peer = from;
                accepted = std::make_unique<TcpStream>(
                    loop, std::move(fd), from,
                    TcpStream::Events{.on_bytes =
                                          [&](std::string_view bytes) {
                                              asked += bytes;
                                              if (asked != "question") return;
                                              accepted->write(std::string(1'000'000, 'a'));
                                              accepted->finish();
                                          },
                                      .on_end = [&](StreamEnd) { ended = true; },
                                      .on_finished = [&] { finished = true; }});
            }).value();
        std::string answer;
        bool answered = false;
        auto client = std::make_unique<TcpStream>(
            loop, TcpStream::Options{.peer = address},
            TcpStream::Events{.on_bytes = [&](std::string_view bytes) { answer += bytes; },
                              .on_end = [&](StreamEnd) { answered = true; }});
        client->write("question");
        REQUIRE(run_until(loop, [&] { return answered && finished; }));
        CHECK(answer.size() == 1'000'000);
        CHECK(to_text(peer.ip) == ip);
        CHECK_FALSE(ended);
        client.reset();
        CHECK(run_until(loop, [&] { return ended; }));
        CHECK(server->accepted() == 1);
    }
}

TEST_CASE("a server without descriptors leaves who waits alone, and takes them later") {
    Loop loop;
    std::vector<FileDescriptor> accepted;
    const SocketAddress address = here("127.0.0.1");
    const auto server = StreamServer::open(loop, address, [&](FileDescriptor fd, auto) {
                            accepted.push_back(std::move(fd));
                        }).value();
    bool connected = false;
    const TcpStream client(loop, {.peer = address}, {.on_connected = [&] { connected = true; }});
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{3, before.rlim_max};  // Those that are open stay so.
    setrlimit(RLIMIT_NOFILE, &none);
    const bool noticed = run_until(loop, [&] { return server->accept_errors() >= 3; });
    setrlimit(RLIMIT_NOFILE, &before);
    CHECK(noticed);
    CHECK(accepted.empty());
    CHECK(run_until(loop, [&] { return accepted.size() == 1; }));
    CHECK(connected);
}

TEST_CASE("a taken port is an error that names it") {
    Loop loop;
    const SocketAddress address = here("127.0.0.1");
    const auto server = StreamServer::open(loop, address, [](auto, auto) {}).value();
    CHECK(StreamServer::open(loop, address, [](auto, auto) {}).error().message() ==
          "bind " + to_text(address) + "/tcp: address already in use");
}

}  // namespace
}  // namespace picket::io
