#include "agent/base/time.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace picket {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a duration is one or more numbers with units") {
    CHECK(parse_duration("10s").value() == 10s);
    CHECK(parse_duration("800ms").value() == 800ms);
    CHECK(parse_duration("1h30m").value() == 90min);
    CHECK(parse_duration("400d").value() == 9600h);
    CHECK(parse_duration("0s").value() == 0s);
}

TEST_CASE("what is not a duration is refused with its text") {
    for (const char* text : {"", "10", "s", "-1s", "1.5s", "10 s", "10x", "1s2",
                             "99999999999999999999s", "9223372036854775807d", "40000d", "+1s"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_duration(text).has_value());
    }
}

TEST_CASE("a duration is written as it can be read") {
    for (const char* text : {"10s", "1m30s", "800ms", "1h", "30d", "1d2h3m4s5ms", "0s"}) {
        CAPTURE(text);
        CHECK(format_duration(parse_duration(text).value()) == text);
    }
}

TEST_CASE("a time is RFC 3339 in UTC with milliseconds, both ways") {
    const WallTime time = parse_time("2026-11-23T03:00:00.123Z").value();
    CHECK(format_time(time) == "2026-11-23T03:00:00.123Z");
    CHECK(to_milliseconds(time) == 1795402800123);
    CHECK(format_time(from_milliseconds(1795402800123)) == "2026-11-23T03:00:00.123Z");
    CHECK(format_time(from_milliseconds(-1)) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("a time with an offset is brought to UTC") {
    CHECK(format_time(parse_time("2026-11-23T04:00:00+01:00").value()) ==
          "2026-11-23T03:00:00.000Z");
    CHECK(format_time(parse_time("2026-11-22T20:30:00.5-06:30").value()) ==
          "2026-11-23T03:00:00.500Z");
}

TEST_CASE("what is not a time is refused") {
    for (const char* text :
         {"", "2026", "2026-02-30T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T03:00:00",
          "2026-11-23T03:00:00.Z", "2026/11/23T03:00:00Z", "2026-11-23T03:00:00+1:00"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_time(text).has_value());
    }
}

TEST_CASE("a moment is a time, or how long ago") {
    const WallTime now = from_milliseconds(1795402800123);
    CHECK(parse_moment(now, "1h30m") == now - std::chrono::minutes(90));
    CHECK(parse_moment(now, "2026-11-23T03:00:00.123Z") == now);
    CHECK(parse_moment(now, "soon").error().message() ==
          "'soon' is neither a time such as 2026-11-23T03:00:00Z nor a duration such as 2h");
}

}  // namespace
}  // namespace picket
