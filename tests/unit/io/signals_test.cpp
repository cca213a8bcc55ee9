#include "agent/io/signals.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <vector>

namespace picket::io {
namespace {

TEST_CASE("SIGTERM and SIGINT ask for the end, SIGHUP to read again") {
    Loop loop;
    std::vector<int> ends;
    int reloads = 0;
    const Signals signals(loop, {.on_end = [&](int signal) { ends.push_back(signal); },
                                 .on_reload = [&] { ++reloads; }});
    ::raise(SIGHUP);
    while (reloads == 0) loop.run_once();
    CHECK(ends.empty());
    ::raise(SIGTERM);
    while (ends.empty()) loop.run_once();
    ::raise(SIGINT);
    while (ends.size() < 2) loop.run_once();
    CHECK(ends == std::vector<int>{SIGTERM, SIGINT});
    CHECK(reloads == 1);
}

TEST_CASE("SIGPIPE is ignored and SIGCHLD has its default, whatever was inherited") {
    ::signal(SIGCHLD, SIG_IGN);
    Loop loop;
    const Signals signals(loop, {.on_end = [](int) {}, .on_reload = [] {}});
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    ::close(ends[0]);
    CHECK(::write(ends[1], "x", 1) == -1);
    ::close(ends[1]);
    const bool default_action = ::signal(SIGCHLD, SIG_DFL) == SIG_DFL;
    CHECK(default_action);
}

TEST_CASE("signals may be forgotten by what they call") {
    Loop loop;
    std::unique_ptr<Signals> signals;
    signals = std::make_unique<Signals>(
        loop, Signals::Handlers{.on_end = [&](int) { signals.reset(); }, .on_reload = [] {}});
    ::raise(SIGTERM);
    loop.run();
    CHECK(signals == nullptr);
}

}  // namespace
}  // namespace picket::io
