#include "gossip/agreement/inquiry.h"

#include <doctest/doctest.h>

#include <chrono>

#include "gossip/agreement/fitness.h"

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1h};
const Answer passes{.finding = Answer::Finding::passed, .latency = 5ms};
const Answer refuses{.finding = Answer::Finding::failed, .failure = 1, .message = "refused"};
const Answer silent{.finding = Answer::Finding::failed, .failure = 2, .out_of_time = true};

// One witness, and a roll call that does as it is told.
struct Witness {
    Inquiry inquiry{{.interval = 10s, .timeout = 3s}, 1};
    Instant now = start;
    bool asked = false;
    bool passed = false;
    bool pending = true;
    bool resolver = true;

    void tick() {
        Inquiry::Circumstances circumstances;
        circumstances.roll_call_asked = inquiry.roll_call_needed().has_value();
        circumstances.roll_call_passed = passed && circumstances.roll_call_asked;
        circumstances.roll_call_pending = pending;
        circumstances.cut_off = "cut off: 1 of 5 answered";
        if (!resolver) circumstances.unfit_for_names = "its resolver answers nothing";
        inquiry.on_tick(now, circumstances);
    }
    AttemptId wanted() {
        tick();
        const auto id = inquiry.poll_attempt(now);
        REQUIRE(id.has_value());
        return *id;
    }
    AttemptId begin() {
        const AttemptId id = wanted();
        CHECK(inquiry.on_started(now, id));
        return id;
    }
    void answer(AttemptId id, const Answer& with, Duration after = 1ms, Duration stalled = 0ms) {
        now += after;
        inquiry.on_answer(now, id, with, stalled);
        tick();
    }
};

TEST_CASE("one success is OK, and what says the same again is not told again") {
    Witness witness;
    for (const bool first : {true, false}) {
        witness.inquiry.on_slot();
        witness.answer(witness.begin(), passes);
        const auto cast = witness.inquiry.poll_cast();
        REQUIRE(cast.has_value());
        CHECK(cast->ballot.vote == Vote::ok);
        CHECK(cast->tell == first);
        witness.now += 10s;
    }
    CHECK_FALSE(witness.inquiry.poll_suspicion().has_value());
}

TEST_CASE(
    "a failure raises a suspicion; the second attempt waits for its second and the roll call") {
    Witness witness;
    witness.inquiry.on_slot();
    witness.answer(witness.begin(), refuses);
    const auto suspicion = witness.inquiry.poll_suspicion();
    REQUIRE(suspicion.has_value());
    CHECK(suspicion->direction == SuspicionRecord::Direction::failing);
    CHECK(suspicion->began == start);
    CHECK(witness.inquiry.roll_call_needed() == start);

    witness.now = start + 1s;
    witness.tick();
    CHECK_FALSE(witness.inquiry.poll_attempt(witness.now).has_value());  // No pass yet.
    witness.passed = true;
    witness.answer(witness.begin(), refuses);
    const auto cast = witness.inquiry.poll_cast();
    REQUIRE(cast.has_value());
    CHECK(cast->ballot.vote == Vote::fail);
    CHECK(cast->ballot.began == start);
    CHECK(cast->ballot.message == "refused");
    CHECK(cast->ballot.round == suspicion->round);
}

TEST_CASE("who is cut off abstains and says why") {
    Witness witness;
    witness.inquiry.on_slot();
    witness.answer(witness.begin(), refuses);
    witness.now = start + 1s;
    witness.pending = false;  // The roll call has failed.
    witness.answer(witness.begin(), refuses);
    const auto cast = witness.inquiry.poll_cast();
    REQUIRE(cast.has_value());
    CHECK(cast->ballot.vote == Vote::abstain);
    CHECK(cast->ballot.message == "cut off: 1 of 5 answered");
    CHECK(cast->ballot.failed);
}

TEST_CASE("a pass after the last attempt began is no proof") {
    Witness witness;
    witness.inquiry.on_slot();
    witness.answer(witness.begin(), refuses);
    witness.now = start + Inquiry::roll_call_patience + 1ms;  // Nothing came of the roll call.
    const AttemptId second = witness.begin();
    witness.passed = true;
    witness.answer(second, refuses);
    const auto cast = witness.inquiry.poll_cast();
    REQUIRE(cast.has_value());
    CHECK(cast->ballot.vote == Vote::abstain);
}

