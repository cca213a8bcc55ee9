#include "gossip/membership/member_table.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>

#include "gossip/membership/graveyard.h"
#include "gossip/membership/tags.h"

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1h};

std::string name_of(int number) {
    return "agent-" + std::to_string(number);
}

TEST_CASE("a text is held once, and forgotten with its last holder") {
    TextPool texts;
    const TextId first = texts.intern("web-03");
    CHECK(texts.intern("web-03") == first);
    CHECK(texts.size() == 1);
    texts.release(first);
    CHECK(texts.find("web-03") == first);
    texts.release(first);
    CHECK(texts.find("web-03") == no_text);
    CHECK(texts.size() == 0);
    CHECK(texts.intern("other") == first);  // Its number is given again.
    CHECK(texts.intern("") == no_text);
}

TEST_CASE("whatever is put in and taken out, exactly the others are found") {
    TextPool texts;
    {
        MemberTable table(texts);
        Random random(1);
        std::set<std::string> expected;
        for (int step = 0; step < 20'000; ++step) {
            const std::string name = name_of(static_cast<int>(random.below(300)));
            if (expected.contains(name)) {
                table.erase(table.find(name)->name);
                expected.erase(name);
            } else {
                table.set_meta(table.insert(name, random), name + "!");
                expected.insert(name);
            }
            if (step % 1000 == 0) table.shuffle(random);
        }
        CHECK(table.size() == expected.size());
        for (int number = 0; number < 300; ++number) {
            const MemberView* view = table.find(name_of(number));
            CHECK((view != nullptr) == expected.contains(name_of(number)));
            if (view != nullptr) CHECK(table.member(*view).meta == name_of(number) + "!");
        }
    }
    CHECK(texts.size() == 0);
}

TEST_CASE("the counts follow the liveness") {
    TextPool texts;
    MemberTable table(texts);
    Random random(1);
    MemberView& view = table.insert("a", random);
    CHECK(table.count(Liveness::failed) == 1);
    table.set_liveness(start, view, Liveness::suspect);
    CHECK(table.count_present() == 1);
    CHECK(view.since == start);
    table.erase(view.name);
    CHECK(table.count_present() == 0);
}

TEST_CASE("every member has its turn once before any has it twice") {
    TextPool texts;
    MemberTable table(texts);
    Random random(5);
    for (int number = 0; number < 40; ++number) table.insert(name_of(number), random);
    for (int turn = 0; turn < 3; ++turn) {
        std::set<TextId> seen;
        while (const MemberView* view = table.advance()) CHECK(seen.insert(view->name).second);
        CHECK(seen.size() == 40);
        table.shuffle(random);
    }
}

TEST_CASE("every eligible member is as likely to be chosen as any other") {
    for (const int size : {4, 9, 60}) {  // Below and above what drawing alone can do.
        CAPTURE(size);
        TextPool texts;
        MemberTable table(texts);
        Random random(7);
        for (int number = 0; number < size; ++number) table.insert(name_of(number), random);
        const TextId excluded = table.find(name_of(0))->name;
        const auto eligible = [excluded](const MemberView& view) { return view.name != excluded; };
        std::map<TextId, int> times;
        constexpr int rounds = 30'000;
        for (int round = 0; round < rounds; ++round) {
            const auto chosen = table.choose(random, 3, eligible);
            CHECK(chosen.size() == 3);
            std::set<TextId> distinct;
            for (const MemberView& view : chosen) {
                distinct.insert(view.name);
                ++times[view.name];
            }
            CHECK(distinct.size() == 3);
        }
        CHECK_FALSE(times.contains(excluded));
        CHECK(times.size() == static_cast<std::size_t>(size - 1));
        const double expected = 3.0 * rounds / (size - 1);
        for (const auto& [name, count] : times) {
            CHECK(count > 0.87 * expected);
            CHECK(count < 1.13 * expected);
        }
    }
}

TEST_CASE("in a small mesh all that are eligible are found") {
    TextPool texts;
    MemberTable table(texts);
    Random random(1);
    for (int number = 0; number < 3; ++number) table.insert(name_of(number), random);
    const auto any = [](const MemberView&) { return true; };
    for (int round = 0; round < 200; ++round) CHECK(table.choose(random, 5, any).size() == 3);
}

