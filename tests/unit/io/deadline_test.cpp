#include "agent/io/deadline.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>

#include "agent/io/clock.h"
#include "agent/io/poll.h"

namespace picket::io {
namespace {

using namespace std::chrono_literals;

// What the loop of a starved process does: nothing, for so long.
void stall(Duration length) {
    const auto whole = std::chrono::ceil<std::chrono::milliseconds>(length);
    ::poll(nullptr, 0, static_cast<int>(whole.count()));
}

// A deadline in 20 ms, an answer that is there before, and a loop that sees to neither in time.
struct HeldUp {
    Loop loop;
    std::array<int, 2> ends{};
    std::string seen;
    Deadline deadline{loop, [this] {
                          seen += "deadline ";
                          loop.stop();
                      }};
    std::unique_ptr<Poll> answer;

    HeldUp() {
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
        answer = std::make_unique<Poll>(loop, ends[0], [this](int) {
            seen += "answer ";
            answer.reset();
        });
        answer->watch(UV_READABLE);
    }
    ~HeldUp() {
        answer.reset();
        close(ends[0]);
        close(ends[1]);
    }

    void run(Duration late) {
        deadline.set(monotonic_now() + 20ms);
        REQUIRE(write(ends[1], "!", 1) == 1);
        stall(20ms + late);
        loop.run();
    }
};

TEST_CASE("an answer that waits in the kernel beats a deadline that comes late") {
    HeldUp held;
    held.run(50ms);
    CHECK(held.seen == "answer deadline ");
}

TEST_CASE("what waited for longer than a stall is old news") {
    HeldUp held;
    held.run(Deadline::stall_max + 10ms);
    CHECK(held.seen.starts_with("deadline "));  // The turn of the loop goes on.
}

TEST_CASE("a deadline that looks is not put off by being set again") {
    Loop loop;
    bool fired = false;
    const Instant at = monotonic_now();
    Deadline deadline(
        loop, [&] { fired = true; }, 20ms);
    deadline.set(at);
    stall(10ms);

    constexpr int sets_max = 200;
    int sets = 0;
    Timer again(loop, [&] {
        if (fired || ++sets == sets_max) return;
        deadline.set(at);
        again.set(monotonic_now() + 5ms);
    });
    again.set(monotonic_now() + 5ms);
    loop.run();
    CHECK(fired);
    CHECK(sets < sets_max);
}

}  // namespace
}  // namespace picket::io
