#include "gossip/spread/registry.h"

#include <doctest/doctest.h>

#include <map>

#include "agent/base/random.h"
#include "tests/support/random_record.h"

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;
using testing::random_record;

constexpr Instant start{std::chrono::hours(1)};
constexpr WallTime wall{std::chrono::hours(24 * 365 * 50)};
constexpr AgentId one{1};
constexpr AgentId two{2};
constexpr Origin own{Source::own, {}};

VerdictRecord verdict(std::uint32_t epoch, std::uint32_t sub = 0) {
    VerdictRecord record{.check = CheckKey{7}, .epoch = epoch, .sub = sub};
    if (record.outage()) record.scope = OutageScope::total;
    return record;
}

// Whatever is ordered is written at once.
void write_all(Registry& registry) {
    while (const auto order = registry.poll_persist()) registry.on_persisted(start, order->ticket);
}

std::optional<Refusal> take(Registry& registry, Record record, Origin origin,
                            std::size_t peers = 5) {
    const auto refusal = registry.put(start, wall, std::move(record), origin, peers);
    write_all(registry);
    return refusal;
}

std::uint32_t epoch_of(const Registry& registry) {
    const auto* held = registry.find_as<VerdictRecord>(key_of(verdict(0)));
    return held == nullptr ? 9999 : held->epoch;
}

TEST_CASE("a verdict is seen and summed up only once it is on disk") {
    Registry registry;
    CHECK(registry.put(start, wall, verdict(0), own, 0) == std::nullopt);
    CHECK(registry.find(key_of(verdict(0))) == nullptr);
    CHECK(registry.latest(key_of(verdict(0))) != nullptr);
    CHECK(registry.root() == 0);
    CHECK_FALSE(registry.poll_change().has_value());
    const auto order = registry.poll_persist();
    REQUIRE(order.has_value());
    CHECK(decode_record(order->payload) == wire::Decoded<Record>(verdict(0)));
    registry.on_persisted(start, order->ticket);
    CHECK(registry.find(key_of(verdict(0))) != nullptr);
    CHECK(registry.root() == digest(verdict(0)));
    CHECK(registry.poll_change().has_value());
}

TEST_CASE("of two verdicts on their way to the disk the later is shown, whatever is written when") {
    Registry registry;
    registry.put(start, wall, verdict(1), own, 0);
    registry.put(start, wall, verdict(2), own, 0);
    const auto first = registry.poll_persist();
    const auto second = registry.poll_persist();
    registry.on_persisted(start, first->ticket);
    CHECK(epoch_of(registry) == 9999);
    registry.on_persisted(start, second->ticket);
    CHECK(epoch_of(registry) == 2);
    CHECK(registry.unpersisted() == 0);
}

TEST_CASE("a verdict never goes back, and an equal one changes nothing") {
    Registry registry;
    CHECK(take(registry, verdict(3), own) == std::nullopt);
    for (const Source source : {Source::gossip, Source::anti_entropy, Source::own}) {
        CHECK(take(registry, verdict(2), {source, one}) == Refusal::known);
        CHECK(take(registry, verdict(3), {source, one}) == Refusal::known);
    }
    CHECK(epoch_of(registry) == 3);
}

TEST_CASE("gossip may go one step; for a larger one anti-entropy is asked") {
    Registry registry;
    take(registry, verdict(4), own);
    const Origin gossip{Source::gossip, one};
    CHECK(take(registry, verdict(6), gossip) == Refusal::step_for_gossip);
    CHECK(take(registry, verdict(1004), gossip) == Refusal::step_for_gossip);
    CHECK(take(registry, verdict(4, 1000), gossip) == Refusal::step_for_gossip);
    CHECK(epoch_of(registry) == 4);
    CHECK(take(registry, verdict(5), gossip) == std::nullopt);
    CHECK(take(registry, verdict(5, 1), gossip) == std::nullopt);
}

TEST_CASE("a step of more than 64 needs two peers, and the lesser of their words is taken") {
    Registry registry;
    take(registry, verdict(4), own);
    CHECK(take(registry, verdict(68), {Source::anti_entropy, one}) == std::nullopt);
    CHECK(take(registry, verdict(1000), {Source::anti_entropy, one}) == Refusal::unconfirmed);
    CHECK(take(registry, verdict(1000), {Source::anti_entropy, one}) == Refusal::unconfirmed);
    CHECK(epoch_of(registry) == 68);
    CHECK(take(registry, verdict(200), {Source::anti_entropy, two}) == std::nullopt);
    CHECK(epoch_of(registry) == 200);
}

