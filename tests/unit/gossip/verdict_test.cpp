#include "gossip/agreement/verdict.h"

#include <doctest/doctest.h>

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;

const Instant start{1000s};
const WallTime wall{1'800'000'000s};

struct Judge {
    PanelOfOne panel;

    explicit Judge(Verdict stored = {}) : panel({.silence_max = 60s}, stored, start) {}

    std::optional<Transition> vote(Duration at, Vote cast) {
        return panel.on_vote(start + at, wall + at, cast, wall + at - 2s);
    }
};

TEST_CASE("a check is pending until somebody could ask, then up at epoch 0") {
    Judge judge;
    CHECK(judge.panel.state(start) == State::pending);
    const auto transition = judge.vote(5s, Vote::ok);
    REQUIRE(transition.has_value());
    CHECK(judge.panel.state(start + 5s) == State::up);
    CHECK(judge.panel.verdict().epoch == 0);
    CHECK(judge.panel.verdict().since == wall + 5s);
    CHECK_FALSE(judge.vote(15s, Vote::ok).has_value());
}

TEST_CASE("a failure opens an outage at once and knows when it began") {
    Judge judge;
    judge.vote(0s, Vote::ok);
    const auto opened = judge.vote(30s, Vote::fail);
    REQUIRE(opened.has_value());
    CHECK(opened->after.epoch == 1);
    CHECK(opened->after.outage());
    CHECK(opened->after.first_failure_at == wall + 28s);
    CHECK(judge.panel.state(start + 30s) == State::down);
    CHECK_FALSE(judge.vote(40s, Vote::fail).has_value());
}

TEST_CASE("an outage lasts at least its dwell, then clears without another vote") {
    Judge judge;
    judge.vote(0s, Vote::fail);
    CHECK_FALSE(judge.vote(4s, Vote::ok).has_value());
    CHECK(judge.panel.next_wakeup() == start + 10s);
    CHECK_FALSE(judge.panel.on_tick(start + 9s).has_value());
    const auto closed = judge.panel.on_tick(start + 10s);
    REQUIRE(closed.has_value());
    CHECK(closed->after.epoch == 2);
    CHECK(closed->after.since == wall + 2s);  // The first attempt that passed.
    CHECK(judge.panel.next_wakeup() == never);
}

TEST_CASE("a failure while a clearing waits for its dwell keeps the outage") {
    Judge judge;
    judge.vote(0s, Vote::fail);
    judge.vote(4s, Vote::ok);
    judge.vote(6s, Vote::fail);
    CHECK_FALSE(judge.panel.on_tick(start + 10s).has_value());
    CHECK(judge.panel.state(start + 10s) == State::down);
}

TEST_CASE("an outage within a minute of the one before dwells for a minute") {
    Judge judge;
    judge.vote(0s, Vote::fail);
    CHECK(judge.vote(20s, Vote::ok).has_value());
    judge.vote(59s, Vote::fail);
    CHECK_FALSE(judge.vote(80s, Vote::ok).has_value());
    CHECK(judge.panel.next_wakeup() == start + 119s);
    CHECK(judge.panel.on_tick(start + 119s).has_value());
    judge.vote(120s, Vote::fail);
    CHECK(judge.vote(130s, Vote::ok).has_value());
}

TEST_CASE("the fourth outage of an hour dwells for a minute") {
    Judge judge;
    for (int i = 0; i < 3; ++i) {
        judge.vote(i * 100s, Vote::fail);
        CHECK(judge.vote(i * 100s + 20s, Vote::ok).has_value());
    }
    judge.vote(300s, Vote::fail);
    CHECK_FALSE(judge.vote(320s, Vote::ok).has_value());
    CHECK(judge.panel.next_wakeup() == start + 360s);
}

TEST_CASE("abstaining changes no verdict, and after a while shows unknown beside it") {
    Judge judge;
    judge.vote(0s, Vote::fail);
    CHECK_FALSE(judge.vote(30s, Vote::abstain).has_value());
    CHECK(judge.panel.state(start + 30s) == State::down);
    CHECK(judge.panel.state(start + 61s) == State::unknown);
    CHECK(judge.panel.verdict().epoch == 1);
    judge.vote(62s, Vote::fail);
    CHECK(judge.panel.state(start + 62s) == State::down);
}

TEST_CASE("a check that never could be asked is unknown, not pending") {
    Judge judge;
    judge.vote(0s, Vote::abstain);
    CHECK(judge.panel.state(start) == State::unknown);
}

TEST_CASE("a restart keeps the epoch, and an outage that was open can clear at once") {
    Judge judge(Verdict{.epoch = 7, .judged = true, .since = wall - 1h});
    CHECK(judge.panel.state(start) == State::down);
    const auto closed = judge.vote(1s, Vote::ok);
    REQUIRE(closed.has_value());
    CHECK(closed->after.epoch == 8);
}

}  // namespace
}  // namespace picket::gossip
