// Availabilities, and replays.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "agent/cli/render.h"
#include "agent/cli/render_parts.h"

namespace picket::cli {
namespace {

using api::AvailabilityView;
using api::DecidedSpan;
using api::ReplayRow;
using api::ReplayView;

// Never rounded up: 99.9999 % is not 100 %.
std::string percent(double share) {
    if (share >= 1) return "100 %";
    return fmt::format("{:.3f} %", std::floor(share * 1e5) / 1e3);
}

Cell available(const AvailabilityView& view) {
    const auto availability = view.availability();
    if (!availability) return Cell("-", Colour::dim);
    const bool missed = view.budget && view.budget->remaining() < 0;
    return {percent(*availability), missed ? Colour::red : Colour::none};
}

Cell budget_left(const AvailabilityView& view) {
    if (!view.budget || !view.availability()) return Cell("-", Colour::dim);
    const double left = view.budget->remaining();
    return {fmt::format("{:.0f} %", std::floor(left * 100)), left < 0     ? Colour::red
                                                             : left < 0.1 ? Colour::yellow
                                                                          : Colour::none};
}

std::string burn_text(const api::BurnView& burn) {
    return burn.rate ? fmt::format("{:.1f}", *burn.rate) : "-";
}

Cell burn_of(const AvailabilityView& view, Duration window) {
    for (const api::BurnView& burn : view.burn) {
        if (burn.window == window) return burn_text(burn);
    }
    return Cell("-", Colour::dim);
}

Cell length(Duration duration) {
    if (duration == Duration{0}) return Cell("-", Colour::dim);
    // Something is more than nothing.
    return duration < std::chrono::seconds(1) ? Cell("<1s") : Cell(age(duration));
}

std::string one(const Style& style, const AvailabilityView& view) {
    Table facts({{}, {}});
    const auto fact = [&](const char* name, Cell value) {
        facts.add({Cell(name, Colour::dim), std::move(value)});
    };
    fact("available", available(view));
    fact("up", length(view.up));
    fact("down", length(view.down));
    if (view.partial > Duration{0}) {
        fact("partial", age(view.partial) + ", which counts half");
    }
    fact("not observed", length(view.not_observed));
    fact("outages", fmt::to_string(view.outages));
    fact("outcomes",
         fmt::format("{} passed, {} failed, {} errored", view.passed, view.failed, view.errored));
    if (view.latency) {
        fact("latency",
             fmt::format("p50 {}, p95 {}, p99 {}", latency_text(view.latency->p50),
                         latency_text(view.latency->p95), latency_text(view.latency->p99)));
    }
    if (view.budget) {
        fact("objective", fmt::format("{} %, which allows {} of downtime", view.budget->slo,
                                      age(view.budget->allowed)));
        fact("budget left", budget_left(view));
        std::string rates;
        for (const api::BurnView& burn : view.burn) {
            rates += fmt::format("{}{} over {}", rates.empty() ? "" : ", ", burn_text(burn),
                                 format_duration(burn.window));
        }
        fact("burn rate", rates);
    }
    return facts.text(style, 2);
}

std::string header(const Style& style, std::string_view name, WallTime from, WallTime to) {
    return fmt::format("{}{}{} to {} UTC\n", paint(style, Colour::bold, printable(style, name)),
                       separator(style), time_text(from), time_text(to));
}

std::string span_text(const std::optional<DecidedSpan>& span) {
    if (!span) return "-";
    const std::string from = time_text(span->from);
    return span->to ? fmt::format("{} for {}", from, age(*span->to - span->from)) : from + ", open";
}

std::string why(const ReplayRow& row) {
    const DecidedSpan& span = row.replayed ? *row.replayed : *row.decided;
    return span.message;
}

std::string counted_were(std::uint64_t count, std::string_view what) {
    return fmt::format("{} {}", counted(count, what), count == 1 ? "was" : "were");
}

// What outcomes could not be held against stays as it was found: `latency` and `timeout` too.
std::string untold(const ReplayView& view) {
    std::string keys;
    for (const api::UntoldLimit& limit : view.untold) {
        keys += fmt::format("{}`{}` ({})", keys.empty() ? "" : ", ", limit.key,
                            counted(limit.outcomes, "outcome"));
    }
    return fmt::format(
        "Not replayed, for what is stored does not decide it: {}. These outcomes "
        "stand as they were found.",
        keys);
}

std::string replay_of(const Style& style, const ReplayView& view) {
    std::string text = header(style, view.check, view.from, view.to) + "\n";
    if (!view.stored) return text + "  nothing is stored of it\n";
    Table sums({{.heading = "", .align = Align::left},
                {.heading = "OUTAGES", .align = Align::right},
                {.heading = "DOWN", .align = Align::right}});
    sums.add({Cell("decided", Colour::dim), fmt::to_string(view.decided_outages),
              length(view.decided_down)});
    sums.add({Cell("replayed", Colour::dim), fmt::to_string(view.replayed_outages),
              length(view.replayed_down)});
    text += sums.text(style, 2);
    std::string basis = fmt::format("{}, {} of them judged otherwise",
                                    counted(view.outcomes, "outcome"), view.judged_otherwise);
    if (view.attempts_assumed > 0) {
        basis += fmt::format("; {} assumed where nobody asked again",
                             counted(view.attempts_assumed, "attempt"));
    }
    if (view.not_observed > Duration{0}) basis += "; not observed for " + age(view.not_observed);
    text += "\n" + paragraph(style, basis, 2);
    if (!view.untold.empty()) text += paragraph(style, untold(view), 2);
    if (view.asked_otherwise > 0) {
        text += paragraph(style,
                          fmt::format("Not replayed is `interval`: {} asked at another one, and "
                                      "stand as they came.",
                                      counted_were(view.asked_otherwise, "outcome")),
                          2);
    }
    if (view.meshed) {
        text += paragraph(style,
                          "A mesh decided. The replay is of what this agent saw, as if it had "
                          "been the only witness.",
                          2);
    }
    if (view.rows.empty()) return text;
    Table table({{.heading = "DECIDED (UTC)", .align = Align::left},
                 {.heading = "REPLAYED (UTC)", .align = Align::left},
                 {.heading = "MESSAGE", .align = Align::left, .width_min = 8}});
    for (const ReplayRow& row : view.rows) {
        const Colour colour = row.decided && row.replayed ? Colour::none : Colour::yellow;
        table.add({Cell(span_text(row.decided), colour), Cell(span_text(row.replayed), colour),
                   why(row)});
    }
    return text + "\n" + table.text(style, 2);
}

}  // namespace

std::string render_availability(const Style& style, const api::AvailabilitiesView& view) {
    if (view.checks.empty()) return "no check is known\n";
    const AvailabilityView& first = view.checks.front();
    if (view.checks.size() == 1) {
        return header(style, first.check, first.from, first.to) + "\n" + one(style, first);
    }
    const bool partial =
        std::any_of(view.checks.begin(), view.checks.end(),
                    [](const AvailabilityView& each) { return each.partial > Duration{0}; });
    const bool promised =
        std::any_of(view.checks.begin(), view.checks.end(),
                    [](const AvailabilityView& each) { return each.budget.has_value(); });
    std::vector<Column> columns{{.heading = "CHECK", .align = Align::left, .width_min = 8},
                                {.heading = "AVAILABLE", .align = Align::right},
                                {.heading = "DOWN", .align = Align::right}};
    if (partial) columns.push_back({.heading = "PARTIAL", .align = Align::right});
    columns.push_back({.heading = "NOT OBSERVED", .align = Align::right});
    columns.push_back({.heading = "OUTAGES", .align = Align::right});
    columns.push_back({.heading = "P95", .align = Align::right});
    if (promised) {
        columns.push_back({.heading = "LEFT", .align = Align::right});
        columns.push_back({.heading = "BURN 1H", .align = Align::right});
    }
    Table table(std::move(columns));
    for (const AvailabilityView& each : view.checks) {
        std::vector<Cell> row{each.check, available(each), length(each.down)};
        if (partial) row.push_back(length(each.partial));
        row.push_back(length(each.not_observed));
        row.emplace_back(fmt::to_string(each.outages));
        row.push_back(each.latency ? Cell(latency_text(each.latency->p95))
                                   : Cell("-", Colour::dim));
        if (promised) {
            row.push_back(budget_left(each));
            row.push_back(burn_of(each, std::chrono::hours(1)));
        }
        table.add(std::move(row));
    }
    return fmt::format("{} to {} UTC\n\n", time_text(first.from), time_text(first.to)) +
           table.text(style);
}

std::string render_replay(const Style& style, const std::vector<ReplayView>& checks) {
    std::string text;
    for (const ReplayView& check : checks) {
        if (!text.empty()) text += "\n";
        text += replay_of(style, check);
    }
    return text;
}

}  // namespace picket::cli
