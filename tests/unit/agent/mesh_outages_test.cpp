#include "agent/mesh_outages.h"

#include <doctest/doctest.h>

#include <string>

#include "gossip/spread/record_codec.h"

namespace picket {
namespace {

using namespace std::chrono_literals;
using gossip::EvidenceRecord;
using gossip::OutageScope;
using gossip::Rule;
using gossip::VerdictRecord;
using gossip::Vote;

constexpr WallTime noon = WallTime(1'795'402'800s);
constexpr gossip::FailureCode refused = 1;
constexpr gossip::FailureCode timed_out = 2;
const gossip::CheckKey homepage = gossip::check_key("homepage");

// What one agent holds.
struct Held {
    gossip::Spread spread{{.name = "a1"}, 1, Instant{}};

    void hold(const gossip::Record& record) {
        REQUIRE(spread.restore(Instant{}, noon + 1h, gossip::encode(record)));
    }
    std::optional<storage::Outage> outage(std::uint32_t epoch,
                                          const VerdictRecord* before = nullptr) const {
        return mesh_outage(spread, "homepage", epoch, before);
    }
};

VerdictRecord opened(std::uint32_t epoch, WallTime at) {
    VerdictRecord verdict;
    verdict.check = homepage;
    verdict.epoch = epoch;
    verdict.scope = OutageScope::partial;
    verdict.failure = timed_out;
    verdict.zones_failing = {"a"};
    verdict.first_failure_at = at - 1s;
    verdict.opened_at = at;
    return verdict;
}

// Of the outage that was opened at `opened_at`; it says nothing of what failed.
VerdictRecord cleared(std::uint32_t epoch, WallTime opened_at, WallTime at) {
    VerdictRecord verdict = opened(epoch, opened_at);
    verdict.scope = OutageScope::none;
    verdict.failure = 0;
    verdict.zones_failing = {};
    verdict.closed_at = at;
    return verdict;
}

EvidenceRecord evidence(std::uint32_t epoch, Rule rule, WallTime begins, WallTime decided,
                        std::uint32_t sub = 0) {
    EvidenceRecord record;
    record.check = homepage;
    record.epoch = epoch;
    record.sub = sub;
    record.rule = rule;
    record.panel = 3;
    record.quorum = 2;
    record.begins_at = begins;
    record.witnesses = {{"a1", "a"}, {"a2", "a"}, {"b1", "b"}};
    record.roll_call = {3, 3, 2};
    record.votes = {{0, Vote::fail, refused, "connection refused", decided - begins},
                    {1, Vote::fail, refused, "connection refused", decided - begins},
                    {2, Vote::ok, 0, "200 OK", decided - begins}};
    record.timeline = {{0ms, 0, gossip::TimelineEvent::first_failure},
                       {decided - begins, 0, gossip::TimelineEvent::proposed}};
    return record;
}

TEST_CASE("an outage that is open is told by its verdict, and what it is about by its evidence") {
    Held held;
    held.hold(opened(1, noon));
    auto outage = held.outage(1);
    REQUIRE(outage);
    CHECK(outage->check == "homepage");
    CHECK(outage->scope == "partial");
    CHECK(outage->failure_class == checks::FailureClass::timeout);
    CHECK(outage->opened == noon);
    CHECK(outage->first_failure == noon - 1s);
    CHECK_FALSE(outage->closed);
    CHECK(outage->message.empty());
    held.hold(evidence(1, Rule::open, noon - 1s, noon));
    CHECK(held.outage(1)->message == "connection refused");
    CHECK_FALSE(held.outage(3));
}

TEST_CASE("evidence that comes before its verdict opens nothing") {
    Held held;
    held.hold(evidence(1, Rule::open, noon - 1s, noon));
    CHECK_FALSE(held.outage(1));
}

TEST_CASE("how far an outage went and what failed is known after its end") {
    Held held;
    const VerdictRecord before = opened(1, noon);
    held.hold(cleared(2, noon, noon + 1min));
    SUBCASE("by what was held before") {
        const auto outage = held.outage(1, &before);
        REQUIRE(outage);
        CHECK(outage->scope == "partial");
        CHECK(outage->failure_class == checks::FailureClass::timeout);
        CHECK(outage->closed == noon + 1min);
    }
    SUBCASE("by its evidence, of the scope by the newest") {
        held.hold(evidence(1, Rule::open, noon - 1s, noon));
        CHECK(held.outage(1)->scope == "partial");
        EvidenceRecord rescoped = evidence(1, Rule::rescope, noon + 9s, noon + 10s, 1);
        rescoped.votes.pop_back();
        held.hold(rescoped);
        const auto outage = held.outage(1);
        REQUIRE(outage);
        CHECK(outage->scope == "total");
        CHECK(outage->failure_class == checks::FailureClass::refused);
        CHECK(outage->message == "connection refused");
        const auto view = latest_outage_view(held.spread, "homepage");
        REQUIRE(view);
        CHECK(view->scope == "total");
        CHECK(view->state == "closed");
    }
    SUBCASE("and is left as it is stored where nobody tells") {
        const auto outage = held.outage(1);
        REQUIRE(outage);
        CHECK(outage->scope.empty());
        CHECK(outage->failure_class == checks::FailureClass::none);
        CHECK(outage->closed == noon + 1min);
        CHECK_FALSE(latest_outage_view(held.spread, "homepage")->backing);
    }
}

TEST_CASE("what stands behind an outage is what opened it, not what ended it") {
    Held held;
    VerdictRecord verdict = cleared(2, noon, noon + 1min);
    EvidenceRecord opening = evidence(1, Rule::open, noon - 1s, noon);
    SUBCASE("opened by one of two, and ended by both") {
        verdict.backing = gossip::Backing::quorum;
        opening.panel = 2;
        opening.roll_call = {2, 1, 1};
        held.hold(verdict);
        held.hold(opening);
        CHECK(latest_outage_view(held.spread, "homepage")->backing == api::Backing::one_of_two);
    }
    SUBCASE("opened by a quorum, and ended by the only one left") {
        verdict.backing = gossip::Backing::one_of_two;
        held.hold(verdict);
        held.hold(opening);
        CHECK(latest_outage_view(held.spread, "homepage")->backing == api::Backing::quorum);
    }
}

TEST_CASE("an outage whose end was not heard of is closed by what came after") {
    Held held;
    const VerdictRecord before = opened(1, noon);
    SUBCASE("at the time that its end's evidence gives") {
        held.hold(cleared(4, noon + 10min, noon + 11min));
        held.hold(evidence(2, Rule::clear, noon + 2min, noon + 2min + 1s));
        CHECK(held.outage(1, &before)->closed == noon + 2min);
    }
    SUBCASE("else when the next one began, by its evidence") {
        held.hold(opened(5, noon + 20min));
        held.hold(evidence(3, Rule::open, noon + 10min - 1s, noon + 10min));
        CHECK(held.outage(1, &before)->closed == noon + 10min);
    }
    SUBCASE("else when the one that is held began") {
        held.hold(opened(3, noon + 10min));
        CHECK(held.outage(1, &before)->closed == noon + 10min);
        CHECK(held.outage(1, &before)->scope == "partial");
        CHECK_FALSE(held.outage(1));  // Of one never held nothing is known.
    }
    SUBCASE("and never before it began, whatever clocks say") {
        held.hold(cleared(2, noon, noon - 1h));
        CHECK(held.outage(1)->closed == noon);
    }
    SUBCASE("however far ahead the verdict claims to be") {
        held.hold(opened(4'000'000'001, noon + 1min));
        CHECK(held.outage(1, &before)->closed == noon + 1min);
    }
}

TEST_CASE("an outage that was slept through is told by its evidence alone") {
    Held held;
    held.hold(cleared(4, noon + 10min, noon + 11min));
    held.hold(evidence(1, Rule::open, noon - 1s, noon));
    held.hold(evidence(2, Rule::clear, noon + 2min, noon + 2min + 1s));
    const auto outage = held.outage(1);
    REQUIRE(outage);
    CHECK(outage->opened == noon);
    CHECK(outage->first_failure == noon - 1s);
    CHECK(outage->closed == noon + 2min);
    CHECK(outage->scope == "partial");
    CHECK(outage->failure_class == checks::FailureClass::refused);
    CHECK(outage->message == "connection refused");
}

}  // namespace
}  // namespace picket