TEST_CASE("a success of the second attempt is OK") {
    Witness witness;
    witness.passed = true;
    witness.inquiry.on_slot();
    witness.answer(witness.begin(), refuses);
    witness.now = start + 1s;
    witness.answer(witness.begin(), passes);
    CHECK(witness.inquiry.poll_cast()->ballot.vote == Vote::ok);
}

TEST_CASE("a target that dawdles is suspected once it takes four times as long as usual") {
    Witness witness;
    witness.passed = true;
    for (int i = 0; i < 20; ++i) {
        witness.inquiry.on_slot();
        witness.answer(witness.begin(), passes);
        static_cast<void>(witness.inquiry.poll_cast());
        witness.now += 10s;
    }
    witness.inquiry.on_slot();
    const Instant began = witness.now;
    static_cast<void>(witness.begin());
    CHECK(witness.inquiry.next_wakeup() == began + 1s);
    witness.now = began + 1s;
    witness.tick();
    CHECK(witness.inquiry.poll_suspicion().has_value());
    witness.tick();
    CHECK(witness.inquiry.poll_attempt(witness.now).has_value());  // Both are in flight.
    CHECK(witness.inquiry.in_flight() == 2);
}

TEST_CASE("what ran out of time while the loop stood still is none of the target's") {
    Witness witness;
    witness.inquiry.on_slot();
    witness.answer(witness.begin(), silent, 3s, 700ms);
    const auto cast = witness.inquiry.poll_cast();
    REQUIRE(cast.has_value());
    CHECK(cast->ballot.vote == Vote::abstain);
    CHECK(cast->ballot.message == "this agent stood still for 700ms");
    CHECK_FALSE(witness.inquiry.poll_suspicion().has_value());
}

TEST_CASE("while an outage is held both attempts must pass, and the first tells the others") {
    Witness witness;
    witness.inquiry.on_epoch(1, start);
    witness.inquiry.on_slot();
    witness.answer(witness.begin(), passes);
    CHECK(witness.inquiry.poll_suspicion()->direction == SuspicionRecord::Direction::recovering);
    CHECK_FALSE(witness.inquiry.poll_cast().has_value());
    witness.now = start + 1s;
    witness.answer(witness.begin(), passes);
    const auto cast = witness.inquiry.poll_cast();
    REQUIRE(cast.has_value());
    CHECK(cast->ballot.vote == Vote::ok);
    CHECK(cast->ballot.epoch == 1);
}

TEST_CASE("an outage too young to be closed is asked about when it could be") {
    Witness witness;
    witness.inquiry.on_epoch(1, start + 9s);
    witness.inquiry.on_slot();
    witness.answer(witness.begin(), passes);
    CHECK_FALSE(witness.inquiry.asking());
    CHECK(witness.inquiry.next_wakeup() == start + 9s);
    witness.now = start + 9s;
    witness.answer(witness.begin(), passes);
    CHECK(witness.inquiry.poll_suspicion().has_value());
}

TEST_CASE("an OK that came too early to close the outage is asked about and said again") {
    Witness witness;
    witness.inquiry.on_epoch(1, start + 59s);
    witness.inquiry.on_suspicion(start, SuspicionRecord::Direction::recovering, 7, start);
    witness.now += 500ms;
    witness.answer(witness.begin(), passes);
    witness.now += 1s;
    witness.answer(witness.begin(), passes);
    CHECK(witness.inquiry.poll_cast()->ballot.vote == Vote::ok);
    while (witness.inquiry.poll_suspicion().has_value()) {
    }
    witness.inquiry.on_slot();
    witness.answer(witness.begin(), passes);
    CHECK_FALSE(witness.inquiry.poll_suspicion().has_value());
    CHECK(witness.inquiry.next_wakeup() == start + 59s);
    witness.now = start + 59s;
    witness.answer(witness.begin(), passes);
    CHECK(witness.inquiry.poll_suspicion().has_value());
}

