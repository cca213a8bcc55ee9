#include "gossip/agreement/roll_call.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "agent/base/digest.h"
#include "agent/base/random.h"

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1h};

std::vector<std::string> names(std::size_t count) {
    std::vector<std::string> made;
    for (std::size_t i = 0; i < count; ++i) made.push_back("a" + std::to_string(i));
    return made;
}

// Runs until the next result; those in `there` answer after a millisecond.
std::optional<RollCallResult> play(RollCall& call, Instant& now,
                                   const std::set<std::string>& there) {
    for (int steps = 0; steps < 200; ++steps) {
        call.on_tick(now);
        if (auto result = call.poll_result()) return result;
        std::vector<RollCall::Question> answered;
        while (const auto question = call.poll_question()) {
            if (there.contains(question->name)) answered.push_back(*question);
        }
        now += 1ms;
        for (const auto& question : answered) call.on_answer(now, question.call, question.name);
        if (auto result = call.poll_result()) return result;
        if (call.next_wakeup() == never) return std::nullopt;
        now = std::max(now, call.next_wakeup());
    }
    return std::nullopt;
}

void set_counted(RollCall& call, const std::vector<std::string>& names) {
    for (const std::string& name : names) call.set_counted(name, true);
}

std::set<std::string> first(std::size_t count) {
    const auto all = names(count);
    return {all.begin(), all.end()};
}

TEST_CASE("more than half of the reference must answer, ourselves counted") {
    for (const std::size_t here : {6U, 7U, 8U}) {
        CAPTURE(here);
        RollCall call("a0", 1);
        set_counted(call, names(13));
        Instant now = start;
        call.need(now, now);
        const auto result = play(call, now, first(here));
        REQUIRE(result.has_value());
        CHECK(result->passed == (here >= 7));
        CHECK(result->asked == 13);
        CHECK(result->needed == 7);
        if (!result->passed) {
            CHECK(result->answered == here);
            CHECK(result->missing.size() == 13 - here);
            CHECK(now - start == 1s);
        }
    }
}

TEST_CASE("of two equal halves one passes: that of the first by hash") {
    const auto all = names(6);
    std::vector<std::string> by_hash = all;
    std::sort(by_hash.begin(), by_hash.end(), [](const auto& a, const auto& b) {
        return short_digest("tie", a) < short_digest("tie", b);
    });
    for (const bool with_first : {true, false}) {
        CAPTURE(with_first);
        std::set<std::string> side(by_hash.begin() + (with_first ? 0 : 3),
                                   by_hash.begin() + (with_first ? 3 : 6));
        RollCall call(*side.begin(), 1);
        set_counted(call, all);
        Instant now = start;
        call.need(now, now);
        const auto result = play(call, now, side);
        REQUIRE(result.has_value());
        CHECK(result->passed == with_first);
    }
}

TEST_CASE("who counts may be told one by one, and which half decides a tie follows") {
    Random random(3);
    RollCall told("a3", 1);
    std::set<std::string> counting{"a3"};
    Instant now = start;
    for (int change = 0; change < 400; ++change) {
        const std::string name = "a" + std::to_string(random.below(12));
        const bool counts = random.chance(2, 3);
        told.set_counted(name, counts);
        if (counts) {
            counting.insert(name);
        } else if (name != "a3") {
            counting.erase(name);
        }
        const std::vector<std::string> all(counting.begin(), counting.end());
        REQUIRE(told.reference() == all);
        std::set<std::string> there;
        while (there.size() + 1 < all.size() / 2) there.insert(all[random.below(all.size())]);
        RollCall whole("a3", 1);
        set_counted(whole, all);
        now += 40s;
        Instant later = now;
        told.need(now, now);
        whole.need(later, later);
        CHECK(play(told, now, there)->passed == play(whole, later, there)->passed);
    }
}

TEST_CASE("an agent alone passes at once, one that waits for its mesh does not") {
    RollCall call("a0", 1);
    Instant now = start;
    call.need(now, now);
    auto result = call.poll_result();
    REQUIRE(result.has_value());
    CHECK(result->passed);
    CHECK(result->ground == RollCallGround::alone);

    call.set_circumstances({.waiting = true});
    now += 5s;
    call.need(now, now);
    result = call.poll_result();
    REQUIRE(result.has_value());
    CHECK_FALSE(result->passed);
    CHECK(result->ground == RollCallGround::waiting);
}

