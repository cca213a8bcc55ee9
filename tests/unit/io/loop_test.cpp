#include "agent/io/loop.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "agent/io/clock.h"
#include "agent/io/timer.h"

namespace picket::io {
namespace {

using namespace std::chrono_literals;

TEST_CASE("posted tasks run in order, on a later turn") {
    Loop loop;
    std::vector<int> seen;
    loop.post([&] {
        seen.push_back(1);
        loop.post([&] { seen.push_back(3); });
    });
    loop.post([&] { seen.push_back(2); });
    CHECK(seen.empty());
    loop.run();
    CHECK(seen == std::vector<int>{1, 2, 3});
}

TEST_CASE("a timer never fires early") {
    Loop loop;
    const Instant due = monotonic_now() + 3ms;
    Instant fired{};
    Timer timer(loop, [&] { fired = monotonic_now(); });
    timer.set(due);
    loop.run();
    CHECK(fired >= due);
}

TEST_CASE("a timer may be destroyed by what it calls") {
    Loop loop;
    std::unique_ptr<Timer> timer;
    int fired = 0;
    timer = std::make_unique<Timer>(loop, [&] {
        timer.reset();
        ++fired;
    });
    timer->set(monotonic_now());
    loop.run();
    CHECK(fired == 1);
}

TEST_CASE("a cleared timer does not fire") {
    Loop loop;
    Timer timer(loop, [] { FAIL("fired"); });
    timer.set(monotonic_now() + 1ms);
    timer.set(never);
    loop.run();
}

}  // namespace
}  // namespace picket::io
