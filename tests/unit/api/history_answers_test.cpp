#include "agent/api/history_answers.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/store.h"
#include "tests/support/temporary_directory.h"

namespace picket::api {
namespace {

using namespace std::chrono_literals;
using checks::Finding;

constexpr WallTime night = WallTime(1'795'402'800s);  // A whole hour.

// What an agent has written.
class Written {
public:
    Written() {
        auto opened = storage::Store::open(directory_.path(), night);
        REQUIRE(opened);
        store_.emplace(std::move(opened->store));
    }

    void outcome(WallTime at, Duration latency = 20ms, Finding finding = Finding::passed) {
        storage::HistoryRow row;
        row.check = "web";
        row.interval = 10s;
        row.outcome.at = at;
        row.outcome.latency = latency;
        row.outcome.finding = finding;
        batch_.outcomes.push_back(row);
        if (batch_.outcomes.size() >= 2'000) commit();
    }
    void outcomes(WallTime from, WallTime to) {
        for (WallTime at = from; at < to; at += 10s) outcome(at);
    }
    void pause(WallTime at, const char* why) {
        storage::HistoryRow row;
        row.check = "web";
        row.interval = 10s;
        row.outcome.at = at;
        row.outcome.message = why;
        row.pause = true;
        batch_.outcomes.push_back(row);
    }
    void outage(std::uint32_t epoch, WallTime opened, std::optional<WallTime> closed) {
        storage::Outage outage;
        outage.check = "web";
        outage.epoch = epoch;
        outage.scope = "total";
        outage.opened = opened;
        outage.closed = closed;
        outage.first_failure = opened;
        batch_.facts.emplace_back(outage);
    }
    // The mesh said so.
    void transition(std::uint32_t epoch, WallTime at) {
        storage::Transition transition;
        transition.check = "web";
        transition.epoch = epoch;
        transition.at = at;
        transition.state = epoch % 2 == 1 ? "down" : "up";
        batch_.facts.emplace_back(transition);
        batch_.facts.emplace_back(storage::MeshRecord{"verdict", "web", "bytes", std::nullopt});
    }
    storage::HistoryReader reader() {
        commit();
        auto opened = storage::HistoryReader::open(directory_.path("picket.db"));
        REQUIRE(opened);
        return *std::move(opened);
    }

private:
    void commit() {
        REQUIRE(store_->write(batch_, night));
        batch_ = {};
    }

    testing::TemporaryDirectory directory_;
    std::optional<storage::Store> store_;
    storage::Batch batch_;
};

HistoryQuery query(WallTime from, WallTime to, std::size_t slots_max = history_points_max) {
    return {.check = "web", .from = from, .to = to, .slots_max = slots_max};
}

TEST_CASE("a window is cut into whole units, the finest that fit") {
    CHECK(slot_length(1h, 1min, 2'000) == 1min);
    CHECK(slot_length(1h, 1min, 62) == 1min);
    CHECK(slot_length(1h, 1min, 61) == 2min);
    CHECK(slot_length(24h, 1min, 70) == 30min);
    CHECK(slot_length(24h, 1h, 2'000) == 1h);
    CHECK(slot_length(720h, 1min, 70) == 12h);
    CHECK(slot_length(730 * 24h, 1h, 70) == 336h);
    CHECK(slot_length(100 * 365 * 24h, 1min, 1) > 0s);
}

TEST_CASE("few outcomes are told one by one, with the time between that nobody observed") {
    Written written;
    written.outcomes(night, night + 1min);
    written.pause(night + 1min, "maintenance");
    written.outcomes(night + 10min, night + 11min);
    written.outage(1, night + 30s, night + 50s);
    written.outage(3, night + 2h, std::nullopt);
    auto reader = written.reader();
    const auto view = read_history(reader, "web", query(night, night + 11min));
    REQUIRE(view);
    CHECK(view->resolution == 0s);
    REQUIRE(view->points.size() == 13);
    const HistoryPoint& gap = view->points[6];
    CHECK_FALSE(gap.observed());
    CHECK(gap.at == night + 1min);
    CHECK(gap.not_observed_until == night + 10min);
    CHECK(gap.message == "maintenance");
    REQUIRE(view->outages.size() == 1);
    CHECK(view->outages[0].id == "web#1");
    CHECK(read_history(reader, "nope", query(night, night + 1h)).error().code() == Code::not_found);
}

TEST_CASE("many outcomes are summed up in slots, and nothing is lost") {
    Written written;
    std::uint64_t failed = 0;
    for (int i = 0; i < 6 * 60 * 8; ++i) {  // Eight hours.
        const bool fails = i % 100 == 7;
        if (i >= 1'080 && i < 1'260) continue;  // From the third hour, for half an hour.
        failed += fails ? 1 : 0;
        written.outcome(night + i * 10s, Duration{10'000 + i % 1'000 * 10},
                        fails ? Finding::failed : Finding::passed);
    }
    auto reader = written.reader();
    const auto view = read_history(reader, "web", query(night, night + 8h, 70));
    REQUIRE(view);
    CHECK(view->points.empty());
    CHECK(view->resolution == 10min);
    REQUIRE(view->slots.size() == 48);
    std::uint64_t sum = 0;
    std::uint64_t sum_failed = 0;
    Duration unseen{0};
    for (const HistorySlot& slot : view->slots) {
        sum += slot.passed + slot.failed;
        sum_failed += slot.failed;
        unseen += slot.not_observed;
        if (!slot.latency) continue;
        CHECK(slot.latency->p50 <= slot.latency->p95);
        CHECK(slot.latency->p95 <= slot.latency->p99);
    }
    CHECK(sum == 6 * 60 * 8 - 180);
    CHECK(sum_failed == failed);
    CHECK(unseen == 30min);
    CHECK(view->slots.front().at == night);
    CHECK(view->slots.back().not_observed == 0s);

    auto raw = query(night, night + 8h);
    raw.raw = true;
    const auto newest = read_history(reader, "web", raw);
    CHECK(newest->truncated);
    CHECK(newest->points.back().at == night + 8h - 10s);
}

// Of sorted latencies, the smallest that at least `percent` of them do not exceed.
double nearest_rank(const std::vector<Duration>& sorted, std::size_t percent) {
    return to_milliseconds(sorted[(sorted.size() * percent + 99) / 100 - 1]);
}

TEST_CASE("percentiles of slots are right to 2 %, whatever their length") {
    Written written;
    std::vector<Duration> latencies;
    for (int i = 0; i < 6 * 60 * 7; ++i) {
        latencies.emplace_back(static_cast<std::int64_t>(
            20'000 * std::exp(0.3 * std::sin(i * 0.7) + 0.5 * std::cos(i * 1.3))));
        written.outcome(night + i * 10s, latencies.back());
    }
    auto reader = written.reader();
    for (const std::size_t slots_max : {10u, 100u, 500u}) {
        const auto view = read_history(reader, "web", query(night, night + 7h, slots_max));
        REQUIRE(view);
        CAPTURE(view->resolution.count());
        const auto each = static_cast<std::size_t>(view->resolution / 10s);
        REQUIRE(view->slots.size() == latencies.size() / each);
        for (std::size_t i = 0; i < view->slots.size(); ++i) {
            const auto begin = latencies.begin() + static_cast<std::ptrdiff_t>(i * each);
            std::vector<Duration> own(begin, begin + static_cast<std::ptrdiff_t>(each));
            std::sort(own.begin(), own.end());
            const LatencyView& latency = view->slots[i].latency.value();
            CHECK(to_milliseconds(latency.p50) ==
                  doctest::Approx(nearest_rank(own, 50)).epsilon(0.02));
            CHECK(to_milliseconds(latency.p95) ==
                  doctest::Approx(nearest_rank(own, 95)).epsilon(0.02));
            CHECK(to_milliseconds(latency.p99) ==
                  doctest::Approx(nearest_rank(own, 99)).epsilon(0.02));
        }
    }
}

// Every point looked at, one after the other.
Duration not_observed_by_hand(const std::vector<WallTime>& times, WallTime from, WallTime to) {
    Duration observed{0};
    for (std::size_t i = 0; i < times.size(); ++i) {
        const WallTime next = i + 1 < times.size() ? times[i + 1] : to;
        const WallTime end = next - times[i] <= 20s ? next : times[i] + 10s;
        observed += std::max(std::min(end, to) - std::max(times[i], from), Duration{0});
    }
    return to - from - observed;
}

TEST_CASE("availability adds up exactly for windows of any length, wherever they begin") {
    Written written;
    std::vector<WallTime> times;
    for (int i = 0; i < 6 * 60 * 9; ++i) {
        if (i % 700 > 600) continue;  // Gaps of a quarter of an hour.
        times.push_back(night + i * 10s + 3s);
        written.outcome(times.back());
    }
    auto reader = written.reader();
    for (const auto& [begin, length] :
         std::vector<std::pair<Duration, Duration>>{{0s, 9h},
                                                    {17s, 37s},
                                                    {4s, 5s},
                                                    {100min, 2h + 24min + 1s},
                                                    {1h + 13s, 2h - 7s},
                                                    {90min, 3h + 11s},
                                                    {5min + 1s, 8h + 59s}}) {
        CAPTURE(begin);
        const WallTime from = night + begin;
        const WallTime to = from + length;
        const auto view = read_availability(reader, "web", {.checks = {}, .from = from, .to = to});
        REQUIRE(view);
        CHECK(view->not_observed == not_observed_by_hand(times, from, to));
        CHECK(view->up + view->not_observed == length);
        CHECK(view->passed ==
              static_cast<std::uint64_t>(std::count_if(
                  times.begin(), times.end(), [&](WallTime at) { return at >= from && at < to; })));
        CHECK(view->availability().value_or(1) == 1);
    }
}

TEST_CASE("an outage is downtime, but for what its agent slept through; burn rates are told") {
    Written written;
    written.outcomes(night, night + 2h);
    written.outcomes(night + 3h, night + 4h);
    written.outage(1, night + 110min, night + 190min);
    auto reader = written.reader();
    AvailabilityQuery asked{.checks = {}, .from = night, .to = night + 4h, .slo = 99.0};
    const auto view = read_availability(reader, "web", asked);
    REQUIRE(view);
    CHECK(view->not_observed == 1h);
    CHECK(view->down == 20min);
    CHECK(view->up == 160min);
    CHECK(view->outages == 1);
    REQUIRE(view->latency);
    CHECK(to_milliseconds(view->latency->p95) == doctest::Approx(20).epsilon(0.02));
    REQUIRE(view->budget);
    CHECK(view->budget->spent == 20min);
    REQUIRE(view->burn.size() == 4);  // Up to two hours: six are longer than the window.
    CHECK(view->burn[0].rate == 0.0);
    CHECK(view->burn[2].rate.value() == doctest::Approx(10 / 60.0 / 0.01));
}

TEST_CASE("what is to come is not observed, and no outage lasts into it") {
    Written written;
    SUBCASE("of a check that this agent witnesses") {
        written.outcomes(night, night + 4h);
    }
    SUBCASE("of a check that others witness") {}
    written.transition(0, night);
    written.transition(1, night + 3h);
    written.outage(1, night + 3h, std::nullopt);
    auto reader = written.reader();
    const WallTime now = night + 4h;
    AvailabilityQuery asked{.checks = {}, .from = night, .to = night + 24h, .slo = 99.0};
    asked.now = now;
    const auto view = read_availability(reader, "web", asked);
    REQUIRE(view);
    CHECK(view->up == 3h);
    CHECK(view->down == 1h);
    CHECK(view->not_observed == 20h);
    CHECK(view->budget.value().spent == 1h);
    asked.from = now + 1h;
    const auto later = read_availability(reader, "web", asked);
    REQUIRE(later);
    CHECK(later->outages == 0);
    CHECK(later->not_observed == 19h);
}

TEST_CASE("a check that others witness is known from its first verdict on, of however many") {
    Written written;
    constexpr std::uint32_t verdicts = storage::HistoryReader::transitions_max + 100;
    for (std::uint32_t epoch = 0; epoch < verdicts; ++epoch) {
        written.transition(epoch, night + epoch * 10s);
    }
    auto reader = written.reader();
    const WallTime to = night + verdicts * 10s;
    const auto view =
        read_availability(reader, "web", {.checks = {}, .from = night - 1h, .to = to});
    REQUIRE(view);
    CHECK(view->not_observed == 1h);
    CHECK(view->up == to - night);
}

}  // namespace
}  // namespace picket::api