TEST_CASE("of two the survivor passes only once the other is dead and something else answers") {
    for (const bool dead : {false, true}) {
        for (const bool connected : {false, true}) {
            RollCall call("a0", 1);
            set_counted(call, names(2));
            call.set_circumstances({.peer_dead = dead, .connected = connected});
            Instant now = start;
            call.need(now, now);
            const auto result = play(call, now, {});
            REQUIRE(result.has_value());
            CHECK(result->passed == (dead && connected));
            if (result->passed) CHECK(result->ground == RollCallGround::survivor);
        }
    }
}

TEST_CASE("a pass proves nothing of what was before it, and one serves all who need it") {
    RollCall call("a0", 1);
    set_counted(call, names(5));
    Instant now = start;
    call.need(now, now);
    REQUIRE(play(call, now, first(5))->passed);
    CHECK(call.passed_since(start));
    CHECK(call.passed_since(start - 5s));
    CHECK_FALSE(call.passed_since(start + 1us));

    call.need(now, start);  // There is one already.
    CHECK(call.next_wakeup() == never);
    const Instant later = now;
    call.need(now, later);
    call.need(now, later);
    CHECK(call.pending_since(later));
    CHECK(call.next_wakeup() == start + 1s);  // At most one begins in a second.
    REQUIRE(play(call, now, first(5))->passed);
    CHECK(call.passed_since(later));
    CHECK_FALSE(play(call, now, first(5)).has_value());
}

TEST_CASE("what the last answer decides waits for no timer") {
    RollCall call("a0", 1);
    set_counted(call, names(3));
    call.need(start, start);
    const auto question = call.poll_question();
    REQUIRE(question.has_value());
    const Instant answered = start + 20ms;
    call.on_answer(answered, question->call, question->name);
    CHECK(call.next_wakeup() == answered);
    CHECK(call.poll_result()->passed);
    CHECK(call.next_wakeup() == never);
}

TEST_CASE("a late answer, one to an earlier call and one of a stranger count for nothing") {
    RollCall call("a0", 1);
    set_counted(call, names(5));
    Instant now = start;
    call.need(now, now);
    std::vector<RollCall::Question> old;
    while (const auto question = call.poll_question()) old.push_back(*question);
    CHECK(old.size() == 4);
    now += 1s;
    call.on_tick(now);
    CHECK_FALSE(call.poll_result()->passed);
    call.need(now, now);
    for (const auto& question : old) call.on_answer(now, question.call, question.name);
    for (int i = 0; i < 5; ++i) call.on_answer(now, old[0].call + 1, "stranger");
    for (int i = 0; i < 5; ++i) call.on_answer(now, old[0].call + 1, "a1");
    CHECK_FALSE(call.poll_result().has_value());
    call.on_answer(now, old[0].call + 1, "a2");
    CHECK(call.poll_result()->passed);
}

TEST_CASE("each is asked four times within the second, but not once it has answered") {
    RollCall call("a0", 1);
    set_counted(call, names(9));
    Instant now = start;
    call.need(now, now);
    std::size_t asked_a1 = 0;
    std::size_t asked_a2 = 0;
    while (now < start + 1s) {
        call.on_tick(now);
        while (const auto question = call.poll_question()) {
            if (question->name == "a1") ++asked_a1;
            if (question->name == "a2") ++asked_a2;
            CHECK(question->timeout == start + 1s - now);
            if (question->name == "a1") call.on_answer(now, question->call, "a1");
        }
        now += 50ms;
    }
    CHECK(asked_a1 == 1);
    CHECK(asked_a2 == 4);
}

TEST_CASE("of a large reference a sample is asked, and its failure is final for a while") {
    RollCall call("a0", 7);
    set_counted(call, names(1000));
    Instant now = start;
    call.need(now, now);
    auto result = play(call, now, first(450));
    REQUIRE(result.has_value());
    CHECK(result->asked == 256);
    CHECK(result->needed == 141);
    CHECK_FALSE(result->passed);
    const Instant ended = now;
    call.need(now, now);
    CHECK(call.next_wakeup() == ended + 30s);
    result = play(call, now, first(700));
    REQUIRE(result.has_value());
    CHECK(result->passed);
}

}  // namespace
}  // namespace picket::gossip
