#include "gossip/membership/suspicion.h"

#include <doctest/doctest.h>

#include "gossip/membership/accusers.h"
#include "gossip/membership/awareness.h"

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1h};

TEST_CASE("the suspicion of one accuser lasts six times that of enough of them") {
    struct Row {
        std::size_t members;
        unsigned confirmations;
        Duration min;
        Duration max;
    };
    // Worked out by hand from memberlist's formula; the logarithm is cut to 3 decimals.
    for (const Row& row :
         {Row{1, 0, 4s, 24s}, Row{3, 0, 4s, 24s}, Row{4, 2, 4s, 24s}, Row{10, 2, 4s, 24s},
          Row{20, 2, 5204ms, 31224ms}, Row{50, 2, 6792ms, 40752ms}, Row{1000, 2, 12s, 72s}}) {
        CAPTURE(row.members);
        const SuspicionTimes times = suspicion_times(timings::lan, row.members);
        CHECK(times.confirmations == row.confirmations);
        CHECK(times.min == row.min);
        CHECK(times.max == row.max);
    }
}

TEST_CASE("each confirmation shortens the suspicion, down to its minimum") {
    const SuspicionTimes three{3, 2s, 30s};  // memberlist's own table, TestSuspicion_remaining.
    CHECK(suspicion_timeout(three, 0) == 30s);
    CHECK(suspicion_timeout(three, 1) == 16s);
    CHECK(suspicion_timeout(three, 2) == 7810ms);
    CHECK(suspicion_timeout(three, 3) == 2s);
    CHECK(suspicion_timeout({0, 2s, 30s}, 0) == 2s);
}

TEST_CASE("only another accuser than those before is a confirmation, and only so many") {
    Suspicions suspicions;
    suspicions.open(start, 7, 1, {2, 4s, 24s});
    CHECK(suspicions.next_expiry() == start + 24s);
    CHECK_FALSE(suspicions.news(7, 1));
    CHECK(suspicions.news(7, 2));
    suspicions.confirm(start + 1s, 7, 2);
    CHECK_FALSE(suspicions.news(7, 2));
    CHECK(suspicions.next_expiry() < start + 12s);
    suspicions.confirm(start + 2s, 7, 3);
    CHECK_FALSE(suspicions.news(7, 4));
    CHECK(suspicions.next_expiry() == start + 4s);
    CHECK_FALSE(suspicions.expired(start + 3999ms).has_value());
    CHECK(suspicions.expired(start + 4s) == TextId{7});
    CHECK(suspicions.close(7) == std::vector<TextId>{1, 2, 3});
    CHECK(suspicions.next_expiry() == never);
    CHECK(suspicions.close(7).empty());
}

TEST_CASE("a suspect is asked a few times before its time is over") {
    Suspicions suspicions;
    suspicions.open(start, 7, 1, {2, 4s, 24s, 250ms});
    CHECK(suspicions.next_question() == start + 23s);
    CHECK_FALSE(suspicions.poll_question(start + 22s).has_value());
    suspicions.confirm(start + 1s, 7, 2);
    suspicions.confirm(start + 2s, 7, 3);
    for (const auto at : {3000ms, 3250ms, 3500ms, 3750ms}) {
        CHECK(suspicions.next_question() == start + at);
        CHECK(suspicions.poll_question(start + at) == TextId{7});
        CHECK_FALSE(suspicions.poll_question(start + at).has_value());
    }
    CHECK(suspicions.next_question() == never);
    CHECK(suspicions.expired(start + 4s) == TextId{7});
}

TEST_CASE("a confirmation that comes late leaves time to ask the suspect") {
    Suspicions suspicions;
    suspicions.open(start, 7, 1, {1, 4s, 24s, 250ms});
    suspicions.confirm(start + 10s, 7, 2);
    CHECK(suspicions.next_expiry() == start + 11s);
    CHECK(suspicions.poll_question(start + 10s) == TextId{7});
    // Late by two questions, which are not made up for.
    CHECK(suspicions.poll_question(start + 10600ms) == TextId{7});
    CHECK_FALSE(suspicions.poll_question(start + 10600ms).has_value());
    CHECK(suspicions.next_question() == start + 10750ms);
}

TEST_CASE("health stays within its bounds and stretches what is waited for") {
    Awareness awareness(8);
    CHECK(awareness.scale(1s) == 1s);
    awareness.add(-3);
    CHECK(awareness.score() == 0);
    awareness.add(100);
    CHECK(awareness.score() == 7);
    CHECK(awareness.scale(1s) == 8s);
    awareness.add(-1);
    CHECK(awareness.score() == 6);
}

TEST_CASE("who accuses in vain is ignored after a while, and heard again later") {
    Accusers accusers(4s);
    for (unsigned i = 0; i < Accusers::burst; ++i) CHECK(accusers.may_accuse(start, 5));
    CHECK_FALSE(accusers.may_accuse(start, 5));
    CHECK(accusers.may_accuse(start, 6));
    CHECK_FALSE(accusers.may_accuse(start + 3s, 5));
    CHECK(accusers.may_accuse(start + 4s, 5));
    CHECK_FALSE(accusers.may_accuse(start + 4s, 5));
}

TEST_CASE("who accuses rightly is never held back") {
    Accusers accusers(4s);
    for (unsigned i = 0; i < 100 * Accusers::burst; ++i) {
        CHECK(accusers.may_accuse(start, 5));
        accusers.upheld(std::vector<TextId>{5, 9});
    }
}

TEST_CASE("accusers are forgotten once nothing is held against them") {
    Accusers accusers(4s);
    for (TextId name = 1; name <= 1000; ++name) CHECK(accusers.may_accuse(start, name));
    CHECK(accusers.may_accuse(start + 10min, 1));
    CHECK(accusers.size() == 1);
}

}  // namespace
}  // namespace picket::gossip