TEST_CASE("asked too often it answers with its last vote, as that was cast") {
    Witness witness;
    witness.inquiry.on_slot();
    witness.answer(witness.begin(), passes);
    const Instant began = witness.inquiry.poll_cast()->ballot.began;
    const auto failing = SuspicionRecord::Direction::failing;
    for (std::uint32_t round = 1; round <= 2; ++round) {
        witness.inquiry.on_suspicion(witness.now, failing, round, witness.now);
        CHECK(witness.inquiry.asking());
        witness.now += 500ms;
        witness.answer(witness.begin(), passes);
        CHECK(witness.inquiry.poll_cast()->tell);
    }
    witness.inquiry.on_suspicion(witness.now, failing, 3, witness.now);
    CHECK_FALSE(witness.inquiry.asking());
    const auto again = witness.inquiry.poll_cast();
    REQUIRE(again.has_value());
    CHECK(again->again);
    CHECK(again->ballot.vote == Vote::ok);
    CHECK(again->ballot.began > began);
    // A round that it has answered already.
    witness.inquiry.on_suspicion(witness.now, failing, 3, witness.now);
    CHECK_FALSE(witness.inquiry.poll_cast().has_value());
}

TEST_CASE("with fail_after = 2 two such pairs in a row make the vote") {
    Witness witness;
    witness.passed = true;
    witness.inquiry.set_settings({.interval = 10s, .timeout = 3s, .fail_after = 2});
    for (const bool second : {false, true}) {
        witness.inquiry.on_slot();
        const Instant began = witness.now;
        witness.answer(witness.begin(), refuses);
        CHECK(witness.inquiry.poll_suspicion().has_value() == second);
        witness.now = began + 1s;
        witness.answer(witness.begin(), refuses);
        CHECK(witness.inquiry.poll_cast().has_value() == second);
        witness.now = began + 10s;
    }
}

TEST_CASE("a witness whose resolver answers nothing accuses nobody of a name that is not found") {
    Answer nameless = refuses;
    nameless.by_name = true;
    for (const bool by_name : {true, false}) {
        CAPTURE(by_name);
        Witness witness;
        witness.resolver = false;
        witness.passed = true;
        witness.inquiry.on_slot();
        witness.answer(witness.begin(), by_name ? nameless : refuses);
        witness.now = start + 1s;
        witness.answer(witness.begin(), by_name ? nameless : refuses);
        const auto cast = witness.inquiry.poll_cast();
        REQUIRE(cast.has_value());
        CHECK(cast->ballot.vote == (by_name ? Vote::abstain : Vote::fail));
        if (by_name) CHECK(cast->ballot.message == "not fit: its resolver answers nothing");
    }
}

TEST_CASE(
    "an agent is unfit when it stands still, is unwell, contradicted or cut from its gateway") {
    Fitness fitness;
    CHECK(fitness.unfit_reason(start).has_value());  // Not settled.
    fitness.set_settled(true);
    CHECK_FALSE(fitness.unfit_reason(start).has_value());
    fitness.on_wakeup(start, start - 1900ms);
    CHECK_FALSE(fitness.unfit_reason(start).has_value());
    CHECK(fitness.stalled(start - 1s, start) == 1s);
    fitness.on_wakeup(start + 5s, start + 3s);
    CHECK(fitness.unfit_reason(start + 5s) == "stood still for 2s");
    CHECK(fitness.unfit_reason(start + 14s).has_value());
    CHECK_FALSE(fitness.unfit_reason(start + 15s).has_value());
    const Instant later = start + 1min;
    fitness.set_health_score(3);
    CHECK(fitness.unfit_reason(later).has_value());
    fitness.set_health_score(2);
    CHECK_FALSE(fitness.unfit_reason(later).has_value());
    fitness.on_overruled(later, check_key("x"));
    fitness.on_overruled(later, check_key("x"));
    CHECK_FALSE(fitness.unfit_reason(later).has_value());  // One check counts once.
    fitness.on_overruled(later, check_key("y"));
    CHECK(fitness.unfit_reason(later).has_value());
    CHECK_FALSE(fitness.unfit_reason(later + 5min).has_value());
    fitness.set_health_score(0);
    fitness.set_gateway(false);
    CHECK(fitness.unfit_reason(later) == "its gateway does not answer");
    fitness.set_gateway(std::nullopt);
    fitness.set_resolver(false);
    CHECK_FALSE(fitness.unfit_reason(later).has_value());
    CHECK(fitness.unfit_reason(later, true).has_value());
}

