#include "gossip/spread/spread_queue.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace picket::gossip {
namespace {

std::vector<std::string> packet(SpreadQueue& queue, std::size_t budget = 1000,
                                std::size_t members = 10, Audience audience = Audience::picket) {
    std::vector<std::string> messages;
    queue.fill(budget, members, audience, messages);
    return messages;
}

TEST_CASE("each is sent ceil(ln N) + 4 times, a verdict twice more") {
    for (const Rank rank : {Rank::decisions, Rank::details}) {
        CHECK(SpreadQueue::transmits_max(rank, 1) == 4);
        CHECK(SpreadQueue::transmits_max(rank, 100) == 9);
        CHECK(SpreadQueue::transmits_max(rank, 10'000) == 14);
    }
    for (const auto& [rank, times] : {std::pair(Rank::verdicts, 11), {Rank::details, 9}}) {
        SpreadQueue queue;
        queue.push(rank, 1, "v", Audience::picket);
        int sent = 0;
        while (!packet(queue, 1000, 100).empty()) ++sent;
        CHECK(sent == times);
        CHECK(queue.empty());
    }
}

TEST_CASE("a verdict goes before a decision, and that before details") {
    SpreadQueue queue;
    queue.push(Rank::details, 1, "details", Audience::picket);
    queue.push(Rank::decisions, 2, "decision", Audience::picket);
    queue.push(Rank::verdicts, 3, "verdict", Audience::picket);
    CHECK(packet(queue) == std::vector<std::string>{"verdict", "decision", "details"});
    CHECK(packet(queue, 12) == std::vector<std::string>{"verdict"});
}

TEST_CASE("what is newer replaces what is older of its key") {
    SpreadQueue queue;
    queue.push(Rank::verdicts, 1, "old", Audience::picket);
    queue.push(Rank::verdicts, 1, "new", Audience::picket);
    CHECK(packet(queue) == std::vector<std::string>{"new"});
}

TEST_CASE("a storm of verdicts is bounded where it is filled, and counted") {
    SpreadQueue queue;
    for (std::uint64_t key = 1; key <= 1000; ++key) {
        queue.push(Rank::verdicts, key, "v", Audience::picket);
        queue.push(Rank::details, 10'000 + key, "d", Audience::picket);
    }
    CHECK(queue.size() == 256 + 512);
    CHECK(queue.dropped(Rank::verdicts) == 744);
    CHECK(queue.dropped(Rank::details) == 488);
    CHECK(queue.dropped(Rank::decisions) == 0);
}

TEST_CASE("foreign members hear nothing of it") {
    SpreadQueue queue;
    queue.push(Rank::verdicts, 1, "v", Audience::picket);
    queue.push(Rank::decisions, 2, "to all", Audience::everybody);
    CHECK(packet(queue, 1000, 10, Audience::everybody) == std::vector<std::string>{"to all"});
    CHECK(queue.bytes(Audience::everybody) < queue.bytes(Audience::picket));
}

}  // namespace
}  // namespace picket::gossip
