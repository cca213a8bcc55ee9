#include "gossip/membership/probe_round.h"

#include <doctest/doctest.h>

#include "gossip/membership/introductions.h"
#include "gossip/membership/relays.h"

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;
using Verdict = ProbeRound::Verdict;

constexpr Instant start{1h};

SocketAddress place(std::uint8_t number) {
    return {{IpAddress::Family::v4, {10, 0, 0, number}}, 7946};
}

ProbeRound begun() {
    ProbeRound round;
    round.begin({1, place(1), 5}, 77, start + 500ms, start + 1s);
    return round;
}

TEST_CASE("an answer ends the round, be it late or relayed") {
    ProbeRound round = begun();
    CHECK(round.next_wakeup() == start + 500ms);
    CHECK_FALSE(round.ask_others(start + 499ms));
    CHECK_FALSE(round.on_ack(76));
    CHECK(round.ask_others(start + 500ms));
    CHECK_FALSE(round.ask_others(start + 501ms));
    CHECK(round.next_wakeup() == start + 1s);
    CHECK_FALSE(round.conclude(start + 999ms).has_value());
    CHECK(round.on_ack(77));
    CHECK(round.conclude(start + 999ms) == Verdict::answered);
    CHECK_FALSE(round.on_ack(77));
    CHECK_FALSE(round.settle(start + 2s).has_value());
}

TEST_CASE("an answer over TCP counts, but only when none came over UDP in time") {
    ProbeRound round = begun();
    CHECK(round.ask_others(start + 500ms));
    round.on_tcp_answer();
    CHECK_FALSE(round.conclude(start + 600ms).has_value());
    CHECK(round.conclude(start + 1s) == Verdict::answered_over_tcp);
}

TEST_CASE("silence that everybody asked confirms is not held against us") {
    ProbeRound round = begun();
    CHECK(round.ask_others(start + 500ms));
    round.on_asked(place(2), true);
    round.on_asked(place(3), true);
    round.on_asked(place(4), false);
    round.on_nack(77, place(2));
    round.on_nack(77, place(2));
    CHECK(round.conclude(start + 1s) == Verdict::silent);
    CHECK_FALSE(round.settle(start + 1s).has_value());
    round.on_nack(77, place(3));  // As late as the peers' nacks are.
    CHECK(round.settle(start + 1s + ProbeRound::nack_grace) == 0);
    CHECK(round.next_wakeup() == never);
}

TEST_CASE("each nack that is missing weighs one, and silence with nobody to ask, too") {
    ProbeRound round = begun();
    round.on_asked(place(2), true);
    round.on_asked(place(3), true);
    CHECK(round.conclude(start + 1s) == Verdict::silent);
    round.on_nack(77, place(9));
    CHECK(round.settle(start + 1s + ProbeRound::nack_grace) == 2);

    ProbeRound alone = begun();
    CHECK(alone.conclude(start + 1s) == Verdict::silent);
    CHECK(alone.settle(start + 1s) == 1);
}

TEST_CASE("a relay passes the answer on, once") {
    Relays relays(500ms);
    CHECK(relays.open(start, 10, {place(1), 7}, true));
    CHECK_FALSE(relays.on_ack(11).has_value());
    const auto asker = relays.on_ack(10);
    REQUIRE(asker.has_value());
    CHECK(asker->address == place(1));
    CHECK(asker->sequence == 7);
    CHECK_FALSE(relays.on_ack(10).has_value());
    CHECK_FALSE(relays.poll_nack(start + 1s).has_value());
    CHECK(relays.size() == 0);
    CHECK(relays.next_wakeup() == never);
}

TEST_CASE("a relay says at 80 % of the timeout that nothing came, if it was asked to") {
    Relays relays(500ms);
    CHECK(relays.open(start, 10, {place(1), 7}, true));
    CHECK(relays.open(start, 11, {place(2), 8}, false));
    CHECK(relays.next_wakeup() == start + 400ms);
    CHECK_FALSE(relays.poll_nack(start + 399ms).has_value());
    CHECK(relays.poll_nack(start + 400ms)->sequence == 7);
    CHECK_FALSE(relays.poll_nack(start + 400ms).has_value());
    CHECK(relays.on_ack(10).has_value());  // Late, yet in time.
    CHECK_FALSE(relays.poll_nack(start + 500ms).has_value());
    CHECK_FALSE(relays.on_ack(11).has_value());
}

