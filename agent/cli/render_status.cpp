// Status and show.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "agent/cli/render.h"
#include "agent/cli/render_parts.h"
#include "agent/cli/sparkline.h"

namespace picket::cli {
namespace {

using api::CheckView;
using api::StatusView;

// In the order of the summary; the table has what is wrong first.
constexpr std::array<std::string_view, 5> states{"up", "degraded", "down", "unknown", "pending"};
constexpr std::array<std::string_view, 5> urgency{"down", "degraded", "unknown", "pending", "up"};

constexpr std::size_t last_hour_columns = 10;

std::size_t urgency_of(const CheckView& check) {
    const auto* const found = std::find(urgency.begin(), urgency.end(), check.state);
    // A state of a newer agent is looked at before what is up.
    return found == urgency.end() ? 3 : static_cast<std::size_t>(found - urgency.begin());
}

std::string counts_text(const std::vector<CheckView>& checks) {
    std::string text = counted(checks.size(), "check");
    std::string_view before = ": ";
    for (const std::string_view state : states) {
        const auto count = std::count_if(checks.begin(), checks.end(), [&](const CheckView& check) {
            return check.state == state;
        });
        if (count == 0) continue;
        text += fmt::format("{}{} {}", std::exchange(before, ", "), count, state);
    }
    return text;
}

std::string summary(const Style& style, const StatusView& view) {
    const std::string_view dot = separator(style);
    std::string line = view.agent.name;
    if (!view.agent.zone.empty()) line += fmt::format(" ({})", view.agent.zone);
    line += fmt::format("{}{}{}", dot, counts_text(view.checks), dot);
    line += view.agent.fit ? "fit" : "unfit: " + view.agent.unfit_reason;
    line += fmt::format("{}up {}", dot, age(view.agent.uptime));
    const api::MeshView& mesh = view.mesh;
    if (mesh.reference > 1) {
        line += fmt::format("{}mesh {} alive", dot, mesh.alive);
        if (mesh.suspect > 0) line += fmt::format(", {} suspect", mesh.suspect);
        if (mesh.failed > 0) line += fmt::format(", {} failed", mesh.failed);
        if (mesh.left > 0) line += fmt::format(", {} left", mesh.left);
    }
    if (!mesh.quorum) line += fmt::format("{}no quorum", dot);
    return paragraph(style, line, 0);
}

std::string open_outages(const Style& style, WallTime now, const StatusView& view) {
    if (view.outages.empty()) return {};
    Table table({{.heading = {}, .align = Align::left, .width_min = 16},
                 {},
                 {},
                 {.heading = {}, .align = Align::left, .width_min = 16}});
    for (const api::OutageView& outage : view.outages) {
        table.add({Cell(outage.id, Colour::red), age(now - outage.opened_at), outage.scope,
                   outage.message});
    }
    return heading(style, "Open outages") + table.text(style, 2);
}

std::string problems(const Style& style, const StatusView& view) {
    if (view.agent.problems.empty()) return {};
    std::string text = heading(style, "Problems");
    for (const std::string& problem : view.agent.problems) text += paragraph(style, problem, 2);
    return text;
}

std::vector<Cell> check_row(const Style& style, WallTime now, const CheckView& check) {
    const std::string message = !check.problem.empty()
                                    ? check.problem
                                    : (check.last.has_value() ? check.last->outcome.message : "");
    const bool asked = check.last.has_value();
    return {check.name,
            check.type,
            Cell(check.state, colour_of_state(check.state)),
            check.since.has_value() ? age(now - *check.since) : "-",
            asked ? latency_text(check.last->outcome.latency) : "-",
            draw_sparkline(style, check.sparkline, last_hour_columns),
            message};
}

std::string last_text(WallTime now, const api::LastView& last) {
    const checks::Outcome& outcome = last.outcome;
    std::string text =
        fmt::format("{} {} ago in {}", finding_text(outcome.finding, outcome.failure_class),
                    age(now - last.at), latency_text(outcome.latency));
    if (!outcome.address.empty()) text += ", asked " + outcome.address;
    return text;
}

std::string percentiles_text(const api::ShowView& view) {
    if (!view.latency_p50_ms.has_value()) return "none measured in the last hour";
    const auto latency = [](std::optional<double> value) {
        return latency_text(Duration(static_cast<std::int64_t>(value.value_or(0) * 1e3)));
    };
    return fmt::format("p50 {}, p95 {}, p99 {} in the last hour", latency(view.latency_p50_ms),
                       latency(view.latency_p95_ms), latency(view.latency_p99_ms));
}

std::string state_text(WallTime now, const CheckView& check) {
    std::string text = check.state;
    if (check.since.has_value()) text += fmt::format(" for {}", age(now - *check.since));
    if (!check.outage_scope.empty()) text += fmt::format(", {}", check.outage_scope);
    return text;
}

}  // namespace

std::string render_status(const Style& style, WallTime now, const StatusView& view) {
    std::string text = summary(style, view);
    text += open_outages(style, now, view);
    text += problems(style, view);
    if (view.checks.empty()) return text;

    std::vector<const CheckView*> checks;
    for (const CheckView& check : view.checks) checks.push_back(&check);
    std::stable_sort(checks.begin(), checks.end(), [](const CheckView* a, const CheckView* b) {
        return urgency_of(*a) < urgency_of(*b);
    });
    Table table({{.heading = "NAME", .align = Align::left, .width_min = 16},
                 {.heading = "TYPE", .align = Align::left, .width_min = 0},
                 {.heading = "STATE", .align = Align::left, .width_min = 0},
                 {.heading = "SINCE", .align = Align::left, .width_min = 0},
                 {.heading = "LATENCY", .align = Align::right, .width_min = 0},
                 {.heading = "LAST HOUR", .align = Align::left, .width_min = 0},
                 {.heading = "MESSAGE", .align = Align::left, .width_min = 12}});
    for (const CheckView* check : checks) table.add(check_row(style, now, *check));
    return text + "\n" + table.text(style);
}

std::string render_show(const Style& style, WallTime now, const api::ShowView& view) {
    const CheckView& check = view.check;
    std::string text = fmt::format(
        "{} ({}){}{}\n", paint(style, Colour::bold, printable(style, check.name)),
        printable(style, check.type), separator(style),
        paint(style, colour_of_state(check.state), printable(style, state_text(now, check))));
    if (!check.problem.empty()) text += "\n" + paragraph(style, check.problem, 2);
    if (check.last.has_value() && !check.last->outcome.message.empty()) {
        text += "\n" + paragraph(style, check.last->outcome.message, 2);
    }
    text += "\n";
    Table facts({{}, {.heading = {}, .align = Align::left, .width_min = 20}});
    facts.add({Cell("last", Colour::dim),
               check.last.has_value() ? last_text(now, *check.last) : "not asked yet"});
    facts.add({Cell("last hour", Colour::dim),
               draw_sparkline(style, check.sparkline, api::sparkline_length)});
    facts.add({Cell("latency", Colour::dim), percentiles_text(view)});
    facts.add({Cell("votes", Colour::dim),
               fmt::format("{} ok, {} fail, {} abstain; panel {}", check.ok, check.fail,
                           check.abstain, fmt::join(check.panel, ", "))});
    text += facts.text(style, 2);
    if (!view.definition.empty()) {
        Table definition({{}, {.heading = {}, .align = Align::left, .width_min = 20}});
        for (const auto& [key, value] : view.definition) {
            definition.add({Cell(key, Colour::dim), value});
        }
        text += heading(style, "Definition") + definition.text(style, 2);
    }
    if (check.last.has_value()) {
        text += expectations_text(style, check.last->outcome);
        text += metrics_text(style, check.last->outcome);
        text += detail_text(style, check.last->outcome.detail);
    }
    return text + timeline_text(style, view.timeline);
}

}  // namespace picket::cli
