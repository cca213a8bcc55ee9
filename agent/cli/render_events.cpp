// Events and reloads.

#include <fmt/format.h>

#include "agent/cli/render.h"
#include "agent/cli/render_parts.h"

namespace picket::cli {

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
