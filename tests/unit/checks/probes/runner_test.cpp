#include "checks/probes/runner.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/io/clock.h"
#include "agent/io/deadline.h"
#include "tests/support/loopback_server.h"
#include "tests/support/probe_run.h"

namespace picket::checks {
namespace {

using namespace std::chrono_literals;
using testing::run_until;

constexpr CheckKey key{7};

// Answers when it is told to, or at its deadline where it keeps to that.
class FakeProbe final : public Probe {
public:
    FakeProbe(io::Loop& loop, bool keeps_deadline)
        : keeps_deadline_(keeps_deadline), deadline_(loop, [this] {
              answer(failed(FailureClass::timeout, Duration{1}, "the probe's own words"));
          }) {}

    void start(Instant, Instant deadline, Done done) override {
        done_ = std::move(done);
        if (keeps_deadline_) deadline_.set(deadline);
    }
    void cancel() override {
        deadline_.clear();
        done_ = nullptr;
    }
    void answer(Outcome outcome) {
        deadline_.clear();
        std::exchange(done_, nullptr)(std::move(outcome));
    }
    bool in_flight() const { return done_ != nullptr; }

private:
    const bool keeps_deadline_;
    io::Deadline deadline_;
    Done done_;
};

struct Bench {
    io::Loop loop;
    Definition definition;
    bool keep_deadlines = true;
    std::vector<FakeProbe*> probes;
    std::vector<std::string> messages;
    Runner runner{loop,
                  {},
                  [this](const Definition&) {
                      auto probe = std::make_unique<FakeProbe>(loop, keep_deadlines);
                      probes.push_back(probe.get());
                      return probe;
                  },
                  [this](CheckKey, Run run) { messages.push_back(run.outcome.message); }};

    Bench() {
        definition.interval = std::chrono::hours(1);
        definition.timeout = std::chrono::hours(1);
    }
    bool await_start() {
        return run_until(loop, [&] { return !probes.empty() && probes.back()->in_flight(); });
    }
    bool await_messages(std::size_t count) {
        return run_until(loop, [&] { return messages.size() == count; });
    }
};

Outcome answer(const std::string& message) {
    Outcome outcome;
    outcome.finding = Finding::passed;
    outcome.message = message;
    return outcome;
}

TEST_CASE("a check is asked at once, and again where somebody wants to know") {
    Bench bench;
    bench.runner.add(key, bench.definition, Duration{0});
    REQUIRE(bench.await_start());
    bench.probes[0]->answer(answer("first"));
    bench.runner.ask_at(key, io::monotonic_now());
    REQUIRE(bench.await_start());
    bench.probes[0]->answer(answer("second"));
    CHECK(bench.messages == std::vector<std::string>{"first", "second"});
    CHECK(bench.probes.size() == 1);
    CHECK(bench.runner.schedule().counters().starts == 2);
}

TEST_CASE("a probe that does not answer in time is cancelled, counted, and has failed") {
    Bench bench;
    bench.keep_deadlines = false;
    bench.definition.timeout = 20ms;
    bench.runner.add(key, bench.definition, Duration{0});
    REQUIRE(bench.await_messages(1));
    CHECK(bench.messages[0] == "no answer within 20ms");
    CHECK(!bench.probes[0]->in_flight());
    CHECK(bench.runner.deadlines_enforced() == 1);
}

TEST_CASE("where the loop was held up, a probe still has its own word before it is cancelled") {
    Bench bench;
    bench.definition.timeout = 20ms;
    bench.runner.add(key, bench.definition, Duration{0});
    REQUIRE(bench.await_start());
    ::poll(nullptr, 0, 100);
    REQUIRE(bench.await_messages(1));
    CHECK(bench.messages[0] == "the probe's own words");
    CHECK(bench.runner.deadlines_enforced() == 0);
}

TEST_CASE("a check that is removed while it is asked has no outcome") {
    Bench bench;
    bench.runner.add(key, bench.definition, Duration{0});
    REQUIRE(bench.await_start());
    bench.runner.remove(key);
    bool turned = false;
    bench.loop.post([&] { turned = true; });
    REQUIRE(run_until(bench.loop, [&] { return turned; }));
    CHECK(bench.messages.empty());
    CHECK(bench.runner.schedule().in_flight() == 0);
}

TEST_CASE("attempts at a witnessed check may be under way side by side, each with its probe") {
    Bench bench;
    std::vector<Runner::AttemptId> ended;
    bench.runner.on_slot([](Instant, CheckKey) {});
    bench.runner.on_start([](Instant, CheckKey, Runner::AttemptId) { return true; });
    bench.runner.on_attempt(
        [&](CheckKey, Runner::AttemptId attempt, Run) { ended.push_back(attempt); });
    bench.runner.add_witnessed(key, bench.definition);
    bench.runner.attempt(key, 1);
    bench.runner.attempt(key, 2);
    REQUIRE(run_until(bench.loop, [&] {
        return bench.probes.size() == 2 && bench.probes[0]->in_flight() &&
               bench.probes[1]->in_flight();
    }));
    bench.probes[1]->answer(answer("second"));
    bench.probes[0]->answer(answer("first"));
    CHECK(ended == std::vector<Runner::AttemptId>{2, 1});
    CHECK(bench.messages.empty());

    // The probes are kept for the next.
    bench.runner.attempt(key, 3);
    REQUIRE(run_until(bench.loop, [&] { return bench.probes[0]->in_flight(); }));
    CHECK(bench.probes.size() == 2);
}

}  // namespace
}  // namespace picket::checks
