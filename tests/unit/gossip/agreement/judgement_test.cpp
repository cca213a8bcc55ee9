#include "gossip/agreement/judgement.h"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1h};

// A total outage that three witnesses watch, each in a zone of its own.
class TotalOutage {
public:
    TotalOutage() {
        held_.epoch = 1;
        held_.scope = OutageScope::total;
        held_.zones_failing = {"a", "b", "c"};
        for (std::size_t witness = 0; witness < 3; ++witness) votes(witness, Vote::fail, start);
    }

    void votes(std::size_t witness, Vote vote, Instant now) {
        VoteRecord record;
        record.agent = witnesses_[witness];
        record.vote = vote;
        record.epoch = held_.epoch;
        record.seq = ++seq_;
        record.age = 100ms;  // So long it took.
        REQUIRE(tally_.put(now, record));
    }

    std::optional<Change> judge(Instant now) const {
        const Bench bench{.ranks = witnesses_,
                          .zone_of = [](AgentId agent) -> std::string_view {
                              return std::array{"a", "b", "c"}[static_cast<std::size_t>(agent)];
                          },
                          .rules = {.epoch = 1, .size = {3, 2}, .valid_for = 12s},
                          .interval = 10s,
                          .held = &held_,
                          .dwelt = true,
                          .changed_at = start - 1min};
        return gossip::judge(tally_, bench, now);
    }

private:
    std::array<AgentId, 3> witnesses_{AgentId{0}, AgentId{1}, AgentId{2}};
    VerdictRecord held_;
    Tally tally_;
    std::uint32_t seq_ = 0;
};

TEST_CASE("an outage that heals was not partial, though one witness passes it first") {
    TotalOutage outage;
    CHECK_FALSE(outage.judge(start).has_value());
    outage.votes(0, Vote::ok, start + 5s);
    CHECK_FALSE(outage.judge(start + 5s).has_value());
    // What it was asked before the first has passed says nothing, though it is told later.
    outage.votes(1, Vote::fail, start + 5050ms);
    CHECK_FALSE(outage.judge(start + 5050ms).has_value());
    outage.votes(2, Vote::ok, start + 6s);
    const auto change = outage.judge(start + 6s);
    REQUIRE(change.has_value());
    CHECK(change->rule == Rule::clear);
}

TEST_CASE("an outage is partial once the others, asked again, still fail it") {
    TotalOutage outage;
    outage.votes(0, Vote::ok, start + 5s);
    outage.votes(1, Vote::fail, start + 6s);
    CHECK_FALSE(outage.judge(start + 6s).has_value());
    outage.votes(2, Vote::fail, start + 7s);
    const auto change = outage.judge(start + 7s);
    REQUIRE(change.has_value());
    CHECK(change->rule == Rule::rescope);
    CHECK(change->scope == OutageScope::partial);
    CHECK(change->zones_failing == std::vector<std::string>{"b", "c"});
    CHECK(change->zones_passing == std::vector<std::string>{"a"});
    // So it stays while everybody keeps saying the same.
    outage.votes(0, Vote::ok, start + 15s);
    CHECK(outage.judge(start + 15s).has_value());
}

}  // namespace
}  // namespace picket::gossip
