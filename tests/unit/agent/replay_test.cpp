#include "agent/replay.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "checks/types/http.h"

namespace picket {
namespace {

using namespace std::chrono_literals;
using api::DecidedSpan;
using checks::FailureClass;
using checks::Finding;
using storage::HistoryPoint;

constexpr WallTime night = WallTime(1'795'402'800s);

checks::Definition definition() {
    checks::Definition result;
    result.name = "homepage";
    result.query = checks::HttpQuery{};
    result.interval = 10s;
    return result;
}

HistoryPoint point(Duration after, Finding finding, Duration latency = 20ms) {
    HistoryPoint point;
    point.outcome.at = night + after;
    point.outcome.finding = finding;
    point.outcome.failure_class =
        finding == Finding::failed ? FailureClass::refused : FailureClass::none;
    point.outcome.latency = latency;
    point.outcome.message = finding == Finding::failed ? "connection refused" : "200 OK";
    point.interval = 10s;
    return point;
}

// An outcome every ten seconds, one for each letter: p(assed), s(low), f(ailed), e(rrored).
std::vector<HistoryPoint> every_ten_seconds(const std::string& letters, Duration begin = 0s) {
    std::vector<HistoryPoint> points;
    for (const char letter : letters) {
        const Duration after = begin + 10s * static_cast<std::int64_t>(points.size());
        points.push_back(point(after, letter == 'f'   ? Finding::failed
                                      : letter == 'e' ? Finding::errored
                                                      : Finding::passed));
        if (letter == 's') points.back().outcome.latency = 900ms;
    }
    return points;
}

api::ReplayView replay(const checks::Definition& definition,
                       const std::vector<HistoryPoint>& points, Duration window = 10min,
                       const std::vector<DecidedSpan>& decided = {}) {
    Replay replay(definition, night, night + window);
    for (const HistoryPoint& each : points) replay.on_point(each);
    return replay.finish(decided);
}

// Whole ones: an outage begins when the attempt that confirmed it has ended.
std::int64_t seconds_of(Duration duration) {
    return std::chrono::round<std::chrono::seconds>(duration).count();
}

// "20+30" for an outage that began after 20 s and lasted 30, "20+" for an open one.
std::string outages(const api::ReplayView& view) {
    std::string text;
    for (const api::ReplayRow& row : view.rows) {
        if (!row.replayed) continue;
        text += text.empty() ? "" : " ";
        text += std::to_string((row.replayed->from - night) / 1s) + "+";
        if (row.replayed->to) {
            text += std::to_string(seconds_of(*row.replayed->to - row.replayed->from));
        }
    }
    return text;
}

TEST_CASE("what was asked three times is decided as it was then") {
    std::vector<HistoryPoint> points = every_ten_seconds("pp");
    for (const Duration at : {20s, 21s, 22s, 30s, 40s}) {
        points.push_back(point(at, Finding::failed));
    }
    for (const Duration at : {50s, 51s, 60s}) points.push_back(point(at, Finding::passed));
    const auto view = replay(definition(), points, 70s);
    CHECK(outages(view) == "22+28");
    CHECK(view.attempts_assumed == 0);
    CHECK(view.judged_otherwise == 0);
    CHECK(view.outcomes == 10);
    CHECK(seconds_of(view.replayed_down) == 28);
    CHECK(view.not_observed == 0s);
    REQUIRE(view.rows.size() == 1);
    CHECK(view.rows[0].replayed->failure_class == FailureClass::refused);
    CHECK(view.rows[0].replayed->message == "connection refused");
}

TEST_CASE("a tighter latency makes an outage of what is slow twice in a row, and only then") {
    checks::Definition tighter = definition();
    CHECK(outages(replay(tighter, every_ten_seconds("pppsssppp"))).empty());
    tighter.latency = 500ms;
    const auto view = replay(tighter, every_ten_seconds("pppssspppppp"));
    CHECK(outages(view) == "32+27");
    CHECK(view.judged_otherwise == 3);
    CHECK(view.attempts_assumed > 0);
    CHECK(view.rows[0].replayed->failure_class == FailureClass::latency);
    CHECK(outages(replay(tighter, every_ten_seconds("pppspppsppp"))).empty());
}

TEST_CASE("a looser latency forgives what was only late") {
    std::vector<HistoryPoint> late = every_ten_seconds("ppssssssppp");
    for (HistoryPoint& each : late) {
        if (each.outcome.latency < 500ms) continue;
        each.outcome.finding = Finding::failed;
        each.outcome.failure_class = FailureClass::latency;
        each.outcome.message = "answered after 900 ms, expected within 500 ms";
    }
    checks::Definition looser = definition();
    looser.latency = 800ms;
    CHECK(outages(replay(looser, late)) == "22+57");
    looser.latency = 1s;
    const auto view = replay(looser, late);
    CHECK(outages(view).empty());
    CHECK(view.judged_otherwise == 6);
}

TEST_CASE("an answer later than the timeout is none") {
    checks::Definition impatient = definition();
    impatient.timeout = 800ms;
    const auto view = replay(impatient, every_ten_seconds("pppsssspppp"));
    REQUIRE(view.rows.size() == 1);
    CHECK(view.rows[0].replayed->failure_class == FailureClass::timeout);
}

TEST_CASE("fail_after asks for more rounds, as many as the agent would") {
    const auto points = every_ten_seconds("ppffpppppppp");
    CHECK(outages(replay(definition(), points)) == "22+18");
    checks::Definition patient = definition();
    patient.fail_after = 2;
    CHECK(outages(replay(patient, points)).empty());
    patient.fail_after = 3;
    CHECK(outages(replay(patient, every_ten_seconds("ppffffpppppp"))) == "42+18");
}

TEST_CASE("an agent that could not ask accuses nobody") {
    CHECK(outages(replay(definition(), every_ten_seconds("ppeeeeppp"))).empty());
}

TEST_CASE("what nobody observed is no downtime, and ends no outage") {
    std::vector<HistoryPoint> points = every_ten_seconds("pfff");
    for (const HistoryPoint& each : every_ten_seconds("ffppp", 400s)) points.push_back(each);
    const auto view = replay(definition(), points, 440s);
    CHECK(outages(view) == "12+408");
    CHECK(view.not_observed == 400s - 40s);
    CHECK(seconds_of(view.replayed_down) == 408 - 360);
}

TEST_CASE("a pause says that nobody asks, from then on") {
    std::vector<HistoryPoint> points = every_ten_seconds("pp");
    HistoryPoint pause = point(15s, Finding::passed);
    pause.pause = true;
    points.push_back(pause);
    const auto view = replay(definition(), points, 100s);
    CHECK(view.outcomes == 2);
    CHECK(view.not_observed == 85s);
}

TEST_CASE("a window without an outcome was not observed") {
    const auto view = replay(definition(), {}, 1h);
    CHECK(view.outcomes == 0);
    CHECK(view.not_observed == 1h);
}

TEST_CASE("a clock that stepped back disturbs neither order nor downtime") {
    std::vector<HistoryPoint> points = every_ten_seconds("ppppp", 300s);
    for (const HistoryPoint& each : every_ten_seconds("pfffffppp")) points.push_back(each);
    const auto view = replay(definition(), points, 400s);
    CHECK(view.replayed_outages == 1);
    CHECK(view.replayed_down >= 0s);
    CHECK(view.replayed_down <= 60s);
}

DecidedSpan span(Duration from, std::optional<Duration> to) {
    DecidedSpan span;
    span.from = night + from;
    if (to) span.to = night + *to;
    return span;
}

TEST_CASE("outages that overlap stand side by side, the others alone, by their begin") {
    const auto rows = match_outages(
        {span(0s, 10s), span(100s, 200s), span(300s, 310s), span(320s, 330s), span(500s, {})},
        {span(50s, 60s), span(110s, 120s), span(150s, 160s), span(299s, 400s), span(600s, {})});
    std::string text;
    for (const api::ReplayRow& row : rows) {
        text += row.decided ? std::to_string((row.decided->from - night) / 1s) : "-";
        text += "/";
        text += row.replayed ? std::to_string((row.replayed->from - night) / 1s) : "-";
        text += " ";
    }
    CHECK(text == "0/- -/50 100/110 100/150 300/299 320/299 500/600 ");
}

}  // namespace
}  // namespace picket
