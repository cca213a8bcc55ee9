// History, in stretches of the same, or in slots.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "agent/cli/render.h"
#include "agent/cli/render_parts.h"
#include "agent/cli/sparkline.h"

namespace picket::cli {
namespace {

using api::HistoryPoint;
using api::HistorySlot;
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
    if (!a.observed() || !b.observed()) return false;
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
    return static_cast<std::uint64_t>(std::count_if(
        view.points.begin(), view.points.end(),
        [&](const HistoryPoint& point) { return point.observed() && point.finding == finding; }));
}

std::string counts_text(std::uint64_t passed, std::uint64_t failed, std::uint64_t errored) {
    return fmt::format("{} passed, {} failed, {} errored", passed, failed, errored);
}

Duration not_observed_of(const HistoryView& view) {
    Duration sum{0};
    for (const HistoryPoint& point : view.points) {
        if (!point.observed()) sum += *point.not_observed_until - point.at;
    }
    for (const HistorySlot& slot : view.slots) sum += slot.not_observed;
    return sum;
}

// "homepage#7 for 12s, homepage#9 open": the newest ones.
std::string outages_text(const HistoryView& view) {
    constexpr std::size_t shown_max = 3;
    std::string text;
    for (std::size_t i = view.outages.size(); i-- > 0;) {
        const api::OutageSpan& outage = view.outages[i];
        if (view.outages.size() - i > shown_max) {
            return text + fmt::format(", and {} before", i + 1);
        }
        text += fmt::format(
            "{}{} {}", text.empty() ? "" : ", ", outage.id,
            outage.closed_at ? "for " + age(*outage.closed_at - outage.opened_at) : "open");
    }
    return text;
}

void add_facts(Table& facts, const HistoryView& view) {
    if (const Duration unseen = not_observed_of(view); unseen > Duration{0}) {
        facts.add({Cell("not observed", Colour::dim), age(unseen)});
    }
    if (!view.outages.empty()) {
        facts.add({Cell("outages", Colour::dim), outages_text(view)});
    }
}

Cell count_cell(std::uint64_t count, Colour colour) {
    return count == 0 ? Cell("-", Colour::dim) : Cell(fmt::to_string(count), colour);
}

std::string slots_text(const Style& style, const HistoryView& view) {
    Table facts({{}, {}});
    HistorySlot sum;
    for (const HistorySlot& slot : view.slots) {
        sum.passed += slot.passed;
        sum.failed += slot.failed;
        sum.errored += slot.errored;
    }
    facts.add({Cell("outcomes", Colour::dim), counts_text(sum.passed, sum.failed, sum.errored)});
    add_facts(facts, view);
    Table table({{.heading = fmt::format("{} FROM (UTC)", format_duration(view.resolution))},
                 {.heading = "PASSED", .align = Align::right},
                 {.heading = "FAILED", .align = Align::right},
                 {.heading = "ERRORED", .align = Align::right},
                 {.heading = "NOT OBSERVED", .align = Align::right},
                 {.heading = "P50", .align = Align::right},
                 {.heading = "P95", .align = Align::right},
                 {.heading = "P99", .align = Align::right}});
    for (const HistorySlot& slot : view.slots) {
        std::vector<Cell> row{
            time_text(slot.at).substr(0, 16), count_cell(slot.passed, Colour::none),
            count_cell(slot.failed, Colour::red), count_cell(slot.errored, Colour::yellow),
            slot.not_observed == Duration{0} ? Cell("-", Colour::dim)
                                             : Cell(age(slot.not_observed))};
        for (const auto percentile :
             {&api::LatencyView::p50, &api::LatencyView::p95, &api::LatencyView::p99}) {
            row.push_back(slot.latency ? Cell(latency_text(*slot.latency.*percentile))
                                       : Cell("-", Colour::dim));
        }
        table.add(std::move(row));
    }
    return facts.text(style, 2) + "\n" + table.text(style);
}

std::string slots_csv(const HistoryView& view) {
    std::string text =
        "at,passed,failed,errored,not_observed_seconds,mean_ms,p50_ms,p95_ms,p99_ms\n";
    for (const HistorySlot& slot : view.slots) {
        text += fmt::format("{},{},{},{},{:.3f}", format_time(slot.at), slot.passed, slot.failed,
                            slot.errored, to_seconds(slot.not_observed));
        for (const auto figure : {&api::LatencyView::mean, &api::LatencyView::p50,
                                  &api::LatencyView::p95, &api::LatencyView::p99}) {
            text +=
                slot.latency ? fmt::format(",{:.3f}", to_milliseconds(*slot.latency.*figure)) : ",";
        }
        text += "\n";
    }
    return text;
}

std::string latency_summary(const HistoryView& view) {
    std::vector<Duration> latencies;
    for (const HistoryPoint& point : view.points) {
        if (point.observed() && point.finding == checks::Finding::passed)
            latencies.push_back(point.latency);
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
    if (!view.slots.empty()) return text + "\n" + slots_text(style, view);
    if (view.points.empty()) return text + "\n  nothing was recorded\n";

    constexpr std::size_t sparkline_columns = 60;
    Table facts({{}, {}});
    facts.add(
        {Cell("outcomes", Colour::dim), counts_text(count_of(view, checks::Finding::passed),
                                                    count_of(view, checks::Finding::failed),
                                                    count_of(view, checks::Finding::errored))});
    add_facts(facts, view);
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
        const std::string from = time_text(stretch.first->at).substr(skipped);
        if (!last.observed()) {
            table.add({from, age(*last.not_observed_until - last.at), "-",
                       Cell("not observed", Colour::dim), "-", last.message});
            continue;
        }
        table.add({from, age(last.at - stretch.first->at), fmt::to_string(stretch.count),
                   Cell(finding_text(last.finding, last.failure_class), colour_of(last.finding)),
                   range_text(style, stretch), last.message});
    }
    return text + table.text(style);
}

std::string render_history_csv(const HistoryView& view) {
    if (!view.slots.empty()) return slots_csv(view);
    std::string text = "at,finding,class,latency_ms,message,until\n";
    for (const HistoryPoint& point : view.points) {
        if (!point.observed()) {
            text += fmt::format("{},not_observed,,,{},{}\n", format_time(point.at),
                                csv_field(point.message), format_time(*point.not_observed_until));
            continue;
        }
        const bool classed = point.failure_class != checks::FailureClass::none;
        text += fmt::format("{},{},{},{:.3f},{},\n", format_time(point.at),
                            checks::to_text(point.finding),
                            classed ? checks::to_text(point.failure_class) : "",
                            to_milliseconds(point.latency), csv_field(point.message));
    }
    return text;
}

}  // namespace picket::cli
