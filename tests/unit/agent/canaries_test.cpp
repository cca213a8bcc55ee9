#include "agent/canaries.h"

#include <doctest/doctest.h>

#include "agent/host_question.h"

namespace picket {
namespace {

using namespace std::chrono_literals;

constexpr Instant start = Instant(Duration(1h));

TEST_CASE("a canary that never answered is none, and neither is one that has long been silent") {
    Canary canary;
    canary.on_finding(start, false);
    CHECK(canary.answers(start) == std::nullopt);
    canary.on_finding(start + 1s, true);
    CHECK(canary.answers(start + 1h) == true);
    canary.on_finding(start + 1h, false);
    CHECK(canary.answers(start + 1h) == false);
    canary.on_finding(start + 1h + 5min, false);
    CHECK(canary.answers(start + 1h + Canary::given_up_after - 1ms) == false);
    CHECK(canary.answers(start + 1h + Canary::given_up_after) == std::nullopt);
    canary.on_finding(start + 2h, true);
    CHECK(canary.answers(start + 2h) == true);
}

TEST_CASE("the gateway is the default route's of least metric") {
    const std::string head =
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
    const std::string local = "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0   \n";
    const std::string slow = "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0 \n";
    const std::string fast = "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0  \n";
    const auto text = [](const std::string& routes) {
        const auto gateway = default_gateway(routes);
        return gateway ? to_text(*gateway) : "none";
    };
    CHECK(text(head + local + slow + fast) == "192.0.2.1");
    CHECK(text(head + slow) == "192.168.1.1");
    CHECK(text(head + local) == "none");
    // A tunnel's default route has none, and the others' count. What refuses packets is no route,
    // nor is a line that is not understood.
    const std::string tunnel = "tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n";
    const std::string refusing = "*\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n";
    CHECK(text(head + tunnel) == "0.0.0.0");
    CHECK(text(head + tunnel + slow) == "192.168.1.1");
    CHECK(text(head + refusing) == "none");
    CHECK(text(head + "eth0\t00000000\tXYZ\t0003\t0\t0\t0\t00000000\t0\t0\t0\n") == "none");
    CHECK(text("eth0 00000000 010200C0") == "none");
    CHECK(text("") == "none");
}

TEST_CASE("a host is alive by its agent, and what is said of a dead one tells the two apart") {
    using Finding = io::Echo::Finding;
    gossip::Pong pong;
    pong.answered = true;
    CHECK(host_answer(pong, Finding::silent).finding == gossip::Answer::Finding::passed);
    pong.answered = false;
    for (const Finding host : {Finding::answered, Finding::silent, Finding::impossible}) {
        CHECK(host_answer(pong, host).finding == gossip::Answer::Finding::failed);
    }
    CHECK(host_answer(pong, Finding::answered).message ==
          "its agent does not answer, but the host answers pings");
    CHECK(host_answer(pong, Finding::silent).message ==
          "neither its agent answers, nor the host to pings");
}

}  // namespace
}  // namespace picket
