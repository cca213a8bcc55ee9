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
    CHECK(render_plot(ascii, slots()) == "");
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

}  // namespace
}  // namespace picket::cli
