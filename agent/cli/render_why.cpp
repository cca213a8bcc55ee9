// Why, one outage in full, and the draft of its post-mortem.

#include <fmt/format.h>

#include <algorithm>

#include "agent/api/explain.h"
#include "agent/cli/render.h"
#include "agent/cli/render_evidence.h"
#include "agent/cli/render_parts.h"

namespace picket::cli {
namespace {

using api::EvidenceView;
using api::OutageView;

std::string length_of(WallTime now, const OutageView& outage) {
    return age(outage.closed_at.value_or(now) - outage.opened_at);
}

// Empty where there is nothing to be warned of.
std::string_view backing_text(std::optional<api::Backing> backing) {
    switch (backing.value_or(api::Backing::quorum)) {
        case api::Backing::quorum:
            return "";
        case api::Backing::panel_of_one:
            return "1/1, uncorroborated";
        case api::Backing::one_of_two:
            break;
    }
    return "uncorroborated, 1 of 2";
}

std::string outage_state(WallTime now, const OutageView& outage) {
    std::string text = outage.state == "closed" ? "closed after " : "down for ";
    text += length_of(now, outage);
    if (!outage.scope.empty()) text += ", " + outage.scope;
    const std::string_view backing = backing_text(outage.backing);
    if (!backing.empty()) text += fmt::format(", {}", backing);
    return text;
}

std::string title(const Style& style, std::string_view name, std::string_view state,
                  std::string_view words) {
    return fmt::format("{}{}{}\n", paint(style, Colour::bold, printable(style, name)),
                       separator(style),
                       paint(style, colour_of_state(state), printable(style, words)));
}

// Names and what they stand for.
class Facts {
public:
    void add(std::string name, std::string value) {
        table_.add({Cell(std::move(name), Colour::dim), std::move(value)});
    }
    std::string text(const Style& style) const {
        return table_.empty() ? std::string() : "\n" + table_.text(style, 2);
    }

private:
    Table table_{{{}, {.heading = {}, .align = Align::left, .width_min = 20}}};
};

std::string later_text(Duration after) {
    return fmt::format("{:.3f} s later", to_seconds(std::max(after, Duration{0})));
}

void add_outage(Facts& facts, const OutageView& outage) {
    facts.add("first failure", moment_text(outage.first_failure_at));
    facts.add("confirmed", fmt::format("{}, {}", moment_text(outage.opened_at),
                                       later_text(outage.opened_at - outage.first_failure_at)));
    facts.add("closed", outage.closed_at.has_value() ? moment_text(*outage.closed_at)
                                                     : std::string("still open"));
    if (!outage.zones_failing.empty()) {
        facts.add("fails in", fmt::format("zone{} {}", outage.zones_failing.size() == 1 ? "" : "s",
                                          fmt::join(outage.zones_failing, ", ")));
    }
}

void add_decision(Facts& facts, const EvidenceView& evidence) {
    if (!evidence.decided_by.empty()) facts.add("written by", evidence.decided_by);
    const api::RollCallView& call = evidence.roll_call;
    facts.add("roll call", call.asked <= 1
                               ? std::string("none: there was no other agent")
                               : fmt::format("{} of {} known agents answered, {} needed",
                                             call.answered, call.asked, call.needed));
}

std::string evidence_text(const Style& style, const EvidenceView& evidence) {
    return findings_text(style, evidence.votes) + votes_text(style, evidence) +
           discounts_text(style, "Did not count", evidence.discounted) +
           course_text(style, evidence);
}

std::string why_title(const Style& style, WallTime now, const api::WhyView& view) {
    const std::string& check = view.check.name;
    if (view.epoch % 2 == 1) {
        const std::string id = fmt::format("{}#{}", check, view.epoch);
        if (view.outage.has_value()) {
            const std::string words = outage_state(now, *view.outage);
            const bool unknown = view.held && view.check.state == "unknown";
            return unknown ? title(style, id, "unknown", "unknown, last " + words)
                           : title(style, id, view.outage->state, words);
        }
        return title(style, id, "down", "an outage");
    }
    if (!view.held) {
        return title(style, check, "up",
                     fmt::format("no outage, epoch {}.{}", view.epoch, view.sub));
    }
    std::string words = view.check.state;
    if (!view.check.last_verdict.empty()) words += ", last " + view.check.last_verdict;
    if (view.check.since.has_value()) words += " for " + age(now - *view.check.since);
    return title(style, check, view.check.state, words);
}

// How the epoch began and what changed within it; nothing where that is the verdict itself.
std::string versions_text(const Style& style, const api::WhyView& view) {
    const bool itself = view.versions.size() == 1 && view.versions.front().sub == view.sub;
    if (view.versions.empty() || itself) return {};
    std::string text = heading(style, fmt::format("Verdicts of epoch {}", view.epoch));
    for (const api::VersionView& version : view.versions) {
        text += paragraph(style,
                          fmt::format("#{}.{}, {}: {}", view.epoch, version.sub,
                                      moment_text(version.decided_at), version.reason),
                          2);
    }
    return text;
}

// ---- Markdown

// A cell of a table: what would end it is escaped, and so is what Markdown or HTML means.
std::string markdown(std::string_view text) {
    const Style plain{.colour = false, .unicode = true, .width = 100};
    std::string safe;
    for (const char c : printable(plain, text)) {
        if (std::string_view("\\|<>*_`#[]&").find(c) != std::string_view::npos) safe += '\\';
        safe += c;
    }
    return safe;
}

std::string markdown_evidence(const EvidenceView& evidence) {
    std::string text = fmt::format("{}\n", markdown(sentence(api::reason_text(evidence))));
    text += "\n| witness | zone | vote | class | message |\n|---|---|---|---|---|\n";
    for (const api::VoteView& vote : evidence.votes) {
        text += fmt::format("| {} | {} | {} | {} | {} |\n", markdown(vote.agent),
                            markdown(vote.zone), markdown(vote.vote),
                            vote.failure_class == checks::FailureClass::none
                                ? std::string_view()
                                : checks::to_text(vote.failure_class),
                            markdown(vote.message));
    }
    if (!evidence.discounted.empty()) text += "\nDid not count:\n\n";
    for (const api::DiscountView& discount : evidence.discounted) {
        text += fmt::format("* {}: {}\n", markdown(discount.agent), markdown(discount.reason));
    }
    return text;
}

std::string markdown_timeline(const api::OutageDetailView& view) {
    std::string text = "\n## Timeline\n\n| time (UTC) | who | what |\n|---|---|---|\n";
    // Within one day the date is told above already.
    const std::string began = moment_text(view.outage.first_failure_at);
    const std::string ended = moment_text(view.outage.closed_at.value_or(view.outage.opened_at));
    const std::size_t skipped = ended.starts_with(began.substr(0, 10)) ? 11 : 0;
    for (const auto* evidence : {&view.opening, &view.closing}) {
        if (!evidence->has_value()) continue;
        for (const api::TimelineEntry& entry : (*evidence)->timeline) {
            text += fmt::format("| {} | {} | {} |\n",
                                moment_text(entry.at).substr(skipped, 23 - skipped),
                                markdown(entry.agent), markdown(entry.event));
        }
    }
    return text;
}

}  // namespace

std::string render_why(const Style& style, WallTime now, const api::WhyView& view) {
    std::string text = why_title(style, now, view);
    if (!view.notice.empty()) {
        text += "\n" + paragraph(style, "mesh: " + view.notice, 2);
    }
    text += "\n" + paragraph(style, sentence(api::reason_text(view)), 2);
    text += paragraph(style, sentence(api::outlook_text(view)), 2);
    Facts facts;
    if (view.outage.has_value()) {
        // Of an even epoch it is the outage that this verdict ended.
        if (view.epoch % 2 == 0) facts.add("last outage", view.outage->id);
        add_outage(facts, *view.outage);
    }
    if (view.evidence.has_value()) add_decision(facts, *view.evidence);
    text += facts.text(style);
    if (view.evidence.has_value()) text += evidence_text(style, *view.evidence);
    text += versions_text(style, view);
    if (!view.held) return text;
    text += witnesses_text(style, now, "Witnesses now", view.witnesses);
    text += zone_matrix_text(style, view.witnesses);
    return text + discounts_text(style, "Abstain now", view.check.abstaining);
}

std::string render_outage(const Style& style, WallTime now, const api::OutageDetailView& view) {
    const OutageView& outage = view.outage;
    std::string text = title(style, outage.id, outage.state, outage_state(now, outage));
    Facts facts;
    add_outage(facts, outage);
    if (!view.opening.has_value()) {
        if (!outage.message.empty()) text += "\n" + paragraph(style, outage.message, 2);
        return text + facts.text(style) +
               "\n  Its evidence is not known here; it is kept for 30 days.\n";
    }
    text += "\n" + paragraph(style, sentence(api::reason_text(*view.opening)), 2);
    add_decision(facts, *view.opening);
    text += facts.text(style) + evidence_text(style, *view.opening);
    if (!view.closing.has_value()) return text;
    text += heading(style, "Closed because");
    text += paragraph(style, sentence(api::reason_text(*view.closing)), 2);
    return text + evidence_text(style, *view.closing);
}

std::string render_outage_markdown(WallTime now, const api::OutageDetailView& view) {
    const OutageView& outage = view.outage;
    std::string text =
        fmt::format("# {}: {} down\n\n", markdown(outage.id), markdown(outage.check));
    text +=
        "Draft by picket from what its witnesses recorded; times are UTC.\n\n| | |\n|---|---|\n";
    const auto row = [&](std::string_view name, std::string_view value) {
        if (!value.empty()) text += fmt::format("| {} | {} |\n", name, value);
    };
    row("first failed attempt", moment_text(outage.first_failure_at));
    row("confirmed", fmt::format("{}, {}", moment_text(outage.opened_at),
                                 later_text(outage.opened_at - outage.first_failure_at)));
    row("closed",
        outage.closed_at.has_value() ? moment_text(*outage.closed_at) : std::string("still open"));
    row("length", length_of(now, outage));
    row("scope", markdown(outage.scope));
    row("zones failing", markdown(fmt::format("{}", fmt::join(outage.zones_failing, ", "))));
    row("class", outage.failure_class == checks::FailureClass::none
                     ? std::string_view()
                     : checks::to_text(outage.failure_class));
    row("message", markdown(outage.message));
    row("backing", backing_text(outage.backing));
    text += "\n## Impact\n\n_Who noticed what, and for how long?_\n";
    text += "\n## Why it was confirmed\n\n";
    text += view.opening.has_value()
                ? markdown_evidence(*view.opening)
                : std::string("Its evidence is not known here; it is kept for 30 days.\n");
    if (view.closing.has_value()) {
        text += "\n## Why it was closed\n\n" + markdown_evidence(*view.closing);
    }
    text += markdown_timeline(view);
    return text + "\n## Cause\n\n_What broke, and why?_\n\n## What we change\n\n* _..._\n";
}

}  // namespace picket::cli