TEST_CASE("an agent most of whose checks fail, and are contradicted, is broken for a minute") {
    Fitness fitness;
    fitness.set_settled(true);
    fitness.set_checks(6);
    for (int i = 0; i < 4; ++i) fitness.on_turned_failing(start, check_key(std::to_string(i)), 10s);
    fitness.on_overruled(start, check_key("0"));
    CHECK_FALSE(fitness.unfit_reason(start).has_value());
    fitness.on_overruled(start, check_key("1"));
    CHECK(fitness.unfit_reason(start + 59s) == "most of its checks fail, and others contradict it");
    CHECK_FALSE(fitness.unfit_reason(start + 60s).has_value());
}

TEST_CASE("a panel that shrinks to one while a vote is made takes the third attempt, too") {
    Witness witness;
    witness.passed = true;
    witness.inquiry.on_slot();
    witness.answer(witness.begin(), refuses);
    witness.now += 1s;
    const AttemptId second = witness.begin();
    witness.inquiry.set_settings({.interval = 10s, .timeout = 3s, .attempts = 3});
    witness.answer(second, refuses);
    CHECK_FALSE(witness.inquiry.poll_cast().has_value());
    witness.now += 1s;
    witness.answer(witness.begin(), refuses);
    const auto cast = witness.inquiry.poll_cast();
    REQUIRE(cast.has_value());
    CHECK(cast->ballot.vote == Vote::fail);
}

TEST_CASE("who keeps abstaining says so again every five minutes") {
    Witness witness;
    int told = 0;
    for (; witness.now < start + 14min; witness.now += 10s - 1ms) {
        witness.inquiry.on_slot();
        witness.answer(witness.begin(), {.message = "no such plugin"});
        const auto cast = witness.inquiry.poll_cast();
        REQUIRE(cast.has_value());
        told += cast->tell ? 1 : 0;
    }
    CHECK(told == 3);
}

TEST_CASE("an attempt that waits to be started is not slow, and proves nothing until it begins") {
    Witness witness;
    witness.inquiry.on_slot();
    const AttemptId id = witness.wanted();
    witness.now += 30s;
    witness.tick();
    CHECK(witness.inquiry.asking());
    CHECK_FALSE(witness.inquiry.poll_suspicion().has_value());
    CHECK(witness.inquiry.on_started(witness.now, id));
    witness.answer(id, refuses);
    CHECK(witness.inquiry.poll_suspicion()->began == start + 30s);
    CHECK(witness.inquiry.roll_call_needed() == start + 30s);
}

TEST_CASE("an attempt that is not started for two minutes is an abstention, and not wanted after") {
    Witness witness;
    witness.inquiry.on_slot();
    const AttemptId id = witness.wanted();
    witness.now = witness.inquiry.next_wakeup();
    CHECK(witness.now == start + Inquiry::held_back_max);
    witness.tick();
    const auto cast = witness.inquiry.poll_cast();
    REQUIRE(cast.has_value());
    CHECK(cast->ballot.vote == Vote::abstain);
    CHECK(cast->ballot.message == "waited 2m to ask: too many probes at once");
    CHECK_FALSE(witness.inquiry.on_started(witness.now, id));
}

TEST_CASE("what is asked for a verdict that has changed meanwhile is not wanted any more") {
    Witness witness;
    witness.inquiry.on_slot();
    const AttemptId id = witness.wanted();
    witness.inquiry.on_epoch(1, start);
    CHECK_FALSE(witness.inquiry.on_started(witness.now, id));
    CHECK(witness.inquiry.in_flight() == 0);
}

TEST_CASE("an attempt whose end nobody reports is given up, and the next one is made") {
    Witness witness;
    witness.inquiry.on_slot();
    static_cast<void>(witness.begin());
    while (witness.inquiry.in_flight() > 0) {
        witness.now = std::max(witness.now + 1ms, witness.inquiry.next_wakeup());
        REQUIRE(witness.now < start + 30s);
        witness.tick();
    }
    const auto cast = witness.inquiry.poll_cast();
    REQUIRE(cast.has_value());
    CHECK(cast->ballot.vote == Vote::abstain);
    witness.inquiry.on_slot();
    witness.answer(witness.begin(), passes);
    CHECK(witness.inquiry.poll_cast()->ballot.vote == Vote::ok);
}

}  // namespace
}  // namespace picket::gossip