TEST_CASE("a relay is asked only so much at once") {
    Relays relays(500ms);
    for (std::uint32_t i = 0; i < Relays::open_max; ++i) CHECK(relays.open(start, i, {}, false));
    CHECK_FALSE(relays.open(start, 5000, {}, false));
    CHECK_FALSE(relays.poll_nack(start + 500ms).has_value());
    CHECK(relays.open(start + 500ms, 5000, {}, false));
}

Claim claim(std::uint8_t number) {
    return {"agent", "", place(number), 3, {}};
}

// Asks all that is due, and counts.
int questions(Introductions& introductions, Instant now) {
    int count = 0;
    while (introductions.poll_question(now).has_value()) ++count;
    return count;
}

TEST_CASE("who introduces itself is a member once it has answered") {
    Introductions introductions(500ms);
    CHECK(introductions.open(start, claim(1), std::nullopt, 20));
    const auto question = introductions.poll_question(start);
    REQUIRE(question.has_value());
    CHECK(question->to == place(1));
    CHECK(question->sequence == 20);
    CHECK_FALSE(question->over_tcp);
    CHECK_FALSE(introductions.poll_concluded(start).has_value());
    CHECK_FALSE(introductions.on_ack(21));
    CHECK(introductions.on_ack(20));
    const auto concluded = introductions.poll_concluded(start + 1ms);
    REQUIRE(concluded.has_value());
    CHECK(concluded->verdict == Introductions::Verdict::admitted);
    CHECK(concluded->claim.name == "agent");
    CHECK(introductions.size() == 0);
}

TEST_CASE("who does not answer is asked three times, then over TCP, and not let in") {
    Introductions introductions(500ms);
    CHECK(introductions.open(start, claim(1), std::nullopt, 20));
    for (int i = 0; i < 3; ++i) CHECK(questions(introductions, start + i * 500ms) == 1);
    const auto last = introductions.poll_question(start + 1500ms);
    REQUIRE(last.has_value());
    CHECK(last->over_tcp);
    CHECK_FALSE(introductions.poll_concluded(start + 2499ms).has_value());
    CHECK(introductions.next_wakeup() == start + 2500ms);
    const auto concluded = introductions.poll_concluded(start + 2500ms);
    REQUIRE(concluded.has_value());
    CHECK(concluded->verdict == Introductions::Verdict::unreachable);
}

TEST_CASE("a member has moved when only the new place answers") {
    Introductions introductions(500ms);
    CHECK(introductions.open(start, claim(2), place(1), 20));
    CHECK(questions(introductions, start) == 2);
    CHECK(introductions.on_ack(20));
    CHECK_FALSE(introductions.poll_concluded(start + 10ms).has_value());
    CHECK(questions(introductions, start + 500ms) == 2);
    CHECK(questions(introductions, start + 1s) == 2);
    CHECK(introductions.poll_concluded(start + 1500ms)->verdict ==
          Introductions::Verdict::admitted);
}

TEST_CASE("while the old place answers, another of its name is refused") {
    Introductions introductions(500ms);
    CHECK(introductions.open(start, claim(2), place(1), 20));
    CHECK(questions(introductions, start) == 2);
    CHECK(introductions.on_ack(20));
    CHECK(introductions.on_ack(21));
    CHECK(introductions.poll_concluded(start + 10ms)->verdict == Introductions::Verdict::conflict);
}

TEST_CASE("only so many are introduced at once") {
    Introductions introductions(500ms);
    for (std::uint32_t i = 0; i < Introductions::open_max; ++i) {
        Claim one = claim(1);
        one.name += std::to_string(i);
        CHECK(introductions.open(start, one, std::nullopt, 2 * i));
        CHECK_FALSE(introductions.open(start, one, std::nullopt, 2 * i));
    }
    CHECK_FALSE(introductions.open(start, claim(1), std::nullopt, 9999));
}

}  // namespace
}  // namespace picket::gossip
