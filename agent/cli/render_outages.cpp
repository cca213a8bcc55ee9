// Outages and members.

#include <fmt/format.h>

#include "agent/cli/render.h"
#include "agent/cli/render_parts.h"

namespace picket::cli {
namespace {

std::string length_of(WallTime now, const api::OutageView& outage) {
    return age(outage.closed_at.value_or(now) - outage.opened_at);
}

}  // namespace

std::string render_outages(const Style& style, WallTime now, const api::OutagesView& view) {
    if (view.outages.empty()) return "no outages\n";
    Table table({{.heading = "ID", .align = Align::left, .width_min = 16},
                 {.heading = "STATE", .align = Align::left, .width_min = 0},
                 {.heading = "OPENED (UTC)", .align = Align::left, .width_min = 0},
                 {.heading = "LENGTH", .align = Align::left, .width_min = 0},
                 {.heading = "SCOPE", .align = Align::left, .width_min = 0},
                 {.heading = "MESSAGE", .align = Align::left, .width_min = 12}});
    for (const api::OutageView& outage : view.outages) {
        table.add({outage.id, Cell(outage.state, colour_of_state(outage.state)),
                   time_text(outage.opened_at), length_of(now, outage), outage.scope,
                   outage.message});
    }
    std::string text = table.text(style);
    if (view.truncated) {
        text +=
            fmt::format("\nOnly the newest {} are shown; --since narrows.\n", view.outages.size());
    }
    return text;
}

}  // namespace picket::cli
