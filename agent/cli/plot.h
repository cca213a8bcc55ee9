// Plot: a history as a picture of characters.
//
// Bars of latency percentiles over a band of what was found and one of what was decided, a
// column for a stretch of time. Readable without colour and, where the style asks for it, in
// ASCII. Pure.

#pragma once

#include <string>
#include <vector>

#include "agent/api/history_views.h"
#include "agent/cli/display.h"

namespace picket::cli {

// How many columns a line of the style has room for beside the scale.
std::size_t plot_columns(const Style& style);

// What a column shows. `unseen` is the share of its time that nobody observed.
struct PlotColumn {
    std::uint64_t passed = 0;
    std::uint64_t failed = 0;
    std::uint64_t errored = 0;
    double unseen = 0;
    std::optional<api::LatencyView> latency{};
};

// The history in at most `columns` columns. A column in which nothing was asked shows what
// was found last, as long as that was observed. Requires columns > 0.
std::vector<PlotColumn> plot_columns_of(const api::HistoryView& view, std::size_t columns);

std::string render_plot(const Style& style, const api::HistoryView& view);

}  // namespace picket::cli
