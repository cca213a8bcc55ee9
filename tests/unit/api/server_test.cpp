#include "agent/api/server.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/io/clock.h"
#include "agent/io/poll.h"
#include "agent/io/timer.h"
#include "tests/support/fake_backend.h"
#include "tests/support/temporary_directory.h"

namespace picket::api {
namespace {

using namespace std::chrono_literals;

// A client that writes what it is told and keeps what it gets.
class Client {
public:
    enum class Reads { yes, no };

    Client(io::Loop& loop, const std::string& path, Reads reads = Reads::yes)
        : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        poll_ = std::make_unique<io::Poll>(loop, fd_, [this](int) { receive(); });
        if (reads == Reads::yes) poll_->watch(UV_READABLE);
    }
    ~Client() {
        poll_.reset();
        close(fd_);
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void write(std::string_view text) {
        while (!text.empty()) {
            const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent < 0) return;  // Refused by the server, or no room: what it answers counts.
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    void get(std::string_view target) {
        write(fmt::format("GET {} HTTP/1.1\r\nHost: picket\r\nConnection: close\r\n\r\n", target));
    }
    void post(std::string_view target) {
        write(
            fmt::format("POST {} HTTP/1.1\r\nHost: picket\r\nConnection: close\r\n"
                        "Content-Length: 0\r\n\r\n",
                        target));
    }
    void start_reading() { poll_->watch(UV_READABLE); }

    bool has(std::string_view text) const { return received.find(text) != std::string::npos; }
    std::string status_line() const { return received.substr(0, received.find('\r')); }

    std::string received;
    bool closed = false;

private:
    // Until there is no more: libuv stops watching a descriptor that has an error.
    void receive() {
        std::array<char, 65536> buffer{};
        ssize_t got = 0;
        while ((got = recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0) {
            received.append(buffer.data(), static_cast<std::size_t>(got));
        }
        if (got < 0 && errno == EAGAIN) return;
        closed = true;
        poll_->watch(0);
    }

    int fd_;
    std::unique_ptr<io::Poll> poll_;
};

struct World {
    explicit World(Server::Options options = {}) {
        backend.status_view = sample_status();
        options.socket_path = path;
        options.group = "picket-test-no-such-group";
        auto opened = Server::open(loop, backend, options);
        REQUIRE_MESSAGE(opened.has_value(), opened.error().message());
        server = *std::move(opened);
    }

    // Runs the loop until `done` holds; a test that waits 20 s has failed.
    void until(const std::function<bool()>& done) {
        bool late = false;
        io::Timer guard(loop, [&] { late = true; });
        guard.set(io::monotonic_now() + 20s);
        while (!done() && !late) loop.run_once();
        REQUIRE_FALSE(late);
    }
    void until_closed(Client& client) {
        until([&] { return client.closed; });
    }

    // Waits for a request that takes time, and answers it.
    void answer_one() {
        until([&] { return server->waiting() == 1; });
        backend.answer_pending();
    }

    testing::TemporaryDirectory directory;
    std::string path = directory.path("run/picket.sock");
    FakeBackend backend;
    io::Loop loop;
    std::unique_ptr<Server> server;
};

Event event(std::string message) {
    Event made;
    made.at = sample_now;
    made.type = EventType::verdict;
    made.check = "homepage";
    made.from = "up";
    made.to = "down";
    made.message = std::move(message);
    return made;
}

TEST_CASE("the status is served over the socket") {
    World world;
    Client client(world.loop, world.path);
    client.get("/v1/status");
    world.until_closed(client);
    CHECK(client.status_line() == "HTTP/1.1 200 OK");
    CHECK(client.has("Content-Type: application/json"));
    CHECK(client.has(R"({"agent":{"name":"web-03")"));
}

TEST_CASE("two requests share one connection") {
    World world;
    Client client(world.loop, world.path);
    client.write("GET /v1/members HTTP/1.1\r\nHost: picket\r\n\r\n");
    world.until([&] { return client.has("members"); });
    client.received.clear();
    client.get("/v1/checks/edge-lb");
    world.answer_one();
    world.until_closed(client);
    CHECK(client.has(R"({"name":"edge-lb")"));
}

TEST_CASE("an escape in the path reaches the handler as it was sent") {
    World world;
    world.backend.outage_view.outage = world.backend.status_view.outages[0];
    Client client(world.loop, world.path);
    client.get("/v1/outages/homepage%237");
    world.answer_one();
    world.until_closed(client);
    CHECK(client.has(R"({"id":"homepage#7")"));
    Client slash(world.loop, world.path);
    slash.get("/v1/checks/a%2Fb");
    world.answer_one();
    world.until_closed(slash);
    CHECK(slash.has("there is no check 'a/b'"));
}

TEST_CASE(
    "the socket file is the owner's alone where there is no group, and goes with the server") {
    World world;
    struct stat file {};
    REQUIRE(stat(world.path.c_str(), &file) == 0);
    CHECK(S_ISSOCK(file.st_mode));
    CHECK((file.st_mode & 0777u) == 0600u);
    world.server.reset();
    CHECK(stat(world.path.c_str(), &file) != 0);
}

TEST_CASE("a socket that answers is refused, one of a dead agent is replaced") {
    World world;
    Server::Options options;
    options.socket_path = world.path;
    const auto second = Server::open(world.loop, world.backend, options);
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().message() == "another agent answers on " + world.path);

    const std::string stale = world.directory.path("stale.sock");
    const int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    stale.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    close(dead);
    options.socket_path = stale;
    CHECK(Server::open(world.loop, world.backend, options).has_value());
}

TEST_CASE("what is no socket, and a path that is too long, are refused with a reason") {
    World world;
    Server::Options options;
    options.socket_path = world.directory.path();
    auto opened = Server::open(world.loop, world.backend, options);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().message() == world.directory.path() + " exists and is not a socket");
    options.socket_path = "/tmp/" + std::string(200, 'x');
    opened = Server::open(world.loop, world.backend, options);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().message().find("a socket path has at most 107 bytes, this one has 205") !=
          std::string::npos);
}

TEST_CASE("a header that is too large gets 431") {
    World world;
    Client client(world.loop, world.path);
    client.write("GET /v1/status HTTP/1.1\r\nX-Long: " + std::string(40'000, 'x') + "\r\n\r\n");
    world.until_closed(client);
    CHECK(client.status_line().substr(0, 12) == "HTTP/1.1 431");
}

TEST_CASE("an address that is too long gets 414") {
    World world;
    Client client(world.loop, world.path);
    client.get("/v1/checks/" + std::string(2'000, 'x'));
    world.until_closed(client);
    CHECK(client.status_line().substr(0, 12) == "HTTP/1.1 414");
}

TEST_CASE("garbage is refused and hurts nobody else") {
    World world;
    for (const std::string_view garbage :
         {"\r\n\r\n\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02 hello\r\n\r\n",
          "GET /v1/status HTTP/9.9\r\n\r\n", "GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
          "POST /v1/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
          "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"}) {
        CAPTURE(garbage);
        Client client(world.loop, world.path);
        client.write(garbage);
        Client other(world.loop, world.path);
        other.get("/v1/status");
        world.until_closed(other);
        CHECK(other.status_line() == "HTTP/1.1 200 OK");
        CHECK_FALSE(client.has("HTTP/1.1 200"));
    }
    CHECK(world.backend.reloads == 0);
}

TEST_CASE("a body that is too long gets 413, declared or in chunks") {
    World world;
    const std::string body(1024 * 1024, 'x');
    Client declared(world.loop, world.path);
    declared.write("POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n");
    declared.write(body);
    world.until_closed(declared);
    CHECK(declared.status_line().substr(0, 12) == "HTTP/1.1 413");

    Client chunked(world.loop, world.path);
    chunked.write("POST /v1/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    chunked.write("8000\r\n" + std::string(0x8000, 'x') + "\r\n0\r\n\r\n");
    world.until([&] { return chunked.has("body_too_large"); });
    CHECK(chunked.status_line().substr(0, 12) == "HTTP/1.1 413");
    CHECK(world.backend.reloads == 0);
}

TEST_CASE("a reload is done for the agent's own user") {
    World world;
    Client client(world.loop, world.path);
    client.post("/v1/reload");
    world.answer_one();
    world.until_closed(client);
    CHECK(client.status_line() == "HTTP/1.1 200 OK");
    CHECK(world.backend.reloads == 1);
}

TEST_CASE("many clients at once are all served, also beyond connections_max") {
    Server::Options options;
    options.connections_max = 8;
    World world(options);
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 50; ++i) {
        clients.push_back(std::make_unique<Client>(world.loop, world.path));
        clients.back()->get("/v1/status");
    }
    for (auto& client : clients) {
        world.until_closed(*client);
        CHECK(client->status_line() == "HTTP/1.1 200 OK");
    }
}

TEST_CASE("a large document arrives whole") {
    World world;
    world.backend.status_view = large_status(3'000);
    Client client(world.loop, world.path);
    client.get("/v1/status");
    world.until_closed(client);
    CHECK(client.received.size() > 1'000'000);
    CHECK(client.has(R"("name":"check-2999")"));
    constexpr std::string_view end = "\"outages\":[]}\n";
    CHECK(client.received.substr(client.received.size() - end.size()) == end);
}

TEST_CASE("what takes time is answered when it is there") {
    World world;
    Client client(world.loop, world.path);
    client.post("/v1/checks/homepage/probe");
    world.until([&] { return world.server->waiting() == 1; });
    CHECK(client.received.empty());
    world.backend.answer_pending();
    world.until_closed(client);
    CHECK(client.has(R"({"check":"homepage","finding":"passed")"));
    CHECK(world.server->waiting() == 0);
}

TEST_CASE("an answer to a client that has gone is dropped") {
    World world;
    auto client = std::make_unique<Client>(world.loop, world.path);
    client->post("/v1/checks/homepage/probe");
    world.until([&] { return world.server->waiting() == 1; });
    client.reset();
    world.backend.answer_pending();
    world.until([&] { return world.server->waiting() == 0; });
}

TEST_CASE("an answer after the server has gone is dropped") {
    World world;
    Client client(world.loop, world.path);
    client.post("/v1/checks/homepage/probe");
    world.until([&] { return world.server->waiting() == 1; });
    world.server.reset();
    world.backend.answer_pending();
    world.until_closed(client);
    CHECK(client.status_line().substr(0, 12) == "HTTP/1.1 503");
    CHECK(client.has("the agent is stopping"));
}

TEST_CASE("events are streamed as they happen") {
    World world;
    Client client(world.loop, world.path);
    client.get("/v1/events");
    world.until([&] { return client.has(": events of picket\n\n"); });
    CHECK(client.has("Content-Type: text/event-stream"));
    CHECK(world.server->subscribers() == 1);
    world.backend.publish(event("first"));
    world.until([&] { return client.has("first"); });
    world.backend.publish(event("second"));
    world.until([&] { return client.has("second"); });
    CHECK(client.has("event: verdict\ndata: {\"at\":\"2026-11-23T03:00:00.123Z\""));
}

TEST_CASE("a stream starts with as much of the past as asked for") {
    World world;
    world.backend.recent_events = {event("one"), event("two"), event("three")};
    Client client(world.loop, world.path);
    client.get("/v1/events?recent=2");
    world.until([&] { return client.has("three"); });
    CHECK(client.has("two"));
    CHECK_FALSE(client.has("\"one\""));
}

TEST_CASE("a slow reader loses the oldest events and is told how many") {
    Server::Options options;
    options.events_queued_max = 8;
    World world(options);
    Client client(world.loop, world.path, Client::Reads::no);
    client.get("/v1/events");
    world.until([&] { return world.server->subscribers() == 1; });
    // More than the kernel takes between them.
    int published = 0;
    while (world.server->events_dropped() < 100) {
        world.backend.publish(event(fmt::format("event {}", ++published)));
        world.loop.run_ready();
    }
    client.start_reading();
    world.until([&] { return client.has(fmt::format("event {}\"", published)); });
    CHECK(client.has("events lost, this reader is too slow"));
}

TEST_CASE("a subscriber too many is refused, until one has left") {
    Server::Options options;
    options.subscribers_max = 1;
    World world(options);
    auto first = std::make_unique<Client>(world.loop, world.path);
    first->get("/v1/events");
    world.until([&] { return first->has(": events of picket"); });
    Client second(world.loop, world.path);
    second.get("/v1/events");
    world.until_closed(second);
    CHECK(second.status_line().substr(0, 12) == "HTTP/1.1 503");
    first.reset();
    Client third(world.loop, world.path);
    third.get("/v1/events");
    world.until([&] { return third.has(": events of picket"); });
}

TEST_CASE("a silent stream says that it is still there") {
    Server::Options options;
    options.keep_alive_interval = 5ms;
    World world(options);
    Client client(world.loop, world.path);
    client.get("/v1/events");
    world.until([&] { return client.has(": still here"); });
}

TEST_CASE("streams and waiting requests do not hold the server up at its end") {
    World world;
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 6; ++i) {
        clients.push_back(std::make_unique<Client>(world.loop, world.path));
        if (i % 3 == 0) clients.back()->get("/v1/events");
        if (i % 3 == 1) clients.back()->post("/v1/checks/homepage/probe");
        if (i % 3 == 2) clients.back()->write("GET /v1/sta");
    }
    world.until([&] { return world.server->subscribers() == 2 && world.server->waiting() == 2; });
    world.server.reset();
    CHECK(world.backend.subscribers.empty());
    for (auto& client : clients) world.until_closed(*client);
}

}  // namespace
}  // namespace picket::api
