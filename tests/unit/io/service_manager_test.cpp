#include "agent/io/service_manager.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <optional>
#include <string>

#include "agent/io/clock.h"
#include "agent/io/file_descriptor.h"
#include "agent/io/poll.h"
#include "tests/support/temporary_directory.h"

namespace picket::io {
namespace {

// A service manager's end: the socket, and the environment that leads to it.
class Listener {
public:
    Listener() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        const std::string path = directory_.path("notify");
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        REQUIRE(path.size() < sizeof(address.sun_path));
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address),
                       sizeof(address)) == 0);
        ::setenv("NOTIFY_SOCKET", path.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): one thread.
    }
    ~Listener() {
        ::unsetenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe): one thread.
        ::unsetenv("WATCHDOG_USEC");  // NOLINT(concurrency-mt-unsafe): one thread.
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    std::optional<std::string> receive() {
        std::array<char, 4096> bytes{};
        const ssize_t length = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
        if (length < 0) return std::nullopt;
        return std::string(bytes.data(), static_cast<std::size_t>(length));
    }

    int fd() const { return socket_.get(); }

private:
    testing::TemporaryDirectory directory_;
    FileDescriptor socket_;
};

TEST_CASE("the service manager is told of every step") {
    Listener listener;
    Loop loop;
    ServiceManager manager(loop);
    CHECK_FALSE(listener.receive());
    manager.ready();
    CHECK(listener.receive() == "READY=1");
    const Instant before = monotonic_now();
    manager.reloading();
    const std::string reloading = listener.receive().value_or("");
    const std::string prefix = "RELOADING=1\nMONOTONIC_USEC=";
    REQUIRE(reloading.rfind(prefix, 0) == 0);
    const Instant at{Duration(std::stoll(reloading.substr(prefix.size())))};
    CHECK(at >= before);
    CHECK(at <= monotonic_now());
    manager.status("12 checks\nREADY=1");
    CHECK(listener.receive() == "STATUS=12 checks?READY=1");
    manager.stopping();
    CHECK(listener.receive() == "STOPPING=1");
    CHECK_FALSE(loop.run_ready());  // No watchdog, no timer.
}

TEST_CASE("a watchdog is kept content from the loop, and only from the loop") {
    Listener listener;
    ::setenv("WATCHDOG_USEC", "20000", 1);  // NOLINT(concurrency-mt-unsafe): one thread.
    Loop loop;
    const Instant begun = monotonic_now();
    const ServiceManager manager(loop);
    CHECK(listener.receive() == "WATCHDOG=1");
    int received = 0;
    Poll poll(loop, listener.fd(), [&](int) {
        while (const auto message = listener.receive()) {
            CHECK(*message == "WATCHDOG=1");
            ++received;
        }
    });
    poll.watch(UV_READABLE);
    while (received < 3) loop.run_once();
    CHECK(monotonic_now() - begun >= std::chrono::milliseconds(30));
}

TEST_CASE("without a service manager nothing is told and nothing fails") {
    Loop loop;
    ServiceManager manager(loop);
    manager.ready();
    manager.reloading();
    manager.status("fine");
    manager.stopping();
    CHECK_FALSE(loop.run_ready());
}

}  // namespace
}  // namespace picket::io
