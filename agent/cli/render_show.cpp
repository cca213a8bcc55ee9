// One check with everything known about it.

#include <fmt/format.h>

#include <algorithm>

#include "agent/api/explain.h"
#include "agent/cli/render.h"
#include "agent/cli/render_evidence.h"
#include "agent/cli/render_parts.h"
#include "agent/cli/sparkline.h"

namespace picket::cli {
namespace {

using api::CheckView;

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

std::string panel_text(const CheckView& check) {
    std::string text =
        fmt::format("{} ok, {} fail, {} abstain", check.ok, check.fail, check.abstain);
    if (check.panel.empty()) return text + "; no panel";
    text += fmt::format("; panel {}", fmt::join(check.panel, ", "));
    if (check.panel.size() > 1) text += fmt::format("; {} must agree", check.quorum);
    return text;
}

std::string zones_text(const CheckView& check) {
    std::string text = fmt::format("zone{} {}", check.zones_failing.size() == 1 ? "" : "s",
                                   fmt::join(check.zones_failing, ", "));
    if (check.zones_passing.empty()) return text;
    return text + fmt::format("; passes in {}", fmt::join(check.zones_passing, ", "));
}

std::string not_asked_text(const CheckView& check) {
    if (!check.carried) return "this agent does not carry it";
    return check.panel.size() > 1 ? "this agent is not in its panel, or has not asked yet"
                                  : "not asked yet";
}

}  // namespace

std::string render_show(const Style& style, WallTime now, const api::ShowView& view) {
    const CheckView& check = view.check;
    std::string text = fmt::format(
        "{} ({}){}{}\n", paint(style, Colour::bold, printable(style, check.name)),
        printable(style, check.type), separator(style),
        paint(style, colour_of_state(check.state), printable(style, state_text(now, check))));
    if (!check.problem.empty()) text += "\n" + paragraph(style, check.problem, 2);
    if (const std::string unknown = api::unknown_text(check);
        !unknown.empty() && unknown != check.problem) {
        text += "\n" + paragraph(style, sentence("unknown: " + unknown), 2);
    }
    if (check.last.has_value() && !check.last->outcome.message.empty()) {
        text += "\n" + paragraph(style, check.last->outcome.message, 2);
    }
    text += "\n";
    Table facts({{}, {.heading = {}, .align = Align::left, .width_min = 20}});
    facts.add({Cell("last", Colour::dim),
               check.last.has_value() ? last_text(now, *check.last) : not_asked_text(check)});
    facts.add({Cell("last hour", Colour::dim),
               draw_sparkline(style, check.sparkline, api::sparkline_length)});
    facts.add({Cell("latency", Colour::dim), percentiles_text(view)});
    facts.add({Cell("votes", Colour::dim), panel_text(check)});
    if (check.panel.size() > 1 && !check.zones_failing.empty()) {
        facts.add({Cell("fails in", Colour::dim), zones_text(check)});
    }
    text += facts.text(style, 2);
    if (check.panel.size() > 1) {
        text += witnesses_text(style, now, "Panel", view.witnesses);
        text += zone_matrix_text(style, view.witnesses);
        text += discounts_text(style, "Abstain", check.abstaining);
    }
    text += drift_text(style, {&check});
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