TEST_CASE("who knows of no outage takes a large step from one peer that keeps to it for a minute") {
    for (const std::uint32_t held : {0U, 2U}) {
        CAPTURE(held);
        Registry registry;
        take(registry, verdict(held), own);
        const auto reported = [&](Duration after) {
            const auto refusal =
                registry.put(start + after, wall, verdict(100), {Source::anti_entropy, one}, 2);
            write_all(registry);
            return refusal;
        };
        CHECK(reported(0s) == Refusal::unconfirmed);
        CHECK(reported(59s) == Refusal::unconfirmed);
        CHECK(reported(60s).has_value() == (held > 0));
        CHECK(epoch_of(registry) == (held > 0 ? held : 100));
    }
}

TEST_CASE("where there is only one peer, its word is enough") {
    Registry registry;
    CHECK(take(registry, verdict(1000), {Source::anti_entropy, one}, 1) == std::nullopt);
    CHECK(epoch_of(registry) == 1000);
}

TEST_CASE("another era and absurd numbers are refused, from gossip and anti-entropy alike") {
    Registry registry;
    VerdictRecord other = verdict(1);
    other.era = 2;
    VerdictRecord last = verdict(0xffff'ffff);
    EvidenceRecord evidence{.era = 3, .epoch = 1, .begins_at = wall};
    for (const Source source : {Source::gossip, Source::anti_entropy}) {
        CHECK(take(registry, other, {source, one}) == Refusal::other_era);
        CHECK(take(registry, last, {source, one}) == Refusal::absurd);
        CHECK(take(registry, evidence, {source, one}) == Refusal::other_era);
    }
    CHECK(registry.size() == 0);
}

TEST_CASE("votes are nobody's to keep") {
    Registry registry;
    CHECK(take(registry, VoteRecord{}, {Source::gossip, one}) == Refusal::not_kept);
    CHECK(take(registry, SuspicionRecord{}, {Source::gossip, one}) == Refusal::not_kept);
}

TEST_CASE("what has outlived its time is dropped, and cannot be brought back") {
    Registry registry;
    const EvidenceRecord old{.check = CheckKey{7}, .epoch = 1, .begins_at = wall - 24h * 29};
    REQUIRE(take(registry, old, own) == std::nullopt);
    registry.expire(wall + 24h * 2);
    write_all(registry);
    CHECK(registry.size() == 0);
    CHECK(registry.root() == 0);
    CHECK(registry.put(start, wall + 24h * 2, old, {Source::anti_entropy, one}, 5) ==
          Refusal::outlived);
    NoticeRecord notice{.side = one, .at = wall - 25h};
    CHECK(take(registry, notice, {Source::gossip, one}) == Refusal::outlived);
}

TEST_CASE("a record that goes is deleted on disk too") {
    Registry registry;
    take(registry, verdict(1), own);
    registry.erase(key_of(verdict(1)));
    const auto order = registry.poll_persist();
    REQUIRE(order.has_value());
    CHECK(order->payload.empty());
    CHECK(order->key == key_of(verdict(1)));
    CHECK(registry.root() == 0);
}

TEST_CASE("agents that took the same records in another order sum up to the same") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        std::vector<Record> records;
        for (int i = 0; i < 60; ++i) records.push_back(random_record(random));
        Registry a;
        Registry b;
        for (const Record& record : records) take(a, record, own);
        for (std::size_t i = records.size(); i > 1; --i) {
            std::swap(records[i - 1], records[random.below(i)]);
        }
        for (const Record& record : records) {
            take(b, record, own);
            take(b, record, own);
        }
        CHECK(a.root() == b.root());
        CHECK(a.buckets(8) == b.buckets(8));
        CHECK(a.size() == b.size());
    }
}

TEST_CASE("buckets of any fineness add up to the root, and unlisted records are in none") {
    Registry registry;
    for (std::uint64_t check = 0; check < 6000; ++check) {
        VerdictRecord record = verdict(1);
        record.check = CheckKey{check};
        take(registry, record, own);
    }
    CHECK(registry.bucket_bits() == 9);  // More than 4,096 records.
    for (std::uint8_t bits = bucket_bits_min; bits <= 12; ++bits) {
        std::uint64_t sum = 0;
        for (const std::uint64_t bucket : registry.buckets(bits)) sum ^= bucket;
        CHECK(sum == registry.root());
    }
    const std::vector<std::uint32_t> all = [] {
        std::vector<std::uint32_t> buckets;
        for (std::uint32_t i = 0; i < 256; ++i) buckets.push_back(i);
        return buckets;
    }();
    CHECK(registry.items(8, all).size() == 6000);
    for (std::uint64_t check = 0; check < 6000; ++check) {
        registry.set_listed({RecordKind::verdict, check, 0}, false);
    }
    CHECK(registry.root() == 0);
    CHECK(registry.items(8, all).empty());
    CHECK(registry.size() == 6000);
}

