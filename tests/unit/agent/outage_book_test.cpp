#include "agent/outage_book.h"

#include <doctest/doctest.h>

namespace picket {
namespace {

using namespace std::chrono_literals;

constexpr WallTime noon = WallTime(1'795'402'800s);
constexpr Instant start = Instant(1h);
constexpr gossip::CheckKey homepage{1};

storage::Outage outage(std::uint32_t epoch, std::optional<WallTime> closed = std::nullopt) {
    storage::Outage outage;
    outage.check = "homepage";
    outage.epoch = epoch;
    outage.scope = "total";
    outage.opened = noon;
    outage.closed = closed;
    outage.message = "refused";
    return outage;
}

std::optional<bool> nobody(const storage::Outage& /*outage*/) {
    return false;
}
std::optional<bool> everybody(const storage::Outage& /*outage*/) {
    return true;
}
std::optional<bool> who_knows(const storage::Outage& /*outage*/) {
    return std::nullopt;
}

TEST_CASE("an outage that no verdict will end ends with a note") {
    OutageBook book;
    CHECK_FALSE(book.end(homepage, noon + 1h, "host forgotten"));
    book.note(homepage, outage(1));
    const auto ended = book.end(homepage, noon + 1h, "host forgotten");
    REQUIRE(ended);
    CHECK(ended->closed == noon + 1h);
    CHECK(ended->message == "refused [host forgotten]");
    CHECK(ended->scope == "total");
    CHECK_FALSE(book.end(homepage, noon + 1h, "host forgotten"));
}

TEST_CASE("an outage that its verdict ended is no more to be ended") {
    OutageBook book;
    book.note(homepage, outage(3));
    book.note(homepage, outage(1, noon));  // Heard of late.
    CHECK(book.open(homepage) != nullptr);
    CHECK(book.noted(homepage, 1)->closed == noon);
    CHECK_FALSE(book.noted(homepage, 3)->closed);
    CHECK(book.noted(homepage, 5) == nullptr);
    book.note(homepage, outage(3, noon + 1min));
    CHECK(book.open(homepage) == nullptr);
}

TEST_CASE("an outage of a check that nobody carries any more ends after a minute") {
    OutageBook book;
    book.note(homepage, outage(1));
    CHECK(book.review(start, noon, everybody).empty());
    CHECK(book.review(start, noon, nobody).empty());
    CHECK(book.review(start + 59s, noon + 59s, nobody).empty());
    // An agent that carries it alone was merely restarted.
    CHECK(book.review(start + 60s, noon + 60s, everybody).empty());
    CHECK(book.review(start + 61s, noon + 61s, nobody).empty());
    const auto ended = book.review(start + 121s, noon + 121s, nobody);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].closed == noon + 121s);
    CHECK(ended[0].message == "refused [ended: no living agent carries it]");
    CHECK(book.review(start + 130s, noon + 130s, nobody).empty());
    SUBCASE("is open again when the check comes back while the mesh holds it") {
        const auto again = book.review(start + 140s, noon + 140s, everybody);
        REQUIRE(again.size() == 1);
        CHECK_FALSE(again[0].closed);
        CHECK(again[0].message == "refused");
        CHECK(book.review(start + 141s, noon + 141s, everybody).empty());
    }
    SUBCASE("stays over while this agent cannot tell") {
        CHECK(book.review(start + 140s, noon + 140s, who_knows).empty());
        CHECK(book.review(start + 300s, noon + 300s, nobody).empty());
    }
    SUBCASE("stays over, and ended when it did, whatever is learnt of it late") {
        storage::Outage rescoped = outage(1);
        rescoped.scope = "partial";
        rescoped.message = "timed out";
        const storage::Outage stored = book.note(homepage, rescoped);
        CHECK(stored.closed == noon + 121s);
        CHECK(stored.scope == "partial");
        CHECK(stored.message == "timed out [ended: no living agent carries it]");
        rescoped.message.clear();
        CHECK(book.note(homepage, rescoped).message == stored.message);
        CHECK(book.review(start + 140s, noon + 140s, nobody).empty());
        CHECK(book.review(start + 300s, noon + 300s, nobody).empty());
        CHECK_FALSE(book.end(homepage, noon + 24h, "gone"));
    }
    SUBCASE("is open again with what was learnt of it late") {
        storage::Outage rescoped = outage(1);
        rescoped.scope = "partial";
        book.note(homepage, rescoped);
        const auto again = book.review(start + 140s, noon + 140s, everybody);
        REQUIRE(again.size() == 1);
        CHECK_FALSE(again[0].closed);
        CHECK(again[0].scope == "partial");
    }
    SUBCASE("does not keep the next one from being open") {
        CHECK_FALSE(book.note(homepage, outage(3)).closed);
        CHECK(book.review(start + 140s, noon + 140s, nobody).empty());
    }
    SUBCASE("is over once when the mesh lets go of it") {
        CHECK_FALSE(book.end(homepage, noon + 24h, "gone"));
    }
}

TEST_CASE("what is learnt of an open outage gives nobody more time to watch it") {
    OutageBook book;
    book.note(homepage, outage(1));
    CHECK(book.review(start, noon, nobody).empty());
    CHECK_FALSE(book.note(homepage, outage(1)).closed);
    CHECK(book.review(start + 60s, noon, nobody).size() == 1);
}

TEST_CASE("an agent that cannot tell who carries a check ends no outage of it") {
    OutageBook book;
    book.note(homepage, outage(1));
    CHECK(book.review(start, noon, nobody).empty());
    CHECK(book.review(start + 30s, noon, who_knows).empty());
    CHECK(book.review(start + 100s, noon, nobody).empty());
    CHECK(book.review(start + 159s, noon, nobody).empty());
    CHECK(book.review(start + 160s, noon, nobody).size() == 1);
}

TEST_CASE("of a check that the mesh has let go of nothing is kept") {
    OutageBook book;
    book.note(homepage, outage(1, noon + 1min));
    book.note(homepage, outage(3));
    CHECK(book.noted(homepage, 1) != nullptr);
    book.forget(homepage);
    CHECK(book.noted(homepage, 1) == nullptr);
    CHECK(book.noted(homepage, 3) == nullptr);
    CHECK_FALSE(book.end(homepage, noon + 2min, "gone"));
}

TEST_CASE("a clock that was set back ends no outage before it began") {
    OutageBook book;
    book.note(homepage, outage(1));
    CHECK(book.end(homepage, noon - 1h, "gone")->closed == noon);
}

}  // namespace
}  // namespace picket
