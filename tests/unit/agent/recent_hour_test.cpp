#include "agent/recent_hour.h"

#include <doctest/doctest.h>

#include <string>

namespace picket {
namespace {

using namespace std::chrono_literals;
using checks::Finding;

const WallTime now{1'800'000'000s};

std::string nothing(std::size_t count) {
    return std::string(count, '-');
}

TEST_CASE("an hour without outcomes is thirty times nothing") {
    CHECK(RecentHour().sparkline(now) == nothing(30));
}

TEST_CASE("latency is drawn against the slowest two minutes, failures and errors as signs") {
    RecentHour hour;
    hour.add(now, Finding::passed, 80ms);
    hour.add(now - 2min, Finding::passed, 10ms);
    hour.add(now - 4min, Finding::passed, 10ms);
    hour.add(now - 4min, Finding::failed, 0ms);
    hour.add(now - 6min, Finding::errored, 0ms);
    CHECK(hour.sparkline(now) == nothing(26) + "?!07");
}

TEST_CASE("what is older than an hour is gone, also after a long silence") {
    RecentHour hour;
    hour.add(now, Finding::passed, 10ms);
    CHECK(hour.sparkline(now + 58min) == "7" + nothing(29));
    CHECK(hour.sparkline(now + 60min) == nothing(30));
    CHECK(hour.sparkline(now + 48h) == nothing(30));
}

TEST_CASE("outcomes out of order do not overwrite newer ones") {
    RecentHour hour;
    hour.add(now, Finding::passed, 10ms);
    hour.add(now - 1h, Finding::failed, 0ms);
    CHECK(hour.sparkline(now) == nothing(29) + "7");
}

}  // namespace
}  // namespace picket
