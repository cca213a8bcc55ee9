#include "checks/schedule.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "agent/base/random.h"

namespace picket::checks {
namespace {

using namespace std::chrono_literals;

const Instant start{1000s};
const WallTime wall{1'800'000'000s};

// Plays a schedule whose runs take `length`, and notes every start.
struct Play {
    Schedule schedule;
    Duration length{0};
    Instant now = start;
    std::map<CheckKey, std::vector<Instant>> starts;
    std::map<CheckKey, Instant> running;  // -> when it ends
    std::size_t in_flight_most = 0;

    Play(Schedule::Options options, Duration run_length) : schedule(options), length(run_length) {}

    void run_until(Instant end) {
        while (true) {
            while (auto next = schedule.poll_start(now)) {
                CHECK(running.count(next->key) == 0);
                starts[next->key].push_back(now);
                running[next->key] = now + length;
                in_flight_most = std::max(in_flight_most, schedule.in_flight());
            }
            Instant wakeup = schedule.next_wakeup();
            for (const auto& [key, ends] : running) wakeup = std::min(wakeup, ends);
            if (wakeup > end) break;
            now = std::max(now, wakeup);
            for (auto run = running.begin(); run != running.end();) {
                if (run->second > now) {
                    ++run;
                    continue;
                }
                schedule.on_finished(now, run->first);
                run = running.erase(run);
            }
        }
        now = end;
    }
};

TEST_CASE("slots are an interval apart for ever, at a place that only the key decides") {
    Play play({}, 3ms);
    play.schedule.add(start, wall, CheckKey{123'456'789}, 10s, 5s);
    play.run_until(start + 10min);
    const auto& starts = play.starts[CheckKey{123'456'789}];
    CHECK(starts.front() - start == Duration(123'456'789 % 5'000'000));
    // Its place is 3,456,789 us into the interval; the nearest point of the grid is this.
    for (std::size_t i = 1; i < starts.size(); ++i) {
        const WallTime at = wall + (starts[i] - start);
        CHECK(at.time_since_epoch() % 10s == 3500ms);
        CHECK(starts[i] - starts[i - 1] <= 10s);
    }
    CHECK(starts.size() >= 60);
    CHECK(play.schedule.counters().slots_skipped == 0);
}

TEST_CASE("slots that are close to one another are one, but for checks that are asked often") {
    for (const Duration interval : {Duration(10s), Duration(1s), Duration(900ms)}) {
        CAPTURE(interval.count());
        Schedule schedule({});
        for (std::uint64_t key = 50'000; key < 100'000; key += 1'000) {
            schedule.add_witnessed(CheckKey{key}, interval);
            schedule.seat(start, wall, CheckKey{key}, Duration(static_cast<long>(key)));
        }
        std::size_t at_once = 0;
        const Instant first = schedule.next_wakeup();
        while (schedule.poll_slot(first)) ++at_once;
        CHECK(at_once == (interval >= 1s ? 50 : 1));
    }
}

TEST_CASE("a thousand checks are spread, at the start and afterwards") {
    Play play({}, 1ms);
    Random random(7);
    std::vector<CheckKey> keys;
    for (int i = 0; i < 1000; ++i) {
        keys.push_back(CheckKey{random.next()});
        play.schedule.add(start, wall, keys.back(), 10s, 5s);
    }
    play.run_until(start + 25s);
    std::map<long, int> per_tenth;
    for (const CheckKey key : keys) {
        REQUIRE(play.starts[key].size() >= 2);
        CHECK(play.starts[key].front() - start < 5s);
        for (const Instant at : play.starts[key]) ++per_tenth[(at - start) / 100ms];
    }
    // 20 in each tenth of a second at first (and slots begin meanwhile), 10 later.
    for (const auto& [tenth, count] : per_tenth) {
        CAPTURE(tenth);
        CHECK(count < 60);
    }
    CHECK(play.starts.begin()->second.front() >= start);
}

TEST_CASE("a slow check never runs twice at once, and what it missed is counted") {
    Play play({}, 25s);
    play.schedule.add(start, wall, CheckKey{0}, 10s, 0s);
    play.run_until(start + 100s);
    const auto& starts = play.starts[CheckKey{0}];
    CHECK(starts == std::vector<Instant>{start, start + 30s, start + 60s, start + 90s});
    CHECK(play.schedule.counters().slots_skipped == 6);
}

TEST_CASE("no more than in_flight_max run at once, and none is forgotten") {
    Play play({.in_flight_max = 3, .starts_per_second_max = 1000}, 1s);
    for (std::uint64_t i = 0; i < 9; ++i) play.schedule.add(start, wall, CheckKey{i}, 60s, 0s);
    play.run_until(start + 10s);
    CHECK(play.in_flight_most == 3);
    CHECK(play.starts.size() == 9);
    CHECK(play.schedule.counters().starts_held_back == 6);
}

TEST_CASE("starts keep to starts_per_second_max, and the wake-up says when the next may be") {
    Play play({.in_flight_max = 1000, .starts_per_second_max = 10}, 1ms);
    for (std::uint64_t i = 0; i < 50; ++i) play.schedule.add(start, wall, CheckKey{i}, 60s, 0s);
    play.run_until(start + 10s);
    std::map<long, int> per_second;
    for (const auto& [key, starts] : play.starts) ++per_second[(starts.front() - start) / 1s];
    for (const auto& [second, count] : per_second) CHECK(count <= 11);
    CHECK(play.starts.size() == 50);
    CHECK(play.schedule.counters().starts_held_back >= 48);
}

TEST_CASE("an extra attempt comes beside the slots, and not while a run is in flight") {
    Play play({}, 2s);
    play.schedule.add(start, wall, CheckKey{0}, 10s, 0s);
    play.run_until(start + 500ms);
    play.schedule.ask_at(CheckKey{0}, start + 1s);
    play.run_until(start + 25s);
    CHECK(play.starts[CheckKey{0}] ==
          std::vector<Instant>{start, start + 2s, start + 10s, start + 20s});
    CHECK(play.schedule.counters().slots_skipped == 0);
}

TEST_CASE("a removed check is not asked again, even when it was in flight") {
    Play play({.in_flight_max = 1}, 5s);
    play.schedule.add(start, wall, CheckKey{0}, 10s, 0s);
    play.schedule.add(start, wall, CheckKey{1}, 10s, 0s);
    play.run_until(start);
    REQUIRE(play.running.size() == 1);
    const CheckKey first = play.running.begin()->first;
    play.running.clear();
    play.schedule.remove(first);
    CHECK(play.schedule.in_flight() == 0);
    play.run_until(start + 60s);
    CHECK(play.starts[first].size() == 1);
    CHECK(play.starts.size() == 2);
}

TEST_CASE("a wall clock before 1970 still gives slots") {
    Play play({}, 1ms);
    play.schedule.add(start, WallTime(-12'345'678us), CheckKey{42}, 10s, 0s);
    play.run_until(start + 60s);
    CHECK(play.starts[CheckKey{42}].size() == 7);
}

TEST_CASE("a witnessed check has its slots where its seat is, and none without one") {
    Schedule schedule({});
    const CheckKey key{77};
    schedule.add_witnessed(key, 10s);
    CHECK(schedule.next_wakeup() == never);
    schedule.seat(start, wall, key, 4s);
    CHECK_FALSE(schedule.poll_slot(start + 3s));
    CHECK(schedule.next_wakeup() == start + 4s);
    CHECK(schedule.poll_slot(start + 4s) == key);
    CHECK_FALSE(schedule.poll_slot(start + 4s));
    CHECK_FALSE(schedule.poll_start(start + 4s));
    CHECK(schedule.next_wakeup() == start + 14s);
    schedule.seat(start + 5s, wall + 5s, key, std::nullopt);
    CHECK(schedule.next_wakeup() == never);
}

TEST_CASE("a seat that moves back lets no more than an interval pass between two slots") {
    Schedule schedule({});
    const CheckKey key{77};
    schedule.add_witnessed(key, 10s);
    schedule.seat(start, wall, key, 4s);
    CHECK(schedule.poll_slot(start + 4s) == key);
    schedule.seat(start + 13s, wall + 13s, key, 6s);
    CHECK(schedule.next_wakeup() == start + 14s);
    CHECK(schedule.poll_slot(start + 14s) == key);
    CHECK(schedule.next_wakeup() == start + 16s);
    CHECK(schedule.poll_slot(start + 16s) == key);
    CHECK(schedule.next_wakeup() == start + 26s);
}

TEST_CASE("requested attempts go first, several at one check, and within the limits") {
    Schedule schedule({.in_flight_max = 2});
    const CheckKey key{77};
    schedule.add(start, wall, CheckKey{1}, 10s, 0s);
    schedule.add_witnessed(key, 10s);
    for (Schedule::AttemptId id = 1; id <= 3; ++id) schedule.request(start, key, id);
    CHECK(schedule.poll_start(start)->attempt == 1);
    CHECK(schedule.poll_start(start)->attempt == 2);
    CHECK_FALSE(schedule.poll_start(start));
    CHECK(schedule.next_wakeup() == never);
    schedule.on_finished(start + 1s, key, 1);
    CHECK(schedule.poll_start(start + 1s)->attempt == 3);
    CHECK(schedule.counters().starts_held_back == 1);
    // What is removed takes its attempts along.
    schedule.remove(key);
    CHECK(schedule.in_flight() == 0);
    CHECK(schedule.poll_start(start + 1s)->key == CheckKey{1});
}

}  // namespace
}  // namespace picket::checks
