#include "checks/probes/icmp_tally.h"

#include <doctest/doctest.h>

#include "checks/types/icmp.h"

namespace picket::checks {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1h};

Definition with_loss_above(double percent) {
    IcmpQuery query;
    query.loss_above = percent;
    Definition definition;
    definition.query = query;
    return definition;
}

IcmpTally three_sent() {
    IcmpTally tally;
    for (int i = 0; i < 3; ++i) tally.on_sent(start + i * 100ms);
    return tally;
}

TEST_CASE("round trips are summed up as least, mean and most") {
    IcmpTally tally = three_sent();
    CHECK_FALSE(tally.settled());
    tally.on_reply(0, start + 1ms);
    tally.on_reply(2, start + 206ms);
    tally.on_reply(1, start + 102ms);
    CHECK(tally.settled());
    const Outcome outcome = tally.judge(with_loss_above(50), "192.0.2.1", 206ms);
    CHECK(outcome.finding == Finding::passed);
    CHECK(outcome.message == "ping 192.0.2.1: 3 of 3 answered, rtt 1.0/3.0/6.0 ms");
    CHECK(outcome.latency == 3ms);
    REQUIRE(outcome.metrics.size() == 5);
    CHECK(outcome.metrics[4].label == "jitter");
    CHECK(outcome.metrics[4].value == doctest::Approx(0.0025));
}

TEST_CASE("round trips and their differences have limits of their own") {
    IcmpTally tally = three_sent();
    tally.on_reply(0, start + 1ms);
    tally.on_reply(1, start + 102ms);
    tally.on_reply(2, start + 206ms);
    Definition definition = with_loss_above(50);
    auto& query = definition.query.as<IcmpQuery>();
    const auto message = [&] { return tally.judge(definition, "192.0.2.1", 206ms).message; };
    query.rtt_min_above = 1ms;
    query.rtt_avg_above = 3ms;
    query.rtt_max_above = 6ms;
    query.jitter_above = 3ms;
    CHECK(message() == "ping 192.0.2.1: 3 of 3 answered, rtt 1.0/3.0/6.0 ms");
    query.rtt_max_above = 5ms;
    CHECK(message() == "ping 192.0.2.1: rtt max 6.0 ms, expected at most 5.0 ms");
    query.rtt_avg_above = 2ms;
    CHECK(message() == "ping 192.0.2.1: rtt avg 3.0 ms, expected at most 2.0 ms");
    query.rtt_min_above = Duration(500);
    CHECK(message() == "ping 192.0.2.1: rtt min 1.0 ms, expected at most 0.5 ms");
    query = IcmpQuery{};
    query.jitter_above = 2ms;
    CHECK(message() == "ping 192.0.2.1: jitter 2.5 ms, expected at most 2.0 ms");
    CHECK(tally.judge(definition, "192.0.2.1", 206ms).failure_class == FailureClass::latency);
}

TEST_CASE("silence is a timeout that says how long it was waited") {
    const Outcome outcome = three_sent().judge(with_loss_above(50), "192.0.2.1", 3s);
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.failure_class == FailureClass::timeout);
    CHECK(outcome.message == "ping 192.0.2.1: 0 of 3 packets answered within 3 s");
    CHECK(outcome.metrics[0].value == 100);
}

TEST_CASE("no answer at all fails even where any loss is tolerated") {
    CHECK(three_sent().judge(with_loss_above(100), "192.0.2.1", 3s).finding == Finding::failed);
}

TEST_CASE("loss fails above the limit, not at it") {
    IcmpTally tally;
    for (int i = 0; i < 4; ++i) tally.on_sent(start);
    tally.on_reply(0, start + 1ms);
    tally.on_reply(1, start + 1ms);
    CHECK(tally.judge(with_loss_above(50), "192.0.2.1", 3s).finding == Finding::passed);
    const Outcome outcome = tally.judge(with_loss_above(49), "192.0.2.1", 3s);
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.failure_class == FailureClass::timeout);
    CHECK(outcome.message ==
          "ping 192.0.2.1: 2 of 4 packets answered within 3 s, expected to lose at most 49%");
}

TEST_CASE("what the network says of a lost packet is passed on") {
    IcmpTally tally = three_sent();
    for (std::uint16_t i = 0; i < 3; ++i) tally.on_lost(i, "192.0.2.254 says no route to host");
    CHECK(tally.settled());
    const Outcome outcome = tally.judge(with_loss_above(50), "192.0.2.1", 250ms);
    CHECK(outcome.failure_class == FailureClass::unreachable);
    CHECK(outcome.message ==
          "ping 192.0.2.1: 0 of 3 packets answered within 250 ms: 192.0.2.254 says no route to "
          "host");
}

TEST_CASE("a repeated or foreign reply changes nothing") {
    IcmpTally tally = three_sent();
    tally.on_reply(0, start + 1ms);
    tally.on_reply(0, start + 9ms);
    tally.on_lost(0, "late");
    tally.on_reply(3, start);
    tally.on_lost(7, "never sent");
    tally.on_lost(1, "gone");
    tally.on_reply(1, start + 200ms);
    CHECK(tally.answered() == 1);
    const Outcome outcome = tally.judge(with_loss_above(100), "192.0.2.1", 3s);
    CHECK(outcome.message == "ping 192.0.2.1: 1 of 3 answered, rtt 1.0/1.0/1.0 ms");
}

}  // namespace
}  // namespace picket::checks
