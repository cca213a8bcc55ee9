// Members of the mesh, and its keys.

#include <fmt/format.h>

#include "agent/cli/render.h"
#include "agent/cli/render_parts.h"

namespace picket::cli {

std::string render_members(const Style& style, WallTime now,
                           const std::vector<api::MemberView>& members) {
    Table table({{.heading = "NAME", .align = Align::left, .width_min = 16},
                 {.heading = "ADDRESS", .align = Align::left, .width_min = 0},
                 {.heading = "ZONE", .align = Align::left, .width_min = 8},
                 {.heading = "STATE", .align = Align::left, .width_min = 0},
                 {.heading = "SINCE", .align = Align::left, .width_min = 0},
                 {.heading = "INCARNATION", .align = Align::right, .width_min = 0},
                 {.heading = "VERSION", .align = Align::left, .width_min = 0},
                 {.heading = "FIT", .align = Align::left, .width_min = 0},
                 {.heading = "CHECKS", .align = Align::right, .width_min = 0}});
    const auto or_dash = [](const std::string& text) { return text.empty() ? "-" : text; };
    for (const api::MemberView& member : members) {
        table.add({member.name, or_dash(member.address), or_dash(member.zone),
                   Cell(member.state, colour_of_state(member.state)),
                   member.since ? age(now - *member.since) : "-",
                   fmt::to_string(member.incarnation),
                   member.picket ? or_dash(member.version) : "not picket",
                   member.fit ? Cell("yes") : Cell("no", Colour::yellow),
                   member.checks ? fmt::to_string(*member.checks) : "-"});
    }
    std::string text = table.text(style);
    std::string unfit;
    for (const api::MemberView& member : members) {
        if (member.fit || member.unfit_reason.empty()) continue;
        unfit += paragraph(style, member.name + ": " + member.unfit_reason, 2);
    }
    if (!unfit.empty()) text += heading(style, "Not fit to accuse") + unfit;
    return text;
}

std::string render_keys(const Style& style, const api::KeysView& view) {
    std::string text =
        fmt::format("{} of {} confirmed\n", counted(view.confirmed, "agent"), view.asked);
    if (!view.unconfirmed.empty()) {
        text += heading(style, "Not confirmed");
        for (const api::UnconfirmedView& silent : view.unconfirmed) {
            text += paragraph(style, silent.agent + ": " + silent.reason, 2);
        }
    }
    if (!view.foreign.empty()) {
        text += heading(style, "Not picket, and not asked");
        for (const std::string& name : view.foreign) text += paragraph(style, name, 2);
    }
    Table table({{.heading = "KEY", .align = Align::left, .width_min = 0},
                 {.heading = "INSTALLED ON", .align = Align::right, .width_min = 0},
                 {.heading = "PRIMARY ON", .align = Align::right, .width_min = 0}});
    for (const api::KeyView& key : view.keys) {
        table.add({key.id, fmt::to_string(key.installed_on), fmt::to_string(key.primary_on)});
    }
    return text + "\n" + table.text(style);
}

std::string render_forget(const Style& style, const api::ForgetView& view) {
    std::string text;
    for (const std::string& name : view.forgotten) {
        text += fmt::format("{} is forgotten\n", printable(style, name));
    }
    return text;
}

}  // namespace picket::cli
