// Outages and members.

#include <fmt/format.h>

#include "agent/cli/render.h"
#include "agent/cli/render_parts.h"

namespace picket::cli {
namespace {

std::string length_of(WallTime now, const api::OutageView& outage) {
    return age(outage.closed_at.value_or(now) - outage.opened_at);
}

std::string votes_text(const Style& style, const std::vector<api::VoteView>& votes) {
    if (votes.empty()) return {};
    Table table({{}, {}, {}, {}, {.heading = {}, .align = Align::left, .width_min = 16}});
    for (const api::VoteView& vote : votes) {
        const Colour colour = vote.vote == "ok"     ? Colour::green
                              : vote.vote == "fail" ? Colour::red
                                                    : Colour::yellow;
        table.add(
            {time_text(vote.at), vote.agent, vote.zone, Cell(vote.vote, colour), vote.message});
    }
    return heading(style, "Votes") + table.text(style, 2);
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

std::string render_outage(const Style& style, WallTime now, const api::OutageDetailView& view) {
    const api::OutageView& outage = view.outage;
    const std::string state = fmt::format("{} for {}{}{}", outage.state, length_of(now, outage),
                                          outage.scope.empty() ? "" : ", ", outage.scope);
    std::string text = fmt::format(
        "{}{}{}\n", paint(style, Colour::bold, printable(style, outage.id)), separator(style),
        paint(style, colour_of_state(outage.state), printable(style, state)));
    if (!outage.message.empty()) text += "\n" + paragraph(style, outage.message, 2);
    text += "\n";
    Table facts({{}, {}});
    const auto fact = [&](std::string name, std::string value) {
        facts.add({Cell(std::move(name), Colour::dim), std::move(value)});
    };
    fact("first failure", time_text(outage.first_failure_at));
    fact("opened", fmt::format("{}, {:.3f} s after the first failure", time_text(outage.opened_at),
                               to_seconds(outage.opened_at - outage.first_failure_at)));
    fact("closed", outage.closed_at.has_value() ? time_text(*outage.closed_at) : "still open");
    fact("roll call", fmt::format("asked {}, answered {}, needed {}", view.roll_call.asked,
                                  view.roll_call.answered, view.roll_call.needed));
    text += facts.text(style, 2);
    return text + votes_text(style, view.votes) + timeline_text(style, view.timeline);
}

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
    return table.text(style);
}

}  // namespace picket::cli