TEST_CASE("at its limit a kind refuses new keys, and evidence drops the oldest") {
    Registry registry;
    for (std::uint32_t side = 0; side < Registry::notices_max; ++side) {
        CHECK(take(registry, NoticeRecord{.side = AgentId{side}, .at = wall}, own) == std::nullopt);
    }
    CHECK(take(registry, NoticeRecord{.side = AgentId{9999}, .at = wall}, own) == Refusal::full);
    CHECK(take(registry, NoticeRecord{.side = AgentId{1}, .revision = 1, .at = wall}, own) ==
          std::nullopt);
    for (std::uint32_t epoch = 0; epoch <= Registry::evidence_max; ++epoch) {
        const EvidenceRecord evidence{
            .check = CheckKey{1}, .epoch = epoch, .begins_at = wall - 1h + epoch * 1ms};
        REQUIRE(take(registry, evidence, own) == std::nullopt);
    }
    CHECK(registry.count(RecordKind::evidence) == Registry::evidence_max);
    CHECK(registry.find({RecordKind::evidence, 1, 0}) == nullptr);
    CHECK(registry.find({RecordKind::evidence, 1, Registry::evidence_max}) != nullptr);
}

TEST_CASE("at the limit of evidence agents that heard the same in another order hold the same") {
    const auto evidence = [](std::uint32_t epoch) {
        return EvidenceRecord{
            .check = CheckKey{1}, .epoch = epoch, .begins_at = wall - 1h + epoch / 2 * 1ms};
    };
    constexpr std::uint32_t all = Registry::evidence_max + 3;
    Registry forwards;
    Registry backwards;
    for (std::uint32_t epoch = 0; epoch < all; ++epoch) {
        CHECK_FALSE(take(forwards, evidence(epoch), own).has_value());
        const auto refusal = take(backwards, evidence(all - 1 - epoch), own);
        CHECK(refusal.has_value() == (epoch >= Registry::evidence_max));
    }
    CHECK(forwards.root() == backwards.root());
}

TEST_CASE("at the limit of members who is gone gives its place, who went first before others") {
    Registry registry;
    const auto member = [](std::uint32_t number, ReferenceStatus status) {
        const auto hours = std::chrono::floor<std::chrono::hours>(wall.time_since_epoch()).count();
        return ReferenceRecord{.name = "a" + std::to_string(number),
                               .status = status,
                               .seen_hours = static_cast<std::uint32_t>(hours) - number % 100};
    };
    for (std::uint32_t number = 0; number < Registry::members_max; ++number) {
        const bool gone = number == 7 || number == 9;
        const auto status = gone ? ReferenceStatus::forgotten : ReferenceStatus::present;
        REQUIRE_FALSE(take(registry, member(number, status), own).has_value());
    }
    constexpr auto present = ReferenceStatus::present;
    CHECK_FALSE(take(registry, member(100'000, present), own).has_value());
    CHECK(registry.find(key_of(member(9, present))) == nullptr);
    CHECK(registry.find(key_of(member(7, present))) != nullptr);
    CHECK_FALSE(take(registry, member(100'001, present), own).has_value());
    CHECK(take(registry, member(100'002, present), own) == Refusal::full);
}

TEST_CASE("at the limit of verdicts one of a check that nobody carries any more gives its place") {
    Registry registry;
    const auto of = [](std::uint64_t check) { return VerdictRecord{.check = CheckKey{check}}; };
    for (std::uint64_t check = 1; check <= Registry::verdicts_max; ++check) {
        REQUIRE(take(registry, of(check), own) == std::nullopt);
    }
    const std::uint64_t next = Registry::verdicts_max + 1;
    CHECK(take(registry, of(next), own) == Refusal::full);
    registry.set_listed(key_of(of(7)), false);
    CHECK(take(registry, of(next), own) == std::nullopt);
    CHECK(registry.find(key_of(of(7))) == nullptr);
    CHECK(registry.find(key_of(of(next))) != nullptr);
}

}  // namespace
}  // namespace picket::gossip
