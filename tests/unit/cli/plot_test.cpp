#include "agent/cli/plot.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>

namespace picket::cli {
namespace {

using namespace std::chrono_literals;
using api::HistoryView;

constexpr WallTime night = WallTime(1'795'402'800s);
const Style narrow{.colour = false, .unicode = true, .width = 80};
const Style ascii{.colour = false, .unicode = false, .width = 80};

// Seven hours in slots of six minutes: slower in the middle, an outage, a gap, an agent that
// could not ask.
HistoryView slots() {
    HistoryView view{"homepage", night, night + 7h, false, {}};
    view.resolution = 6min;
    for (int i = 0; i < 70; ++i) {
        api::HistorySlot slot;
        slot.at = night + i * 6min;
        slot.passed = 36;
        const double bump = std::exp(-std::pow((i - 25) / 8.0, 2));
        const Duration p50(static_cast<std::int64_t>(10'000 + 30'000 * bump));
        slot.latency = api::LatencyView{p50, p50, 2 * p50, 2 * p50 + 8ms};
        if (i == 10) slot.failed = 1;
        if (i >= 40 && i < 45) slot = {.at = slot.at, .failed = 36};
        if (i >= 50 && i < 56) slot = {.at = slot.at, .not_observed = 6min};
        if (i >= 60 && i < 63) slot = {.at = slot.at, .errored = 36};
        view.slots.push_back(slot);
    }
    view.outages = {{.id = "homepage#7",
                     .scope = "total",
                     .opened_at = night + 40 * 6min + 5s,
                     .closed_at = night + 45 * 6min}};
    return view;
}

TEST_CASE("a plot tells its story in eighty columns of ASCII") {
    CHECK(render_plot(ascii, slots()) ==
          R"(homepage - 2026-11-23 03:00:00 to 2026-11-23 10:00:00 UTC

100 ms |
       |                        :::
       |                      :+++++:
       |                    :+++++++++:
       |                  ::+++++++++++::
 50 ms |                 :+++++++++++++++:
       |              ::++++++#######++++++::
       |:::::::::::::++++++#############++++++::     :::::      ::::   :::::::
       |+++++++++++++++#####################++++     +++++      ++++   +++++++
0.0 ms |########################################     #####      ####   #######
 found |----------x-----------------------------#####-----......----???-------
 state |----------------------------------------#####-----......--------------
        03:00                            06:30                           10:00

        # up to p50  + to p95  : to p99 of what passed
        - passed  x some failed  # most failed  ? could not ask  . not observed
        # down
)");
}

TEST_CASE("no line of a plot is wider than the style, whatever it shows") {
    for (const std::size_t width : {40u, 80u, 81u, 120u, 500u}) {
        for (const bool unicode : {false, true}) {
            const Style style{.colour = false, .unicode = unicode, .width = width};
            std::istringstream lines(render_plot(style, slots()));
            std::string line;
            for (int number = 0; std::getline(lines, line); ++number) {
                CAPTURE(line);
                CHECK(display_width(line) <= std::max<std::size_t>(width, 82));
                CHECK((line.empty() || line.back() != ' '));
            }
        }
    }
}

// One hour, asked every five minutes.
HistoryView points() {
    HistoryView view{"disk", night, night + 1h, false, {}};
    for (int i = 0; i < 6; ++i) {
        view.points.push_back({.at = night + i * 5min + 1s, .latency = 10ms, .message = {}});
    }
    view.points.push_back(
        {.at = night + 30min, .message = {}, .not_observed_until = night + 45min});
    for (int i = 9; i < 12; ++i) {
        view.points.push_back({.at = night + i * 5min + 1s,
                               .finding = checks::Finding::failed,
                               .failure_class = checks::FailureClass::content,
                               .message = {}});
    }
    return view;
}

TEST_CASE("what is asked less than once a column holds, until nobody looks") {
    const std::vector<PlotColumn> columns = plot_columns_of(points(), 60);
    REQUIRE(columns.size() == 60);
    CHECK(columns[29].passed == 1);
    CHECK(columns[29].latency.has_value());
    CHECK(columns[31].unseen == doctest::Approx(1));
    CHECK(columns[31].passed + columns[31].failed == 0);
    CHECK(columns[46].failed == 1);
    CHECK(columns[59].failed == 1);
    const std::string text = render_plot(ascii, points());
    CHECK(text.find("...............") != std::string::npos);
    CHECK(text.find("# most failed") != std::string::npos);
}

TEST_CASE("where a few are far slower than the rest the scale is logarithmic, and says so") {
    HistoryView view = slots();
    view.slots[30].latency->p99 = 9s;
    const std::string text = render_plot(ascii, view);
    CHECK(text.find("on a logarithmic scale") != std::string::npos);
    CHECK(text.find("10.0 s |") != std::string::npos);
    CHECK(render_plot(ascii, slots()).find("logarithmic") == std::string::npos);
}

TEST_CASE("a short outage does not darken a long column") {
    HistoryView view = slots();
    view.outages[0].closed_at = view.outages[0].opened_at + 7min;
    view.outages.push_back({.id = "homepage#9",
                            .scope = "partial",
                            .opened_at = night + 3h,
                            .closed_at = night + 3h + 6min});
    const std::string text = render_plot(ascii, view);
    CHECK(text.find(" state |------------------------------=---------#x----") != std::string::npos);
    CHECK(text.find("x down, less than half of it  # down  = partially down") != std::string::npos);
}

TEST_CASE("more slots than columns are drawn together, with the worst percentiles") {
    const std::vector<PlotColumn> columns = plot_columns_of(slots(), 35);
    REQUIRE(columns.size() == 35);
    CHECK(columns[5].failed == 1);
    CHECK(columns[0].passed == 72);
    CHECK(columns[20].unseen == 0);
    CHECK(columns[25].unseen == doctest::Approx(1));
    CHECK(columns[12].latency->p99 >= slots().slots[24].latency->p99);
}

TEST_CASE("a history without anything in it is no picture") {
    CHECK(render_plot(ascii, {"x", night, night + 1h, false, {}}) ==
          "x - 2026-11-23 03:00:00 to 2026-11-23 04:00:00 UTC\n\n  nothing was recorded\n");
}

}  // namespace
}  // namespace picket::cli
