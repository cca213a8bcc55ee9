#include "gossip/agreement/scribe.h"

#include <doctest/doctest.h>

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1h};

const Change opening{.rule = Rule::open, .scope = OutageScope::total, .zones_failing = {"a"}};

TEST_CASE("the first by rank writes at once, each later one 200 ms after the one before") {
    for (const std::size_t rank : {0U, 1U, 2U, 5U}) {
        Scribe scribe;
        scribe.on_change(opening);
        const Instant turn = start + static_cast<Duration::rep>(rank) * 200ms;
        CHECK(scribe.on_proof(start, true, rank) == turn);
        // Looked at again meanwhile, it is the same turn.
        scribe.on_change(opening);
        CHECK(scribe.on_proof(start + 100ms, true, rank) == turn);
    }
}

TEST_CASE("a scribe waits from the moment at which a roll call proves what the votes carry") {
    Scribe scribe;
    scribe.on_change(opening);
    CHECK_FALSE(scribe.on_proof(start, false, 1).has_value());
    CHECK(scribe.on_proof(start + 1s, true, 1) == start + 1200ms);
    CHECK_FALSE(scribe.on_proof(start + 1100ms, false, 1).has_value());
    CHECK(scribe.on_proof(start + 2s, true, 1) == start + 2200ms);
}

TEST_CASE("a scribe waits anew when the votes come to carry another change") {
    Scribe scribe;
    scribe.on_change(opening);
    CHECK(scribe.on_proof(start, true, 2) == start + 400ms);
    Change same = opening;
    same.oldest = start;  // Other votes, of one meaning.
    scribe.on_change(same);
    CHECK(scribe.on_proof(start + 300ms, true, 2) == start + 400ms);
    Change other = opening;
    other.scope = OutageScope::partial;
    scribe.on_change(other);
    CHECK(scribe.on_proof(start + 300ms, true, 2) == start + 700ms);
}

TEST_CASE("a scribe that has heard of the version has nothing to write") {
    Scribe scribe;
    scribe.on_change(opening);
    CHECK(scribe.on_proof(start, true, 1) == start + 200ms);
    scribe.rest();
    CHECK_FALSE(scribe.busy());
    scribe.on_change(opening);
    CHECK(scribe.on_proof(start + 1s, true, 1) == start + 1200ms);
}

TEST_CASE("what turns the state makes an epoch, what does not a version within it") {
    VerdictRecord held{.check = CheckKey{1}, .epoch = 2, .sub = 3};
    const VerdictRecord down = next_version(held, opening);
    CHECK(down.epoch == 3);
    CHECK(down.sub == 0);
    CHECK(down.scope == OutageScope::total);
    CHECK(down.zones_failing == std::vector<std::string>{"a"});
    const Change partial{.rule = Rule::rescope, .scope = OutageScope::partial};
    const VerdictRecord rescoped = next_version(down, partial);
    CHECK(rescoped.epoch == 3);
    CHECK(rescoped.sub == 1);
    CHECK(rescoped.zones_failing.empty());
    const VerdictRecord up = next_version(rescoped, {.rule = Rule::clear});
    CHECK(up.epoch == 4);
    CHECK(up.sub == 0);
    CHECK(up.scope == OutageScope::none);
}

}  // namespace
}  // namespace picket::gossip
