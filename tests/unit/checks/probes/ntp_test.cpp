#include "checks/probes/ntp.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/ask_check.h"

namespace picket::checks {
namespace {

using namespace std::chrono_literals;
using testing::parse_check;
using testing::said;

constexpr WallTime noon{std::chrono::seconds(1'790'000'000)};

// A server of stratum 2 whose clock is `ahead`, asked over 10 ms each way.
NtpExchange exchange(Duration ahead = 0s) {
    io::NtpReply reply;
    reply.leap = io::LeapIndicator::none;
    reply.stratum = 2;
    reply.root_dispersion = 30ms;
    reply.received = io::to_ntp_time(noon + 10ms + ahead);
    reply.sent = io::to_ntp_time(noon + 12ms + ahead);
    return {reply, noon, noon + 22ms};
}

std::string judged(const std::string& more, const NtpExchange& given) {
    const Definition definition = parse_check("[ntp.t]\nserver = \"t\"\n" + more);
    return said(judge_ntp(definition, "T", given));
}

TEST_CASE("the offset is that of the clocks, whatever the way takes") {
    CHECK(judged("", exchange()).starts_with("passed: T: offset "));
    const std::string limit = "offset_above = \"100ms\"\n";
    CHECK(judged(limit, exchange(99ms)).starts_with("passed: T: offset +"));
    CHECK(judged(limit, exchange(-99ms)).starts_with("passed: T: offset -"));
    CHECK(judged(limit, exchange(1500ms)).starts_with("content: T is +"));
    CHECK(
        judged(limit, exchange(-2s)).ends_with(" from this host's clock, expected at most 100 ms"));
}

TEST_CASE("stratum and dispersion have limits") {
    CHECK(judged("stratum_above = 2\nroot_dispersion_above = \"30ms\"\n", exchange())
              .starts_with("passed: "));
    CHECK(judged("stratum_above = 1\n", exchange()) ==
          "content: T is of stratum 2, expected at most 1");
    CHECK(judged("root_dispersion_above = \"20ms\"\n", exchange()) ==
          "content: T is sure of its time to 30 ms only, expected 20 ms");
    CHECK(judged("latency = \"10ms\"\n", exchange()).starts_with("latency: answered after "));
}

TEST_CASE("a server that is not synchronised or refuses fails whatever is allowed") {
    NtpExchange given = exchange();
    given.reply.leap = io::LeapIndicator::unsynchronised;
    CHECK(judged("", given) == "status: T is not synchronised (stratum 2)");
    given = exchange();
    given.reply.stratum = 16;
    CHECK(judged("", given) == "status: T is not synchronised (stratum 16)");
    given.reply = {};
    CHECK(judged("", given) == "status: T is not synchronised (stratum 0)");
    given.reply.kiss = "RATE";
    CHECK(judged("", given) == "status: T refuses to tell the time: RATE");
}

}  // namespace
}  // namespace picket::checks
