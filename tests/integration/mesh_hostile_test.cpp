// What anybody can send to an agent's port, and what comes of it: nothing.

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/test_mesh.h"

namespace picket::testing {
namespace {

// A silent connection; twice the time that a stream has.
constexpr std::chrono::seconds closes_within{20};

// Sends packets of random bytes and of broken messages to 127.0.0.1:7946, at this rate.
void flood(int per_second, std::chrono::seconds duration) {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(7946);
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    std::mt19937 random(7);  // The same packets in each run.
    std::string packet(1400, '\0');
    const auto begin = std::chrono::steady_clock::now();
    int sent = 0;
    for (;;) {
        const auto elapsed = std::chrono::steady_clock::now() - begin;
        if (elapsed >= duration) break;
        const auto due = std::chrono::duration<double>(elapsed).count() * per_second;
        for (; sent < due; ++sent) {
            for (std::size_t i = 0; i < 64; ++i) packet[i] = static_cast<char>(random());
            // Half of them begin like a message: any type, the compressed ones among them.
            if (sent % 2 == 0) packet[0] = static_cast<char>(random() % 16);
            sendto(fd, packet.data(), 1 + random() % packet.size(), MSG_DONTWAIT,
                   reinterpret_cast<const sockaddr*>(&to), sizeof to);
        }
        poll(nullptr, 0, 1);
    }
    close(fd);
}

// A machine that has much else to do can hold an agent up as well: one of so many floods that
// does not is enough.
constexpr int floods_max = 3;

std::size_t occurrences(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
    return count;
}

// What a flood must not bring about: turns of a check that are missed, and a1 held failed.
struct Harm {
    std::uint64_t slots_skipped;
    std::size_t failures;
    bool operator==(const Harm&) const = default;
};

Harm harm(TestMesh& mesh) {
    const Json counters = mesh.agent(0).json({"status"})["agent"]["counters"];
    return {counters["slots_skipped"],
            occurrences(mesh.agent(1).picket({"events"}).output, "a1 has failed")};
}

// A check that is asked often, so that a loop which is held up misses its turn.
constexpr const char* busy_check =
    "[command.busy]\ncommand = [\"/bin/true\"]\ninterval = \"1s\"\ntimeout = \"900ms\"\n";

void withstands(TestMesh& mesh, bool sealed) {
    mesh.agent(0).define("busy.toml", busy_check);
    mesh.start();
    mesh.agent(0).await_state("busy", "up");
    bool unharmed = false;
    for (int i = 0; i < floods_max && !unharmed; ++i) {
        const Harm before = harm(mesh);
        flood(20'000, std::chrono::seconds(4));
        unharmed = harm(mesh) == before;
    }
    // It went on asking, and the others found it alive.
    CHECK(unharmed);
    const Json status = mesh.agent(0).json({"status"});
    const Json& counters = status["agent"]["counters"];
    INFO(status.dump(2));
    CHECK(counters["gossip_messages_refused"] > 1000);
    // In clear a few begin, by chance, like a message of picket's; sealed, none is looked at.
    if (sealed) CHECK(counters["gossip_messages_unknown"] == 0);
    mesh.await_alive(mesh.size());
}

TEST_CASE("a flood of malformed packets delays no probe and makes nobody fail") {
    TestMesh mesh(3);
    withstands(mesh, false);
}

TEST_CASE("with a key set, a flood of unauthenticated packets is refused unread") {
    TemporaryDirectory directory;
    const std::string keyring =
        directory.write("keyring", run({program("picket"), "key", "generate"}).output);
    chmod(keyring.c_str(), 0640);
    TestMesh mesh(3, fmt::format("profile = \"local\"\nkeyring = \"{}\"\n", keyring));
    withstands(mesh, true);
}

// A TCP connection to the port of the first agent.
class Connection {
public:
    Connection() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(7946);
        inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
        connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    }
    ~Connection() { close(fd_); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    bool connected() const { return connected_; }
    void write(std::string_view bytes) const {
        CHECK(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(bytes.size()));
    }
    // Whether the other side closes in time, whatever it says before.
    bool closed() const {
        const int milliseconds = static_cast<int>(std::chrono::milliseconds(closes_within).count());
        std::array<char, 256> bytes{};
        pollfd waiting{fd_, POLLIN, 0};
        while (poll(&waiting, 1, milliseconds) > 0) {
            if (recv(fd_, bytes.data(), bytes.size(), 0) <= 0) return true;
        }
        return false;
    }

private:
    int fd_;
    bool connected_ = false;
};

TEST_CASE("silent connections are closed in time, and do not keep others out") {
    // With ten seconds for a stream, so that none ends while the last still connect.
    TestMesh mesh(1, "profile = \"lan\"\n");
    mesh.start();
    std::vector<std::unique_ptr<Connection>> silent;
    for (int i = 0; i < 200; ++i) {
        silent.push_back(std::make_unique<Connection>());
        REQUIRE(silent.back()->connected());
    }
    // Up to the limit they wait for a message that does not come; those beyond are let go.
    for (const auto& connection : silent) CHECK(connection->closed());
    const Json counters = mesh.agent(0).json({"status"})["agent"]["counters"];
    CHECK(counters["gossip_streams_accepted"] == 200);
    // Fewer where the first ones' time was over before the last had connected.
    CHECK(counters["gossip_streams_refused"] > 0);
    CHECK(counters["gossip_streams_refused"] <= 73);

    TestAgent late("a2");
    late.configure(
        "[gossip]\nbind = \"127.0.0.2:7946\"\njoin = [\"127.0.0.1\"]\nprofile = \"local\"\n");
    late.start();
    await([&] { return member_state(late, "a1") == "alive"; },
          [&] { return late.json({"members"}).dump(2); });
}

TEST_CASE("a stream of nonsense is closed at once, and counted") {
    TestMesh mesh(1);
    mesh.start();
    const Connection connection;
    connection.write("GET / HTTP/1.1\r\nHost: picket\r\n\r\n");
    CHECK(connection.closed());
    CHECK(mesh.agent(0).json({"status"})["agent"]["counters"]["gossip_messages_refused"] == 1);
}

}  // namespace
}  // namespace picket::testing