TEST_CASE("a tombstone goes after a day, and the oldest when there are too many") {
    TextPool texts;
    Graveyard graveyard(texts);
    MemberView view;
    view.since = start;
    view.name = texts.intern("gone");
    view.incarnation = 9;
    graveyard.bury(view);
    texts.release(view.name);
    CHECK(graveyard.find(texts.find("gone"))->incarnation == 9);
    graveyard.expire(start + Graveyard::age_max);
    CHECK(graveyard.size() == 1);
    graveyard.expire(start + Graveyard::age_max + 1s);
    CHECK(graveyard.size() == 0);
    CHECK(texts.size() == 0);

    for (std::size_t number = 0; number <= Graveyard::size_max; ++number) {
        view.name = texts.intern(name_of(static_cast<int>(number)));
        graveyard.bury(view);
        texts.release(view.name);
    }
    CHECK(graveyard.size() == Graveyard::size_max);
    CHECK(texts.find(name_of(0)) == no_text);
    CHECK(texts.find(name_of(1)) != no_text);
}

TEST_CASE("an address written in 4 bytes and in 16 is one place") {
    const IpAddress v4 = *parse_ip("192.0.2.7");
    const IpAddress mapped = *parse_ip("::ffff:192.0.2.7");
    CHECK(same_endpoint({v4, 1}, {mapped, 1}));
    CHECK_FALSE(same_endpoint({v4, 1}, {mapped, 2}));
    CHECK_FALSE(same_endpoint({v4, 1}, {*parse_ip("192.0.2.8"), 1}));
}

TEST_CASE("nothing is sent to an address that is nobody's") {
    for (const char* text : {"0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "::", "ff02::1",
                             "::ffff:0.0.0.0"}) {
        CAPTURE(text);
        CHECK_FALSE(usable({*parse_ip(text), 7946}));
    }
    CHECK(usable({*parse_ip("127.0.0.1"), 7946}));
    CHECK(usable({*parse_ip("2001:db8::1"), 7946}));
    CHECK_FALSE(usable({*parse_ip("127.0.0.1"), 0}));
}

TEST_CASE("versions fit when each speaks what the other does") {
    const wire::Versions serf{1, 5, 2, 2, 5, 5};
    CHECK(compatible(serf, serf));
    CHECK(compatible(serf, {1, 5, 2, 2, 5, 4}));
    CHECK_FALSE(compatible(serf, {1, 5, 2, 0, 0, 0}));
    CHECK_FALSE(compatible(serf, {0, 0, 0, 0, 0, 0}));
    CHECK_FALSE(compatible(serf, {3, 5, 3, 2, 5, 5}));
}

TEST_CASE("tags travel in Serf's form") {
    const std::string meta = encode_tags({{"role", "web"}, {"picket", std::string(40, 'x')}});
    CHECK(meta.substr(0, 2) == "\xff\x82");
    const auto tags = decode_tags(meta);
    REQUIRE(tags.has_value());
    CHECK(tags->at("role") == "web");
    CHECK(tags->at("picket").size() == 40);
    CHECK(is_picket(meta));
    CHECK_FALSE(is_picket(encode_tags({{"role", "picket"}})));
    CHECK_FALSE(is_picket(""));
    for (std::size_t size = 0; size < meta.size(); ++size) {
        CHECK_FALSE(decode_tags(meta.substr(0, size)).has_value());
    }
}

TEST_CASE("an intent is what Serf sends") {
    using namespace std::string_literals;
    CHECK(serf_leave_intent(1, "n1") ==
          "\x00\x83\xa5LTime\xcf\x00\x00\x00\x00\x00\x00\x00\x01\xa4Node\xa2n1\xa5Prune\xc2"s);
    CHECK(serf_join_intent(258, "n1") ==
          "\x01\x82\xa5LTime\xcf\x00\x00\x00\x00\x00\x00\x01\x02\xa4Node\xa2n1"s);
}

}  // namespace
}  // namespace picket::gossip
