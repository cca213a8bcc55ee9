#include "agent/witness.h"

#include <doctest/doctest.h>

#include "checks/types/http.h"

namespace picket {
namespace {

using namespace std::chrono_literals;
using checks::FailureClass;
using checks::Outcome;

const Instant start{1000s};
const WallTime wall{1'800'000'000s};

checks::Definition definition() {
    checks::Definition result;
    result.name = "homepage";
    result.query = checks::HttpQuery{};
    return result;
}

checks::Run run(Duration at, Outcome outcome) {
    return {start + at, start + at + 5ms, wall + at, wall + at + 5ms, std::move(outcome)};
}

Outcome refused() {
    return checks::failed(FailureClass::refused, 1ms, "connection refused");
}

TEST_CASE("an outage says which failure it began with, and since when it failed") {
    Witness witness(definition(), {}, {}, start);
    CHECK(witness.on_run(run(0s, checks::passed(5ms, "200"))).transition.has_value());
    CHECK(witness.on_run(run(30s, refused())).ask_at == start + 31s);
    CHECK(witness.on_run(run(31s, refused())).ask_at == start + 32s);
    const auto effects = witness.on_run(run(32s, refused()));
    REQUIRE(effects.transition.has_value());
    CHECK_FALSE(effects.ask_at.has_value());
    CHECK(effects.transition->after.first_failure_at == wall + 30s);
    CHECK(witness.cause().failure_class == FailureClass::refused);
    CHECK(witness.cause().message == "connection refused");

    // What it fails with later does not rewrite how it began.
    witness.on_run(run(60s, checks::failed(FailureClass::timeout, 3s, "no answer")));
    CHECK(witness.cause().failure_class == FailureClass::refused);
}

TEST_CASE("a recovery is dated to the first attempt that passed") {
    Witness witness(definition(), {.epoch = 1, .judged = true, .since = wall - 1h}, {}, start);
    CHECK(witness.on_run(run(10s, checks::passed(5ms, "200"))).ask_at == start + 11s);
    const auto effects = witness.on_run(run(11s, checks::passed(5ms, "200")));
    REQUIRE(effects.transition.has_value());
    CHECK(effects.transition->after.since == wall + 10s);
    CHECK(witness.state(start + 11s) == gossip::State::up);
}

TEST_CASE("an outcome that could not ask is shown and changes no verdict") {
    Witness witness(definition(), {.epoch = 0, .judged = true, .since = wall - 1h}, {}, start);
    CHECK_FALSE(witness.on_run(run(0s, checks::errored("no such file"))).transition.has_value());
    CHECK(witness.state(start + 1s) == gossip::State::up);
    CHECK(witness.last_vote() == gossip::Vote::abstain);
}

}  // namespace
}  // namespace picket
