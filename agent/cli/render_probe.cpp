// What one asking found, and where its time went.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "agent/cli/render.h"
#include "agent/cli/render_parts.h"

namespace picket::cli {
namespace {

constexpr std::size_t bar_columns = 48;

std::string repeated(std::string_view text, std::size_t times) {
    std::string repeated;
    for (std::size_t i = 0; i < times; ++i) repeated += text;
    return repeated;
}

// Where in the whole the phase lies; at least one column, so that none is missed.
Cell bar(const Style& style, const checks::Phase& phase, Duration whole) {
    const auto column = [&](Duration at) {
        const double share = to_seconds(at) / std::max(to_seconds(whole), 1e-6);
        return static_cast<std::size_t>(
            std::lround(std::clamp(share, 0.0, 1.0) * double{bar_columns}));
    };
    const std::size_t begin = std::min(column(phase.start), bar_columns - 1);
    const std::size_t end = std::clamp(column(phase.start + phase.length), begin + 1, bar_columns);
    return Cell(
        std::vector<Span>{Span{std::string(begin, ' '), Colour::none},
                          Span{repeated(style.unicode ? "█" : "#", end - begin), Colour::green}});
}

std::string waterfall(const Style& style, const checks::Outcome& outcome) {
    if (outcome.phases.empty()) return {};
    Duration whole = outcome.latency;
    for (const checks::Phase& phase : outcome.phases) {
        whole = std::max(whole, phase.start + phase.length);
    }
    Table table({{}, {.heading = {}, .align = Align::right, .width_min = 0}, {}});
    for (const checks::Phase& phase : outcome.phases) {
        table.add({std::string(phase.name), latency_text(phase.length), bar(style, phase, whole)});
    }
    return heading(style, "Phases") + table.text(style, 2);
}

}  // namespace

std::string render_probe(const Style& style, std::string_view check, const checks::Outcome& outcome,
                         Trace trace) {
    const bool passed = outcome.finding == checks::Finding::passed;
    const Span sign = mark(style, passed).spans.front();
    std::string line = fmt::format("{} in {}", finding_text(outcome.finding, outcome.failure_class),
                                   latency_text(outcome.latency));
    if (!outcome.address.empty()) line += ", asked " + outcome.address;
    std::string text =
        fmt::format("{} {}{}{}\n", paint(style, sign.colour, sign.text),
                    paint(style, Colour::bold, printable(style, check)), separator(style),
                    paint(style, colour_of(outcome.finding), printable(style, line)));
    text += paragraph(style, outcome.message, 2);
    if (trace == Trace::yes) text += waterfall(style, outcome);
    text += expectations_text(style, outcome);
    text += metrics_text(style, outcome);
    return text + detail_text(style, outcome.detail);
}

}  // namespace picket::cli
