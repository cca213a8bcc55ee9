#include "gossip/agreement/panel.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>

#include "agent/base/random.h"
#include "gossip/agreement/asking_budget.h"
#include "gossip/agreement/soft_timeout.h"

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1h};

std::vector<Carrier> carriers(std::size_t count, std::size_t zones) {
    static const std::vector<std::string> names{"a", "b", "c", "d"};
    std::vector<Carrier> made;
    for (std::size_t i = 0; i < count; ++i) {
        made.push_back({agent_id("agent-" + std::to_string(i)), zone_id(names[i % zones])});
    }
    return made;
}

TEST_CASE("a panel has five seats, all carriers where there are fewer, and a majority decides") {
    CHECK(panel_size(5, {}, 100) == PanelSize{5, 3});
    CHECK(panel_size(5, {}, 4) == PanelSize{4, 3});
    CHECK(panel_size(5, {}, 2) == PanelSize{2, 2});
    CHECK(panel_size(5, {}, 1) == PanelSize{1, 1});
    CHECK(panel_size(5, {}, 0) == PanelSize{0, 0});
    CHECK(panel_size(99, {}, 100) == PanelSize{15, 8});
    CHECK(panel_size({}, {}, 100) == PanelSize{5, 3});
    CHECK(panel_size(5, 4, 100) == PanelSize{5, 4});
    CHECK(panel_size(5, 4, 2) == PanelSize{2, 2});
}

TEST_CASE("who carries a check is ranked alike whatever order they are named in") {
    auto all = carriers(40, 3);
    const auto order = ranking(check_key("homepage"), all, 5, 10).order;
    std::reverse(all.begin(), all.end());
    CHECK(ranking(check_key("homepage"), all, 5, 10).order == order);
    CHECK(order.size() == 10);
    CHECK(std::set<AgentId>(order.begin(), order.end()).size() == 10);
}

TEST_CASE("seats are spread over the zones, none has more than its share") {
    for (int check = 0; check < 200; ++check) {
        const auto all = carriers(30, 3);
        const auto order = ranking(check_key(std::to_string(check)), all, 5, 10).order;
        std::map<ZoneId, int> seats;
        for (std::size_t rank = 0; rank < 5; ++rank) {
            const auto found = std::find_if(all.begin(), all.end(), [&](const Carrier& carrier) {
                return carrier.agent == order[rank];
            });
            ++seats[found->zone];
        }
        CHECK(seats.size() == 3);
        for (const auto& entry : seats) CHECK(entry.second <= 2);
    }
}

TEST_CASE("one that leaves moves one seat of the panels it sat in, and none of the others") {
    const auto all = carriers(30, 1);
    int touched = 0;
    for (int check = 0; check < 300; ++check) {
        const CheckKey key = check_key(std::to_string(check));
        const auto before = ranking(key, all, 5, 5).order;
        auto rest = all;
        rest.erase(rest.begin() + 7);
        const auto after = ranking(key, rest, 5, 5).order;
        const bool sat = std::count(before.begin(), before.end(), all[7].agent) > 0;
        touched += sat ? 1 : 0;
        std::size_t kept = 0;
        for (const AgentId agent : after) {
            if (std::count(before.begin(), before.end(), agent) > 0) ++kept;
        }
        CHECK(kept == (sat ? 4 : 5));
    }
    CHECK(touched > 20);  // 50 expected.
    CHECK(touched < 90);
}

TEST_CASE("who comes below the bar, where its zone has a seat, or goes unranked, moves nobody") {
    Random random(11);
    int below = 0;
    for (int run = 0; run < 3000; ++run) {
        const CheckKey key = check_key(std::to_string(run));
        const std::size_t seats = 1 + random.below(6);
        const std::size_t ranks = seats + random.below(5);
        auto all = carriers(1 + random.below(25), 1 + random.below(4));
        const Carrier last = all.back();
        const auto with = ranking(key, all, seats, ranks);
        all.pop_back();
        const auto without = ranking(key, all, seats, ranks);
        CAPTURE(run);
        if (std::ranges::count(with.order, last.agent) == 0) CHECK(without.order == with.order);
        const bool seated =
            std::ranges::any_of(without.order, [&, rank = std::size_t{0}](AgentId agent) mutable {
                const auto found = std::ranges::find(all, agent, &Carrier::agent);
                return rank++ < seats && found->zone == last.zone;
            });
        if (score(key, last.agent) >= without.bar || !seated) continue;
        ++below;
        CHECK(with.order == without.order);
    }
    CHECK(below > 300);
}

TEST_CASE("the first ranks are the same, however many are asked for") {
    Random random(12);
    for (int run = 0; run < 300; ++run) {
        CAPTURE(run);
        const CheckKey key = check_key(std::to_string(run));
        const std::size_t seats = 1 + random.below(6);
        const std::size_t ranks = seats + random.below(5);
        auto all = carriers(100 + random.below(400), 1 + random.below(4));
        // A zone of one has a seat, however low its score.
        if (random.chance(1, 2)) all[random.below(all.size())].zone = zone_id("e");
        auto order = ranking(key, all, seats, all.size()).order;
        order.resize(ranks);
        CHECK(ranking(key, all, seats, ranks).order == order);
    }
}

TEST_CASE("the load of an agent is its share of all seats") {
    const auto all = carriers(100, 3);
    std::map<AgentId, int> seats;
    for (int check = 0; check < 500; ++check) {
        for (const AgentId agent : ranking(check_key(std::to_string(check)), all, 5, 5).order) {
            ++seats[agent];
        }
    }
    for (const Carrier& carrier : all) {  // 25 expected.
        CHECK(seats[carrier.agent] > 5);
        CHECK(seats[carrier.agent] < 60);
    }
}

TEST_CASE("the witnesses of a check share its interval evenly") {
    for (int check = 0; check < 50; ++check) {
        const CheckKey key = check_key(std::to_string(check));
        std::vector<Duration> offsets;
        for (std::size_t rank = 0; rank < 5; ++rank) {
            offsets.push_back(slot_offset(key, 10s, agent_id(std::to_string(rank)), rank, 5));
            CHECK(offsets.back() >= 0s);
            CHECK(offsets.back() < 10s);
        }
        std::sort(offsets.begin(), offsets.end());
        for (std::size_t i = 0; i < 5; ++i) {
            const Duration next = i == 4 ? offsets[0] + 10s : offsets[i + 1];
            CHECK(next - offsets[i] >= 1800ms);
            CHECK(next - offsets[i] <= 2200ms);
        }
    }
}

TEST_CASE("a witness asks out of turn twice, then once in half a minute") {
    AskingBudget budget;
    CHECK(budget.take(start));
    CHECK(budget.take(start));
    CHECK_FALSE(budget.take(start + 29s));
    CHECK(budget.take(start + 30s));
    CHECK_FALSE(budget.take(start + 31s));
    CHECK(budget.take(start + 200s));
    CHECK(budget.take(start + 200s));
    CHECK_FALSE(budget.take(start + 200s));
}

TEST_CASE(
    "a target is suspected after four times what it takes, between a second and its timeout") {
    SoftTimeout soft;
    CHECK(soft.value(3s) == 3s);
    for (int i = 0; i < 20; ++i) soft.learn(10ms);
    CHECK(soft.value(3s) == 1s);
    for (int i = 0; i < 20; ++i) soft.learn(500ms);
    CHECK(soft.value(3s) == 2s);
    for (int i = 0; i < 20; ++i) soft.learn(2s);
    CHECK(soft.value(3s) == 3s);
    CHECK(soft.value(800ms) == 800ms);
}

}  // namespace
}  // namespace picket::gossip
