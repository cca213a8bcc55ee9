#include "gossip/spread/reference.h"

#include <doctest/doctest.h>

#include "gossip/spread/registry.h"

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{std::chrono::hours(1)};
constexpr WallTime wall{std::chrono::hours(1000)};

// A reference of our own and others, with what follows from each record put at once.
struct World {
    Reference reference;
    Instant now = start;

    explicit World(bool joins = false) : reference({"a1", "z1", joins}) {
        reference.on_present(now, "a1");
    }
    void add(const std::string& name, const std::string& zone = "z1", bool here = true) {
        reference.on_record({name, 1, ReferenceStatus::present, 1000, zone});
        if (here) reference.on_present(now, name);
    }
    // A roll call every ten seconds.
    void roll_calls(int count, bool passed, Duration apart = 10s) {
        for (int i = 0; i < count; ++i) {
            now += apart;
            for (const auto& record :
                 reference.on_roll_call(now, wall + (now - start), passed, 1, true)) {
                reference.on_record(record);
            }
        }
    }
};

TEST_CASE("an agent counts itself once it is settled and its own roll call has passed") {
    World world;
    CHECK(world.reference.guest());
    CHECK(world.reference.on_roll_call(start, wall, false, 1, true).empty());
    CHECK(world.reference.on_roll_call(start, wall, true, 1, false).empty());
    const auto records = world.reference.on_roll_call(start, wall, true, 1, true);
    REQUIRE(records.size() == 1);
    CHECK(records.front() == ReferenceRecord{"a1", 1, ReferenceStatus::present, 1000, "z1"});
    world.reference.on_record(records.front());
    CHECK_FALSE(world.reference.guest());
    CHECK(world.reference.counted() == std::vector<std::string>{"a1"});
    CHECK(world.reference.on_roll_call(start, wall, true, 1, true).empty());
}

TEST_CASE("who should join a mesh and has met nobody waits, and counts nobody") {
    World world(true);
    CHECK(world.reference.waiting_for_mesh());
    CHECK(world.reference.on_roll_call(start, wall, true, 1, true).empty());
    world.reference.on_present(start, "a2");
    CHECK_FALSE(world.reference.waiting_for_mesh());
}

TEST_CASE("one that vanished is forgotten after ten minutes of passed roll calls") {
    World world;
    world.add("a2");
    world.reference.on_vanished(world.now, "a2");
    CHECK(world.reference.missing().size() == 1);
    world.roll_calls(60, true);
    CHECK(world.reference.counts("a2"));
    world.roll_calls(2, true);
    CHECK_FALSE(world.reference.counts("a2"));
}

TEST_CASE("a side that is cut off forgets nobody, however long it lasts") {
    World world;
    world.add("a2");
    world.reference.on_vanished(world.now, "a2");
    world.roll_calls(1000, false);
    CHECK(world.reference.counts("a2"));
    // Time between a failed roll call and the next passed one does not count either.
    world.roll_calls(30, true);
    world.roll_calls(100, false);
    world.roll_calls(30, true);
    CHECK(world.reference.counts("a2"));
    world.roll_calls(5, true);
    CHECK_FALSE(world.reference.counts("a2"));
}

TEST_CASE("roll calls far apart say nothing about the time between them") {
    World world;
    world.add("a2");
    world.reference.on_vanished(world.now, "a2");
    world.roll_calls(100, true, 31s);
    CHECK(world.reference.counts("a2"));
}

TEST_CASE("one that comes back in time is not forgotten") {
    World world;
    world.add("a2");
    world.reference.on_vanished(world.now, "a2");
    world.roll_calls(50, true);
    world.reference.on_present(world.now, "a2");
    world.reference.on_vanished(world.now, "a2");
    world.roll_calls(50, true);
    CHECK(world.reference.counts("a2"));
}

TEST_CASE("a stored member that is not seen again after our restart is missed from then on") {
    World world;
    world.add("a2", "z2", false);
    CHECK(world.reference.missing().size() == 1);
    world.roll_calls(62, true);
    CHECK_FALSE(world.reference.counts("a2"));
}

TEST_CASE("an operator forgets by name or by zone, and only a newer boot clears it") {
    World world;
    world.add("a2", "z2");
    world.add("a3", "z2");
    world.add("a4", "z3");
    CHECK_FALSE(world.reference.forget(wall, "nobody").has_value());
    CHECK(world.reference.forget_zone(wall, "z2").empty());  // They are here.
    world.reference.on_vanished(world.now, "a2");
    world.reference.on_vanished(world.now, "a3");
    const auto forgotten = world.reference.forget_zone(wall, "z2");
    REQUIRE(forgotten.size() == 2);
    for (const auto& record : forgotten) world.reference.on_record(record);
    CHECK(world.reference.counted() == std::vector<std::string>{"a4"});
    CHECK_FALSE(world.reference.forget(wall, "a2").has_value());
    world.reference.on_record({"a2", 2, ReferenceStatus::present, 1000, "z2"});
    CHECK(world.reference.counts("a2"));
}

TEST_CASE("one that finds itself forgotten, or behind another run of its own, raises its boot") {
    World world;
    CHECK_FALSE(world.reference.boot_needed(5).has_value());
    world.reference.on_record({"a1", 5, ReferenceStatus::present, 1000, "z1"});
    CHECK_FALSE(world.reference.boot_needed(5).has_value());
    world.reference.on_record({"a1", 5, ReferenceStatus::forgotten, 1000, "z1"});
    CHECK(world.reference.boot_needed(5) == std::optional<Boot>(6));
    CHECK_FALSE(world.reference.boot_needed(6).has_value());
    world.reference.on_record({"a1", 9, ReferenceStatus::present, 1000, "z1"});
    CHECK(world.reference.boot_needed(6) == std::optional<Boot>(10));
}

TEST_CASE("who leaves by its own word is taken out by whoever hears of it, once") {
    World world;
    world.add("a2");
    const auto left = world.reference.on_left(wall, "a2");
    REQUIRE(left.has_value());
    CHECK(left->status == ReferenceStatus::left);
    world.reference.on_record(*left);
    CHECK_FALSE(world.reference.on_left(wall, "a2").has_value());
    CHECK_FALSE(world.reference.on_left(wall, "nobody").has_value());
}

TEST_CASE("an agent says once a day that it is still there") {
    World world;
    world.roll_calls(1, true);
    CHECK(world.reference.on_roll_call(world.now, wall + 23h, true, 1, true).empty());
    CHECK(world.reference.on_roll_call(world.now, wall + 25h, true, 1, true).size() == 1);
}

// Nobody writes itself in while nothing happens: then no roll calls are made.
TEST_CASE("a member of a mesh that was calm for a month can be forgotten, and stays so") {
    World world;
    world.add("a2");
    const WallTime later = wall + 31 * 24h;
    Registry registry;
    const auto forgotten = world.reference.forget(later, "a2");
    REQUIRE(forgotten.has_value());
    CHECK(registry.put(start, later, *forgotten, {Source::own}, 0) == std::nullopt);
    const auto left = world.reference.on_left(later, "a2");
    REQUIRE(left.has_value());
    CHECK(left->seen_hours == 1000 + 31 * 24);
    // A host whose clock was in another age when it wrote itself in, too.
    world.reference.on_record({"a3", 1, ReferenceStatus::present, 0, "z1"});
    CHECK(world.reference.forget(wall, "a3")->seen_hours == 1000);
}

}  // namespace
}  // namespace picket::gossip
