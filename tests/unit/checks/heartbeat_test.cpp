#include "checks/heartbeat.h"

#include <doctest/doctest.h>

#include <vector>

namespace picket::checks {
namespace {

using namespace std::chrono_literals;

constexpr WallTime noon{std::chrono::seconds(1'790'000'000)};
constexpr HeartbeatQuery hourly{.period = 1h, .grace = 5min, .runtime_above = 10min};

std::string said(const Outcome& outcome) {
    return std::string(to_text(outcome.finding)) + " " +
           std::string(to_text(outcome.failure_class)) + ": " + outcome.message;
}

Heartbeat known() {
    return {.known_since = noon};
}

TEST_CASE("before the first signal nothing is known, until one is overdue") {
    CHECK(said(judge_heartbeat(hourly, known(), noon + 30min)) ==
          "errored local: no signal yet, the first success is due within 30m");
    CHECK(judge_heartbeat(hourly, known(), noon + 65min).finding == Finding::errored);
    CHECK(said(judge_heartbeat(hourly, known(), noon + 66min)) ==
          "failed timeout: no success since this agent knows of it, 1h6m ago, expected every 1h "
          "(grace 5m)");
}

TEST_CASE("a success passes for period and grace, and not a moment longer") {
    const Heartbeat beat =
        after_signal(known(), {SignalKind::success, 0, "12 files"}, noon + 10min);
    CHECK(said(judge_heartbeat(hourly, beat, noon + 20min)) ==
          "passed none: last success 10m ago, next due within 50m: 12 files");
    CHECK(judge_heartbeat(hourly, beat, noon + 75min).finding == Finding::passed);
    CHECK(said(judge_heartbeat(hourly, beat, noon + 75min + 1s)) ==
          "failed timeout: last success 1h5m1s ago, expected every 1h (grace 5m)");
}

TEST_CASE("a failure stands until the next success") {
    Heartbeat beat = after_signal(known(), {SignalKind::success, 0, ""}, noon);
    beat = after_signal(beat, {SignalKind::fail, 2, "disk full"}, noon + 10min);
    CHECK(said(judge_heartbeat(hourly, beat, noon + 12min)) ==
          "failed plugin: failed 2m ago with exit code 2: disk full");
    beat = after_signal(beat, {SignalKind::start, 0, ""}, noon + 13min);
    CHECK(judge_heartbeat(hourly, beat, noon + 14min).finding == Finding::failed);
    beat = after_signal(beat, {SignalKind::success, 0, ""}, noon + 15min);
    CHECK(said(judge_heartbeat(hourly, beat, noon + 15min)) ==
          "passed none: last success 0s ago, next due within 1h");
    CHECK(beat.runtime == 2min);
    CHECK(judge_heartbeat(hourly, beat, noon + 15min).latency == 2min);
}

TEST_CASE("a job that started and does not end fails, however lately the one before succeeded") {
    Heartbeat beat = after_signal(known(), {SignalKind::success, 0, ""}, noon);
    beat = after_signal(beat, {SignalKind::start, 0, ""}, noon + 1min);
    CHECK(judge_heartbeat(hourly, beat, noon + 11min).finding == Finding::passed);
    CHECK(said(judge_heartbeat(hourly, beat, noon + 12min)) ==
          "failed timeout: started 11m ago and has not ended, expected within 10m");
    HeartbeatQuery patient = hourly;
    patient.runtime_above.reset();
    CHECK(judge_heartbeat(patient, beat, noon + 12min).finding == Finding::passed);
}

TEST_CASE("when time alone will change the outcome is known") {
    CHECK(changes_at(hourly, known(), noon) == noon + 65min);
    Heartbeat beat = after_signal(known(), {SignalKind::start, 0, ""}, noon + 1min);
    CHECK(changes_at(hourly, beat, noon + 2min) == noon + 11min);
    CHECK(changes_at(hourly, beat, noon + 12min) == noon + 65min);
    CHECK_FALSE(changes_at(hourly, beat, noon + 2h).has_value());
    beat = after_signal(beat, {SignalKind::fail, 1, ""}, noon + 3min);
    CHECK_FALSE(changes_at(hourly, beat, noon + 4min).has_value());
}

TEST_CASE("a heartbeat is what it was when it is read back") {
    Heartbeat beat = known();
    CHECK(*parse_heartbeat(write_heartbeat(beat)) == beat);
    beat = after_signal(beat, {SignalKind::start, 0, ""}, noon + 1s);
    CHECK(*parse_heartbeat(write_heartbeat(beat)) == beat);
    beat = after_signal(beat, {SignalKind::fail, 3, "two words"}, noon + 2s);
    CHECK(*parse_heartbeat(write_heartbeat(beat)) == beat);
    for (const char* wrong : {"", "hb1", "hb2 1 - - - - 0 0 ", "hb1 - - - - - 0 0 ",
                              "hb1 1 x - - - 0 0 ", "hb1 1 - - - - 1 0 ", "hb1 1 2 3"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_heartbeat(wrong).has_value());
    }
}

TEST_CASE("the book hands on all that is to be kept, and takes it back") {
    std::vector<std::string> kept;
    HeartbeatBook book([&](const std::string& name, const Heartbeat& beat) {
        kept.push_back(name + " " + write_heartbeat(beat));
    });
    CHECK(book.get("job@a", noon).known_since == noon);
    CHECK(book.get("job@a", noon + 1s).known_since == noon);
    book.on_signal("job@a", {SignalKind::success, 0, "done"}, noon + 2s);
    REQUIRE(kept.size() == 2);
    HeartbeatBook later([](const std::string&, const Heartbeat&) {});
    later.restore("job@a", std::string_view(kept[1]).substr(6));
    later.restore("other@a", "nonsense");
    CHECK(later.get("job@a", noon + 1h) == book.get("job@a", noon + 1h));
    CHECK(later.get("other@a", noon + 1h).known_since == noon + 1h);
}

}  // namespace
}  // namespace picket::checks
