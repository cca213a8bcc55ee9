#include "agent/io/poll.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "agent/base/assert.h"
#include "agent/io/file_descriptor.h"

namespace picket::io {
namespace {

// A pipe whose read end is watched.
struct Pipe {
    Pipe() {
        std::array<int, 2> ends{};
        PICKET_ASSERT(pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
        read_end = FileDescriptor(ends[0]);
        write_end = FileDescriptor(ends[1]);
    }
    void write() const { PICKET_ASSERT(::write(write_end.get(), "x", 1) == 1); }

    FileDescriptor read_end;
    FileDescriptor write_end;
};

TEST_CASE("an event comes while its state lasts, and not where none is waited for") {
    Loop loop;
    const Pipe pipe;
    std::vector<int> seen;
    Poll poll(loop, pipe.read_end.get(), [&](int events) { seen.push_back(events); });
    pipe.write();
    loop.run_ready();
    CHECK(seen.empty());
    poll.watch(UV_READABLE);
    loop.run_ready();
    loop.run_ready();
    CHECK(seen == std::vector<int>{UV_READABLE, UV_READABLE});
    poll.watch(0);
    loop.run_ready();
    CHECK(seen.size() == 2);
}

TEST_CASE("a hang-up is for whoever reads or writes next") {
    Loop loop;
    Pipe pipe;
    int seen = 0;
    Poll poll(loop, pipe.read_end.get(), [&](int events) { seen = events; });
    poll.watch(UV_READABLE);
    pipe.write_end = FileDescriptor();
    loop.run_ready();
    CHECK(seen == (UV_READABLE | UV_WRITABLE));
}

TEST_CASE("a Poll may end itself and another from within its event") {
    Loop loop;
    const Pipe pipes[2];
    std::array<std::unique_ptr<Poll>, 2> polls;
    int events = 0;
    for (std::size_t i = 0; i < 2; ++i) {
        polls[i] = std::make_unique<Poll>(loop, pipes[i].read_end.get(), [&](int) {
            ++events;
            for (auto& poll : polls) poll.reset();
        });
        polls[i]->watch(UV_READABLE);
        pipes[i].write();
    }
    loop.run_ready();
    CHECK(events == 1);
}

TEST_CASE("an event of a closed descriptor is not taken for one of its successor") {
    Loop loop;
    const Pipe first;
    auto second = std::make_unique<Pipe>();
    auto third = std::make_unique<Pipe>();
    const int number = second->read_end.get();
    std::optional<Poll> closing;
    std::optional<Poll> successor;
    int wrong = 0;
    auto dying = std::make_unique<Poll>(loop, number, [&](int) { ++wrong; });
    // Its event has come too, when its descriptor is closed and its number given to a
    // pipe on which there is nothing to read.
    closing.emplace(loop, first.read_end.get(), [&](int) {
        closing->watch(0);
        dying.reset();
        second.reset();
        PICKET_ASSERT(dup2(third->read_end.get(), number) == number);
        successor.emplace(loop, number, [&](int) { ++wrong; });
        successor->watch(UV_READABLE);
    });
    closing->watch(UV_READABLE);
    first.write();
    second->write();
    dying->watch(UV_READABLE);
    loop.run_ready();
    loop.run_ready();
    CHECK(wrong == 0);
    successor.reset();
    ::close(number);
}

TEST_CASE("a loop runs as long as something is waited for") {
    Loop loop;
    const Pipe pipe;
    int events = 0;
    std::optional<Poll> poll;
    poll.emplace(loop, pipe.read_end.get(), [&](int) {
        if (++events == 2) poll->watch(0);
    });
    loop.run();  // Nothing is waited for yet.
    poll->watch(UV_READABLE);
    pipe.write();
    loop.run();
    CHECK(events == 2);
}

}  // namespace
}  // namespace picket::io
