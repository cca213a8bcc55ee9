#include "agent/api/availability.h"

#include <doctest/doctest.h>

#include <vector>

namespace picket::api {
namespace {

using namespace std::chrono_literals;

constexpr WallTime night = WallTime(1'795'402'800s);

// Nobody observed what lies in these.
NotObserved unseen(std::vector<std::pair<WallTime, WallTime>> gaps) {
    return [gaps = std::move(gaps)](WallTime from, WallTime to) -> Result<Duration> {
        Duration sum{0};
        for (const auto& [begin, end] : gaps) {
            sum += std::max(std::min(end, to) - std::max(begin, from), Duration{0});
        }
        return sum;
    };
}

OutageSpan outage(WallTime from, std::optional<WallTime> to, const char* scope = "total") {
    return {.id = "web#1", .scope = scope, .opened_at = from, .closed_at = to};
}

TEST_CASE("time is up, down, partially down or not observed, and nothing else") {
    const auto split =
        split_time(night, night + 10h,
                   {outage(night - 1h, night + 30min), outage(night + 2h, night + 3h, "partial"),
                    outage(night + 9h, std::nullopt)},
                   Judge::this_agent, unseen({{night + 5h, night + 7h}}));
    REQUIRE(split);
    CHECK(split->down == 90min);
    CHECK(split->partial == 1h);
    CHECK(split->not_observed == 2h);
    CHECK(split->up == 10h - 90min - 1h - 2h);
    CHECK(split->outages == 3);
    CHECK(split->bad() == 2h);
}

TEST_CASE(
    "an outage beyond the window does not count, one that ends where it begins adds nothing") {
    const std::vector<OutageSpan> outages{outage(night - 2h, night - 1h), outage(night - 1h, night),
                                          outage(night + 1h, night + 2h)};
    const auto split = split_time(night, night + 1h, outages, Judge::this_agent, unseen({}));
    CHECK(split->outages == 1);
    CHECK(split->up == 1h);
}

TEST_CASE("an agent that slept through its own outage tells no downtime for it") {
    const std::vector<OutageSpan> outages{outage(night + 1h, night + 9h)};
    const auto gap = unseen({{night + 2h, night + 8h}});
    const auto alone = split_time(night, night + 10h, outages, Judge::this_agent, gap);
    CHECK(alone->down == 2h);
    CHECK(alone->not_observed == 6h);
    CHECK(alone->up == 2h);
    const auto mesh = split_time(night, night + 10h, outages, Judge::mesh, gap);
    CHECK(mesh->down == 8h);
    CHECK(mesh->not_observed == 0h);
    CHECK(mesh->up == 2h);
}

TEST_CASE("what nobody ever observed has no availability") {
    const auto split =
        split_time(night, night + 1h, {}, Judge::this_agent, unseen({{night, night + 1h}}));
    CHECK(split->not_observed == 1h);
    CHECK_FALSE(burn_rate(*split, 1h, 99.9).has_value());
    AvailabilityView view;
    view.not_observed = 1h;
    CHECK_FALSE(view.availability().has_value());
    view.up = 99min;
    view.down = 1min;
    CHECK(view.availability() == doctest::Approx(0.99));
}

TEST_CASE("outages that overlap after a step of the clock count once") {
    const std::vector<OutageSpan> outages{outage(night + 1h, night + 3h),
                                          outage(night + 2h, night + 4h)};
    const auto split = split_time(night, night + 5h, outages, Judge::this_agent, unseen({}));
    CHECK(split->down == 3h);
    CHECK(split->up == 2h);
    CHECK(split->outages == 2);
}

TEST_CASE("a budget is what the objective leaves, and a burn rate how fast it goes") {
    TimeSplit split;
    split.down = 30s;
    split.partial = 12s;
    split.up = 1h - 42s;
    const BudgetView budget = budget_of(split, std::chrono::days(30), 99.9);
    CHECK(to_seconds(budget.allowed) == doctest::Approx(2592));
    CHECK(budget.spent == 36s);
    CHECK(budget.remaining() == doctest::Approx(1 - 36 / 2592.0));
    CHECK(burn_rate(split, 1h, 99.9).value() == doctest::Approx(10));
}

TEST_CASE("what cannot be read is told") {
    const NotObserved broken = [](WallTime, WallTime) -> Result<Duration> {
        return failure(Code::corrupt, "read picket.db: malformed");
    };
    CHECK(split_time(night, night + 1h, {}, Judge::mesh, broken).error().code() == Code::corrupt);
}

}  // namespace
}  // namespace picket::api
