// History, events and reloads.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "agent/cli/render.h"
#include "agent/cli/render_parts.h"
#include "agent/cli/sparkline.h"

namespace picket::cli {
namespace {

using api::HistoryPoint;
using api::HistoryView;

// Outcomes in a row that say the same.
struct Stretch {
    const HistoryPoint* first = nullptr;
    const HistoryPoint* last = nullptr;
    std::uint64_t count = 0;
    Duration latency_least{0};
    Duration latency_most{0};
};

bool same(const HistoryPoint& a, const HistoryPoint& b) {
    if (a.finding != b.finding || a.failure_class != b.failure_class) return false;
    // What passed may say each time how long it took; that is in the latency.
    return a.finding == checks::Finding::passed || a.message == b.message;
}

std::vector<Stretch> stretches_of(const HistoryView& view) {
    std::vector<Stretch> stretches;
    for (const HistoryPoint& point : view.points) {
        if (stretches.empty() || !same(*stretches.back().last, point)) {
            stretches.push_back(Stretch{.first = &point,
                                        .last = &point,
                                        .count = 1,
                                        .latency_least = point.latency,
                                        .latency_most = point.latency});
            continue;
        }
        Stretch& stretch = stretches.back();
        stretch.last = &point;
        ++stretch.count;
        stretch.latency_least = std::min(stretch.latency_least, point.latency);
        stretch.latency_most = std::max(stretch.latency_most, point.latency);
    }
    return stretches;
}

std::string range_text(const Style& style, const Stretch& stretch) {
    const std::string least = latency_text(stretch.latency_least);
    const std::string most = latency_text(stretch.latency_most);
    return least == most ? least : least + (style.unicode ? " – " : " - ") + most;
}

std::uint64_t count_of(const HistoryView& view, checks::Finding finding) {
    return static_cast<std::uint64_t>(
        std::count_if(view.points.begin(), view.points.end(),
                      [&](const HistoryPoint& point) { return point.finding == finding; }));
}

std::string latency_summary(const HistoryView& view) {
    std::vector<Duration> latencies;
    for (const HistoryPoint& point : view.points) {
        if (point.finding == checks::Finding::passed) latencies.push_back(point.latency);
    }
    if (latencies.empty()) return {};
    std::sort(latencies.begin(), latencies.end());
    const auto at = [&](double share) {  // Nearest rank.
        const double rank = std::ceil(share * static_cast<double>(latencies.size()));
        return latency_text(latencies[static_cast<std::size_t>(std::max(rank, 1.0)) - 1]);
    };
    return fmt::format("p50 {}, p95 {}, p99 {}", at(0.50), at(0.95), at(0.99));
}

std::string csv_field(std::string_view text) {
    std::string safe = printable(Style{}, text);
    // A spreadsheet would run what starts like a formula.
    const bool formula =
        !safe.empty() && std::string_view("=+-@").find(safe.front()) != std::string_view::npos;
    if (!formula && safe.find_first_of(",\"") == std::string::npos) return safe;
    std::string quoted = formula ? "\"'" : "\"";
    for (const char c : safe) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + "\"";
}

}  // namespace

std::string render_history(const Style& style, const HistoryView& view) {
    std::string text =
        fmt::format("{}{}{} to {} UTC\n", paint(style, Colour::bold, printable(style, view.check)),
                    separator(style), time_text(view.from), time_text(view.to));
    if (view.points.empty()) return text + "\n  nothing was recorded\n";

    constexpr std::size_t sparkline_columns = 60;
    Table facts({{}, {}});
    facts.add(
        {Cell("outcomes", Colour::dim),
         fmt::format("{} passed, {} failed, {} errored", count_of(view, checks::Finding::passed),
                     count_of(view, checks::Finding::failed),
                     count_of(view, checks::Finding::errored))});
    if (const std::string summary = latency_summary(view); !summary.empty()) {
        facts.add({Cell("latency", Colour::dim), summary});
    }
    facts.add({Cell("", Colour::dim),
               draw_sparkline(style, sparkline_of(view, sparkline_columns), sparkline_columns)});
    text += "\n" + facts.text(style, 2) + "\n";
    if (view.truncated) {
        text += fmt::format("  Only the newest {} outcomes are shown; --since narrows.\n\n",
                            view.points.size());
    }
    Table table({{.heading = "FROM (UTC)", .align = Align::left, .width_min = 0},
                 {.heading = "FOR", .align = Align::left, .width_min = 0},
                 {.heading = "TIMES", .align = Align::right, .width_min = 0},
                 {.heading = "FINDING", .align = Align::left, .width_min = 0},
                 {.heading = "LATENCY", .align = Align::left, .width_min = 0},
                 {.heading = "MESSAGE", .align = Align::left, .width_min = 12}});
    // Within one day the date is in the first line already.
    const std::string date = time_text(view.from).substr(0, 10);
    const std::size_t skipped = time_text(view.to).starts_with(date) ? 11 : 0;
    for (const Stretch& stretch : stretches_of(view)) {
        const HistoryPoint& last = *stretch.last;
        table.add({time_text(stretch.first->at).substr(skipped), age(last.at - stretch.first->at),
                   fmt::to_string(stretch.count),
                   Cell(finding_text(last.finding, last.failure_class), colour_of(last.finding)),
                   range_text(style, stretch), last.message});
    }
    return text + table.text(style);
}

std::string render_history_csv(const HistoryView& view) {
    std::string text = "at,finding,class,latency_ms,message\n";
    for (const HistoryPoint& point : view.points) {
        const bool classed = point.failure_class != checks::FailureClass::none;
        text += fmt::format("{},{},{},{:.3f},{}\n", format_time(point.at),
                            checks::to_text(point.finding),
                            classed ? checks::to_text(point.failure_class) : "",
                            to_milliseconds(point.latency), csv_field(point.message));
    }
    return text;
}

std::string render_reload(const Style& style, const api::ReloadView& view) {
    std::string text = fmt::format("{} added, {} changed, {} removed, {} unchanged\n", view.added,
                                   view.changed, view.removed, view.unchanged);
    if (view.problems.empty()) return text;
    text += heading(style, "Problems");
    for (const std::string& problem : view.problems) text += paragraph(style, problem, 2);
    return text;
}

std::string render_event(const Style& style, const api::Event& event) {
    std::string subject = event.check.empty() ? event.agent : event.check;
    std::string change;
    if (!event.to.empty()) {
        change = event.from.empty()
                     ? event.to
                     : fmt::format("{} {} {}", event.from, style.unicode ? "→" : "->", event.to);
    }
    std::string line = fmt::format("{}  {:<10}", time_text(event.at), api::to_text(event.type));
    if (!subject.empty()) line += "  " + printable(style, subject);
    if (!change.empty())
        line += "  " + paint(style, colour_of_state(event.to), printable(style, change));
    if (!event.message.empty()) line += "  " + printable(style, event.message);
    return line + "\n";
}

}  // namespace picket::cli
