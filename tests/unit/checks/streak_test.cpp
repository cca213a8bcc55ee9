#include "checks/streak.h"

#include <doctest/doctest.h>

namespace picket::checks {
namespace {

using namespace std::chrono_literals;

const Instant at{100s};

TEST_CASE("three failed attempts in a row, a second apart, make a failure") {
    Streak streak({});
    Streak::Step step = streak.on_attempt(at, Finding::failed, false);
    CHECK_FALSE(step.opinion.has_value());
    CHECK(step.next_attempt == at + 1s);
    step = streak.on_attempt(at + 1s, Finding::failed, false);
    CHECK(step.next_attempt == at + 2s);
    step = streak.on_attempt(at + 2s, Finding::failed, false);
    CHECK(step.opinion == Finding::failed);
    CHECK_FALSE(step.next_attempt.has_value());
}

TEST_CASE("one success among the attempts ends the round as a success") {
    Streak streak({});
    streak.on_attempt(at, Finding::failed, false);
    streak.on_attempt(at, Finding::failed, false);
    CHECK(streak.on_attempt(at, Finding::passed, false).opinion == Finding::passed);
    // And the next round begins from nothing.
    CHECK_FALSE(streak.on_attempt(at, Finding::failed, false).opinion.has_value());
}

TEST_CASE("in an outage two attempts must pass, and a failure counts at once") {
    Streak streak({});
    CHECK(streak.on_attempt(at, Finding::failed, true).opinion == Finding::failed);
    const Streak::Step first = streak.on_attempt(at, Finding::passed, true);
    CHECK_FALSE(first.opinion.has_value());
    CHECK(first.next_attempt == at + 1s);
    CHECK(streak.on_attempt(at, Finding::failed, true).opinion == Finding::failed);
    streak.on_attempt(at, Finding::passed, true);
    CHECK(streak.on_attempt(at, Finding::passed, true).opinion == Finding::passed);
}

TEST_CASE("fail_after counts rounds, not attempts, and a success starts over") {
    Streak streak({.attempts_to_fail = 2, .fail_after = 3});
    const auto round = [&] {
        streak.on_attempt(at, Finding::failed, false);
        return streak.on_attempt(at, Finding::failed, false);
    };
    CHECK_FALSE(round().opinion.has_value());
    CHECK_FALSE(round().next_attempt.has_value());  // The next round waits for its slot.
    streak.on_attempt(at, Finding::passed, false);
    CHECK_FALSE(round().opinion.has_value());
    CHECK_FALSE(round().opinion.has_value());
    CHECK(round().opinion == Finding::failed);
    CHECK(round().opinion == Finding::failed);
}

TEST_CASE("recover_after counts rounds in an outage") {
    Streak streak({.recover_after = 2});
    streak.on_attempt(at, Finding::passed, true);
    CHECK_FALSE(streak.on_attempt(at, Finding::passed, true).opinion.has_value());
    streak.on_attempt(at, Finding::passed, true);
    CHECK(streak.on_attempt(at, Finding::passed, true).opinion == Finding::passed);
}

TEST_CASE("an attempt that could not ask is no failure and no success") {
    Streak streak({});
    streak.on_attempt(at, Finding::failed, false);
    streak.on_attempt(at, Finding::failed, false);
    CHECK(streak.on_attempt(at, Finding::errored, false).opinion == Finding::errored);
    CHECK_FALSE(streak.on_attempt(at, Finding::failed, false).opinion.has_value());
}

}  // namespace
}  // namespace picket::checks
