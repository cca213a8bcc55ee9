#include "agent/cli/render_parts.h"

#include <fmt/format.h>

#include <algorithm>

namespace picket::cli {

Colour colour_of_state(std::string_view state) {
    if (state == "up" || state == "closed" || state == "alive") return Colour::green;
    if (state == "down" || state == "open" || state == "failed") return Colour::red;
    return state == "pending" || state == "left" ? Colour::dim : Colour::yellow;
}

Colour colour_of(checks::Finding finding) {
    switch (finding) {
        case checks::Finding::passed:
            return Colour::green;
        case checks::Finding::failed:
            return Colour::red;
        case checks::Finding::errored:
            break;
    }
    return Colour::yellow;
}

std::string finding_text(checks::Finding finding, checks::FailureClass failure_class) {
    // An error of ours has the class local, which says nothing more.
    const bool plain =
        failure_class == checks::FailureClass::none || failure_class == checks::FailureClass::local;
    if (plain) return std::string(checks::to_text(finding));
    return fmt::format("{} ({})", checks::to_text(finding), checks::to_text(failure_class));
}

Cell mark(const Style& style, bool good) {
    if (good) return Cell(style.unicode ? "✓" : "+", Colour::green);
    return Cell(style.unicode ? "✗" : "x", Colour::red);
}

std::string counted(std::uint64_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string_view separator(const Style& style) {
    return style.unicode ? " · " : " - ";
}

std::string paragraph(const Style& style, std::string_view text, std::size_t indent) {
    std::string lines;
    const std::string margin(indent, ' ');
    for (const std::string& line : wrap(style, text, style.width - std::min(indent, style.width))) {
        lines += margin + line + "\n";
    }
    return lines;
}

std::string heading(const Style& style, std::string_view text) {
    return "\n" + paint(style, Colour::bold, text) + "\n";
}

std::string drift_text(const Style& style, const std::vector<const api::CheckView*>& checks) {
    std::string text;
    for (const api::CheckView* check : checks) {
        if (check->drift.empty()) continue;
        std::string line = check->name + ": ";
        for (const api::DriftView& drift : check->drift) {
            const bool other_terms = !drift.terms.empty();
            line += fmt::format("{}{}{}{} ({}) on {}", &drift == &check->drift.front() ? "" : "; ",
                                drift.fingerprint.substr(0, 8), other_terms ? " with " : "",
                                fmt::join(drift.terms, ", "),
                                drift.active  ? "in force"
                                : other_terms ? "counted on the terms in force"
                                              : "not counted",
                                fmt::join(drift.carriers, ", "));
        }
        text += paragraph(style, line, 2);
    }
    return text.empty() ? text : heading(style, "Definitions that differ") + text;
}

std::string timeline_text(const Style& style, const std::vector<api::TimelineEntry>& timeline) {
    if (timeline.empty()) return {};
    Table table({{}, {}, {.heading = {}, .align = Align::left, .width_min = 16}});
    for (const api::TimelineEntry& entry : timeline) {
        table.add({time_text(entry.at), entry.agent, entry.event});
    }
    return heading(style, "Timeline") + table.text(style, 2);
}

std::string expectations_text(const Style& style, const checks::Outcome& outcome) {
    if (outcome.expectations.empty()) return {};
    Table table({{},
                 {.heading = {}, .align = Align::left, .width_min = 24},
                 {.heading = {}, .align = Align::left, .width_min = 16}});
    for (const checks::Expectation& expectation : outcome.expectations) {
        table.add({mark(style, expectation.met), expectation.what, expectation.found});
    }
    return heading(style, "Expected") + table.text(style, 2);
}

std::string metrics_text(const Style& style, const checks::Outcome& outcome) {
    if (outcome.metrics.empty()) return {};
    Table table({{.heading = {}, .align = Align::left, .width_min = 24},
                 {.heading = {}, .align = Align::right, .width_min = 0}});
    for (const checks::Metric& metric : outcome.metrics) {
        table.add({metric.label, fmt::format("{:g}{}{}", metric.value,
                                             metric.unit.empty() ? "" : " ", metric.unit)});
    }
    return heading(style, "Measured") + table.text(style, 2);
}

std::string detail_text(const Style& style, std::string_view detail) {
    if (detail.empty()) return {};
    std::string lines = heading(style, "Detail");
    while (!detail.empty()) {
        const std::size_t end = std::min(detail.find('\n'), detail.size());
        const std::string line = paragraph(style, detail.substr(0, end), 2);
        lines += line.empty() ? "\n" : line;
        detail.remove_prefix(std::min(end + 1, detail.size()));
    }
    return lines;
}

}  // namespace picket::cli
