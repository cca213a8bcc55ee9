#include <doctest/doctest.h>

#include <array>
#include <map>
#include <vector>

#include "agent/base/random.h"
#include "gossip/spread/record_codec.h"
#include "gossip/wire/msgpack_array.h"
#include "tests/support/random_record.h"

namespace picket::gossip {
namespace {

using testing::random_record;
using wire::Fault;

constexpr int triples = 1'000;

// Records of one key, as two agents may hold them.
std::array<Record, 3> random_triple(Random& random) {
    const Record first = random_record(random);
    std::vector<Record> found{first};
    while (found.size() < 3) {
        Record other = random_record(random);
        if (key_of(other) == key_of(first)) found.push_back(std::move(other));
    }
    return {found[0], found[1], found[2]};
}

TEST_CASE("what is encoded and decoded is the same record") {
    Random random(1);
    for (int i = 0; i < triples; ++i) {
        CAPTURE(i);
        const Record record = random_record(random);
        const std::string payload = encode(record);
        const auto decoded = decode_record(payload);
        REQUIRE(decoded.has_value());
        CHECK(*decoded == record);
        CHECK(encode(*decoded) == payload);
        CHECK(key_of(*decoded) == key_of(record));
    }
}

TEST_CASE("joins are commutative, associative and idempotent" * doctest::test_suite("long")) {
    Random random(2);
    for (int i = 0; i < triples; ++i) {
        CAPTURE(i);
        const auto [a, b, c] = random_triple(random);
        CHECK(join(a, b) == join(b, a));
        CHECK(join(join(a, b), c) == join(a, join(b, c)));
        CHECK(join(a, a) == a);
    }
}

TEST_CASE("a join never goes back, and holds the later of the two" * doctest::test_suite("long")) {
    Random random(3);
    for (int i = 0; i < triples; ++i) {
        CAPTURE(i);
        const auto [a, b, c] = random_triple(random);
        const Record both = join(a, b);
        CHECK(precedence(both) >= precedence(a));
        CHECK(precedence(both) >= precedence(b));
        CHECK((both == a || both == b));
    }
}

TEST_CASE("forgetting never resurrects: an older record changes nothing, however often it comes") {
    const ReferenceRecord present{"a1", 7, ReferenceStatus::present, 100, "z1"};
    const ReferenceRecord forgotten{"a1", 7, ReferenceStatus::forgotten, 100, "z1"};
    const ReferenceRecord back{"a1", 8, ReferenceStatus::present, 100, "z1"};
    CHECK(join(present, forgotten) == Record(forgotten));
    CHECK(join(join(forgotten, present), present) == Record(forgotten));
    CHECK(join(forgotten, back) == Record(back));  // Only a newer boot clears it.
}

TEST_CASE("verdicts are ordered by era, epoch and sub, then by digest") {
    VerdictRecord up{.check = CheckKey{1}, .epoch = 2};
    VerdictRecord degraded = up;
    degraded.sub = 1;
    degraded.zones_failing = {"z1"};
    VerdictRecord down{.check = CheckKey{1}, .epoch = 3, .scope = OutageScope::total};
    CHECK(version_of(up) < version_of(degraded));
    CHECK(version_of(degraded) < version_of(down));
    VerdictRecord other = down;
    other.proposer = AgentId{9};
    CHECK(version_of(other) != version_of(down));
    CHECK(join(other, down) == join(down, other));
}

TEST_CASE("of two pieces of evidence the first by digest is kept") {
    EvidenceRecord one{.check = CheckKey{1}, .epoch = 3};
    EvidenceRecord two = one;
    two.quorum = 3;
    const bool one_first = hash_of(one) < hash_of(two);
    CHECK(join(one, two) == Record(one_first ? one : two));
}

TEST_CASE("evidence is kept of an epoch's first version, and of the last fifteen after it") {
    EvidenceRecord first{.check = CheckKey{1}, .epoch = 3};
    EvidenceRecord second = first;
    second.sub = 1;
    CHECK(key_of(first) != key_of(second));
    EvidenceRecord later = second;
    later.sub = 1 + evidence_subs_max;
    CHECK(key_of(later) == key_of(second));
    CHECK(join(second, later) == Record(later));
    CHECK(join(later, second) == Record(later));
    later.sub = evidence_subs_max;
    CHECK(key_of(later) != key_of(second));
    CHECK(key_of(later) != key_of(first));
}

TEST_CASE("every truncated record is refused, whole") {
    Random random(4);
    for (int i = 0; i < 70; ++i) {
        const std::string payload = encode(random_record(random));
        for (std::size_t bytes = 0; bytes < payload.size(); ++bytes) {
            const auto decoded = decode_record(std::string_view(payload).substr(0, bytes));
            REQUIRE_FALSE(decoded.has_value());
        }
    }
}

TEST_CASE("fields that a newer version added at the end are ignored") {
    const VerdictRecord verdict{.check = CheckKey{1}, .epoch = 1, .scope = OutageScope::total};
    std::string payload = encode(verdict);
    REQUIRE(static_cast<unsigned char>(payload[3]) == 0x9e);  // 14 fields
    payload[3] = static_cast<char>(0x9f);
    const std::string extra("\x93\x01\xc0\x81\xa1k\xcb\0\0\0\0\0\0\0\0", 15);
    CHECK(decode_record(payload + extra) == wire::Decoded<Record>(verdict));
}

TEST_CASE("another format, another version and another kind are told apart and refused") {
    std::string payload = encode(PresenceRecord{});
    const auto refusal = [&](std::size_t place, char value) {
        std::string changed = payload;
        changed[place] = value;
        return decode_record(changed).error();
    };
    CHECK(refusal(0, 0x71) == Fault::unknown_type);
    CHECK(refusal(1, 2) == Fault::unknown_version);
    CHECK(refusal(2, 0x40) == Fault::unknown_type);
    CHECK(decode_record("") == wire::Decoded<Record>(wire::refused(Fault::truncated)));
}

TEST_CASE("records that no sane agent sends are refused by their reason") {
    std::string payload;
    const auto begin = [&](RecordKind kind) {
        payload = {picket_message, static_cast<char>(format_version), static_cast<char>(kind)};
        return wire::ArrayWriter(payload);
    };
    SUBCASE("an outage without a scope") {
        VerdictRecord verdict{.check = CheckKey{1}, .epoch = 1, .scope = OutageScope::total};
        payload = encode(verdict);
        payload[payload.find('\x01', 13) + 2] = 0;
        CHECK_FALSE(decode_record(payload).has_value());
    }
    SUBCASE("a reference without a name") {
        wire::ArrayWriter array = begin(RecordKind::reference);
        array.begin();
        array.text("");
        for (int i = 0; i < 3; ++i) array.number(0);
        array.text("");
        array.end();
        CHECK(decode_record(payload).error() == Fault::out_of_range);
    }
    SUBCASE("a reference with an endless name") {
        wire::ArrayWriter array = begin(RecordKind::reference);
        array.begin();
        array.text(std::string(agent_name_bytes_max + 1, 'a'));
        array.end();
        CHECK(decode_record(payload).error() == Fault::too_long);
    }
    SUBCASE("a reference that was seen after the last time there is") {
        ReferenceRecord reference{"a1", 9, ReferenceStatus::left, 78'187'493, ""};
        CHECK(decode_record(encode(reference)) == wire::Decoded<Record>(reference));
        payload = encode(reference);
        const std::size_t seen = payload.find('\xce');
        REQUIRE(seen != std::string::npos);
        payload.replace(seen + 1, 4, "\xff\xff\xff\xff");
        CHECK(decode_record(payload).error() == Fault::out_of_range);
    }
    SUBCASE("evidence that speaks of a witness it does not name") {
        EvidenceRecord evidence{.check = CheckKey{1}, .epoch = 1};
        evidence.witnesses = {{"a", "z"}};
        evidence.votes = {{0, Vote::fail, 1, "m", {}}};
        payload = encode(evidence);
        const std::size_t vote = payload.find(std::string("\x95\x00\x01", 3));
        REQUIRE(vote != std::string::npos);
        payload[vote + 1] = 1;
        CHECK(decode_record(payload).error() == Fault::out_of_range);
    }
    SUBCASE("evidence of more than a kibibyte") {
        payload = encode(EvidenceRecord{});
        payload.append(evidence_bytes_max, '\0');
        CHECK(decode_record(payload).error() == Fault::too_large);
    }
    SUBCASE("zones that are not sorted") {
        VerdictRecord verdict{.check = CheckKey{1}, .epoch = 2};
        verdict.zones_failing = {"za", "zb"};
        payload = encode(verdict);
        payload[payload.find("za") + 1] = 'c';
        CHECK(decode_record(payload).error() == Fault::out_of_range);
    }
    SUBCASE("a list that announces four thousand million entries") {
        payload = {picket_message, format_version, static_cast<char>(RecordKind::notice)};
        payload += "\x9a\x01\x01\xc2\x01\x01\x01\x01\x01\xdd\xff\xff\xff\xff";
        CHECK(decode_record(payload).error() == Fault::too_long);
    }
}

TEST_CASE("fitting keeps what fits as it is, and cuts the rest until it does") {
    EvidenceRecord small{.check = CheckKey{1}, .epoch = 1};
    small.witnesses = {{"a", "z"}};
    EvidenceRecord same = small;
    fit(same);
    CHECK(same == small);

    EvidenceRecord large{.check = CheckKey{1}, .epoch = 1};
    for (std::uint8_t i = 0; i < 60; ++i) {
        large.witnesses.push_back({std::string(200, 'n'), std::string(90, 'z')});
        large.votes.push_back({i, Vote::fail, 1, std::string(300, 'm'), std::chrono::seconds(1)});
        large.discounted.push_back({i, std::string(300, 'r')});
        large.timeline.push_back({std::chrono::seconds(i), i, TimelineEvent::voted_fail});
    }
    fit(large);
    CHECK(encode(large).size() <= evidence_bytes_max);
    CHECK(large.votes.size() == panel_max);

    VerdictRecord verdict{.check = CheckKey{1}, .epoch = 2};
    verdict.zones_failing = {"b", "a", "b", std::string(100, 'c')};
    fit(verdict);
    CHECK(verdict.zones_failing ==
          std::vector<std::string>{"a", "b", std::string(zone_bytes_max, 'c')});
}

TEST_CASE("every verdict fits into the half of a packet that is picket's") {
    VerdictRecord verdict{.check = CheckKey{~0ull}, .epoch = 0xffff'ffff, .sub = 0xffff'ffff};
    verdict.scope = OutageScope::partial;
    for (std::size_t i = 0; i < panel_max; ++i) {
        const std::string zone = std::string(zone_bytes_max - 1, 'z') + static_cast<char>('a' + i);
        // The zones of a panel are one list or the other, mostly.
        (i % 2 == 0 ? verdict.zones_failing : verdict.zones_passing).push_back(zone);
    }
    verdict.proposer = AgentId{~0ull};
    verdict.evidence = EvidenceHash{~0ull};
    verdict.opened_at = from_milliseconds((std::int64_t{1} << 48) - 1);
    verdict.first_failure_at = verdict.closed_at = verdict.opened_at;
    CHECK(encode(verdict).size() <= 640);
}

}  // namespace
}  // namespace picket::gossip
