// The status: what is wrong first.

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

// What stands in the way of an agreement.
std::string mesh_warnings(const Style& style, const api::MeshView& mesh) {
    const auto warn = [&](Colour colour, const std::string& text) {
        std::string lines;
        for (const std::string& line : wrap(style, text, style.width)) {
            lines += paint(style, colour, line) + "\n";
        }
        return "\n" + lines;
    };
    std::string text;
    if (!mesh.notice.empty()) text += warn(Colour::red, "mesh: " + mesh.notice);
    if (mesh.reference > 1 && mesh.alive > 1 && mesh.zones == 1) {
        text += warn(Colour::yellow,
                     fmt::format("mesh: all {} agents are in one zone: where their network fails, "
                                 "every target seems down. `zone` in picket.toml tells them apart.",
                                 mesh.alive));
    }
    return text;
}

std::string open_outages(const Style& style, WallTime now, const StatusView& view) {
    if (view.outages.empty()) return {};
    Table table({{.heading = {}, .align = Align::left, .width_min = 16},
                 {},
                 {},
                 {.heading = {}, .align = Align::left, .width_min = 16}});
    for (const api::OutageView& outage : view.outages) {
        const bool corroborated = outage.backing != api::Backing::one_of_two;
        table.add({Cell(outage.id, Colour::red), age(now - outage.opened_at),
                   corroborated ? outage.scope : "uncorroborated, 1 of 2", outage.message});
    }
    return heading(style, "Open outages") + table.text(style, 2);
}

std::string problems(const Style& style, const StatusView& view) {
    if (view.agent.problems.empty()) return {};
    std::string text = heading(style, "Problems");
    for (const std::string& problem : view.agent.problems) text += paragraph(style, problem, 2);
    return text;
}

const api::OutageView* outage_of(const StatusView& view, const CheckView& check) {
    const auto found = std::find_if(view.outages.begin(), view.outages.end(),
                                    [&](const auto& outage) { return outage.check == check.name; });
    return found == view.outages.end() ? nullptr : &*found;
}

// What this agent was told last, unless another witness has more to say of the state.
std::string message_of(const StatusView& view, const CheckView& check) {
    if (!check.problem.empty()) return check.problem;
    if (check.state == "unknown" && !check.unknown_reason.empty()) {
        return check.last_verdict.empty()
                   ? check.unknown_reason
                   : fmt::format("{}; last {}", check.unknown_reason, check.last_verdict);
    }
    const bool passed =
        check.last.has_value() && check.last->outcome.finding == checks::Finding::passed;
    if (check.state == "degraded") {
        const std::string zones = fmt::format("fails in {}", fmt::join(check.zones_failing, ", "));
        return passed || !check.last ? zones : zones + ": " + check.last->outcome.message;
    }
    if (check.state == "down" && (passed || !check.last)) {
        const api::OutageView* outage = outage_of(view, check);
        if (outage != nullptr) return outage->message;
    }
    if (check.state != "down" && !check.abstaining.empty()) {
        const api::DiscountView& first = check.abstaining.front();
        return fmt::format("{} abstains: {}", first.agent, first.reason);
    }
    return check.last.has_value() ? check.last->outcome.message : "";
}

// "5/5 ok", "3/5 fail"
Cell votes_cell(const CheckView& check) {
    if (check.panel.empty()) return Cell("-", Colour::dim);
    const bool down = check.state == "down";
    return Cell(fmt::format("{}/{} {}", down ? check.fail : check.ok, check.panel.size(),
                            down ? "fail" : "ok"));
}

// In a mesh the votes are worth more than the type, where there is not room for both.
struct Layout {
    bool type = true;
    bool votes = false;
};

constexpr std::size_t both_width_min = 100;

Layout layout_for(const Style& style, const StatusView& view) {
    Layout layout;
    layout.votes = std::any_of(view.checks.begin(), view.checks.end(),
                               [](const CheckView& check) { return check.panel.size() > 1; });
    layout.type = !layout.votes || style.width >= both_width_min;
    return layout;
}

Table check_table(const Layout& layout) {
    std::vector<Column> columns{{.heading = "NAME", .align = Align::left, .width_min = 16}};
    if (layout.type) columns.push_back({.heading = "TYPE"});
    columns.insert(columns.end(), {{.heading = "STATE"}, {.heading = "SINCE"}});
    if (layout.votes) columns.push_back({.heading = "VOTES"});
    columns.insert(columns.end(), {{.heading = "LATENCY", .align = Align::right},
                                   {.heading = "LAST HOUR"},
                                   {.heading = "MESSAGE", .align = Align::left, .width_min = 12}});
    return Table(std::move(columns));
}

std::vector<Cell> check_row(const Style& style, WallTime now, const StatusView& view,
                            const Layout& layout, const CheckView& check) {
    std::vector<Cell> row;
    row.reserve(8);
    row.emplace_back(check.name);
    if (layout.type) row.emplace_back(check.type);
    row.emplace_back(check.state, colour_of_state(check.state));
    row.emplace_back(check.since.has_value() ? age(now - *check.since) : "-");
    if (layout.votes) row.push_back(votes_cell(check));
    row.emplace_back(check.last.has_value() ? latency_text(check.last->outcome.latency) : "-");
    row.push_back(draw_sparkline(style, check.sparkline, last_hour_columns));
    row.emplace_back(message_of(view, check));
    return row;
}

}  // namespace

std::string render_status(const Style& style, WallTime now, const StatusView& view) {
    std::string text = summary(style, view);
    text += mesh_warnings(style, view.mesh);
    text += open_outages(style, now, view);
    text += problems(style, view);
    if (view.checks.empty()) return text;

    std::vector<const CheckView*> checks;
    for (const CheckView& check : view.checks) checks.push_back(&check);
    text += drift_text(style, checks);
    std::stable_sort(checks.begin(), checks.end(), [](const CheckView* a, const CheckView* b) {
        return urgency_of(*a) < urgency_of(*b);
    });
    const Layout layout = layout_for(style, view);
    Table table = check_table(layout);
    for (const CheckView* check : checks) table.add(check_row(style, now, view, layout, *check));
    return text + "\n" + table.text(style);
}

}  // namespace picket::cli
