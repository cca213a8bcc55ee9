#include "gossip/serf_relay.h"

#include <doctest/doctest.h>

#include <string>

#include "gossip/membership/tags.h"
#include "gossip/wire/msgpack_map.h"

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1h};

std::string event(std::uint64_t time, std::string_view name) {
    std::string payload(1, '\x03');
    wire::MapWriter map(payload, 4);
    map.boolean("CC", false);
    map.number("LTime", time);
    map.text("Name", name);
    map.bytes("Payload", "v1");
    return payload;
}

TEST_CASE("an event of Serf's is told on once") {
    SerfRelay relay;
    CHECK(relay.take(start, event(1, "deploy")));
    CHECK_FALSE(relay.take(start, event(1, "deploy")));
    CHECK(relay.take(start, event(2, "deploy")));
    CHECK(relay.take(start, serf_join_intent(4, "serf1")));
    CHECK(relay.take(start, serf_leave_intent(5, "serf1")));
}

TEST_CASE("what is not whole, or not Serf's to tell on, is not told on") {
    SerfRelay relay;
    const std::string sound = event(1, "deploy");
    for (std::size_t size = 0; size < sound.size(); ++size) {
        CHECK_FALSE(relay.take(start, sound.substr(0, size)));
    }
    CHECK_FALSE(relay.take(start, sound + "x"));
    CHECK_FALSE(relay.take(start, "p something of picket's"));
    CHECK_FALSE(relay.take(start, std::string("\x05") + sound.substr(1)));  // An answer.
    CHECK(relay.take(start, sound));
}

TEST_CASE("a flood is left to Serf's agents") {
    SerfRelay relay;
    unsigned told = 0;
    for (std::uint64_t time = 1; time <= 1000; ++time) {
        told += relay.take(start, event(time, "deploy")) ? 1u : 0u;
    }
    CHECK(told == SerfRelay::burst);
    CHECK(relay.take(start + 1s, event(2000, "deploy")));
}

}  // namespace
}  // namespace picket::gossip
