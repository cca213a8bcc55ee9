#include "gossip/membership/broadcast_queue.h"

#include <doctest/doctest.h>

#include "gossip/membership/timings.h"

namespace picket::gossip {
namespace {

using Messages = std::vector<std::string>;

Messages fill(BroadcastQueue& queue, std::size_t budget_bytes, unsigned transmits_max = 3,
              Audience audience = Audience::everybody) {
    Messages out;
    CHECK(queue.fill(budget_bytes, transmits_max, audience, out) <= budget_bytes);
    return out;
}

TEST_CASE("each broadcast is sent so often, and then no more") {
    BroadcastQueue queue(10);
    queue.push(1, "hello");
    for (int i = 0; i < 3; ++i) CHECK(fill(queue, 100) == Messages{"hello"});
    CHECK(fill(queue, 100).empty());
    CHECK(queue.empty());
    CHECK(queue.bytes(Audience::picket) == 0);
}

TEST_CASE("what was sent least comes first, then the longest that fits, then the newest") {
    BroadcastQueue queue(10);
    queue.push(1, "old");
    CHECK(fill(queue, 100) == Messages{"old"});
    queue.push(2, "aa");
    queue.push(3, "bb");
    queue.push(4, "much longer");
    CHECK(fill(queue, 100) == Messages{"much longer", "bb", "aa", "old"});
    // 12 bytes of room: the long one does not fit, the others cost 4 and 5.
    CHECK(fill(queue, 12) == Messages{"bb", "aa"});
}

TEST_CASE("a broadcast replaces the one before of the same key") {
    BroadcastQueue queue(10);
    queue.push(7, "alive");
    queue.push(7, "suspect");
    queue.push(0, "x");
    queue.push(0, "y");
    CHECK(queue.size() == 3);
    CHECK(fill(queue, 100) == Messages{"suspect", "y", "x"});
    queue.push(7, "dead");
    CHECK(fill(queue, 6) == Messages{"dead"});
    queue.erase(7);
    CHECK_FALSE(queue.contains(7));
}

TEST_CASE("a full queue drops what most members know, and counts it") {
    BroadcastQueue queue(2);
    queue.push(1, "told");
    CHECK(fill(queue, 100) == Messages{"told"});
    queue.push(2, "fresh");
    queue.push(3, "newer");
    CHECK(queue.size() == 2);
    CHECK(queue.dropped() == 1);
    CHECK_FALSE(queue.contains(1));
}

TEST_CASE("what is for picket's agents goes to nobody else") {
    BroadcastQueue queue(10);
    queue.push(1, "for picket", Audience::picket);
    queue.push(2, "for all");
    CHECK(queue.bytes(Audience::everybody) == 9);
    CHECK(queue.bytes(Audience::picket) == 21);
    CHECK(fill(queue, 100) == Messages{"for all"});
    CHECK(fill(queue, 100, 3, Audience::picket) == Messages{"for picket", "for all"});
}

TEST_CASE("how often a thing is told grows with the mesh") {
    CHECK(transmit_limit(timings::lan, 1) == 4);
    CHECK(transmit_limit(timings::lan, 9) == 4);
    CHECK(transmit_limit(timings::lan, 10) == 8);
    CHECK(transmit_limit(timings::lan, 999) == 12);
    CHECK(transmit_limit(timings::local, 100) == 6);
}

TEST_CASE("push/pulls spread out as the mesh grows") {
    using namespace std::chrono_literals;
    CHECK(push_pull_interval(timings::lan, 1) == 30s);
    CHECK(push_pull_interval(timings::lan, 32) == 30s);
    CHECK(push_pull_interval(timings::lan, 33) == 60s);
    CHECK(push_pull_interval(timings::lan, 64) == 60s);
    CHECK(push_pull_interval(timings::lan, 65) == 90s);
    CHECK(push_pull_interval(timings::wan, 128) == 180s);
}

}  // namespace
}  // namespace picket::gossip
