#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "agent/cli/plot.h"
#include "agent/cli/render_parts.h"

namespace picket::cli {
namespace {

using api::HistoryView;
using api::OutageSpan;

constexpr std::size_t label_width = 8;
constexpr std::size_t columns_most = 200;
constexpr std::size_t columns_least = 20;
constexpr std::size_t bar_rows = 10;

// What a character of the plot is: its look, and its colour where there are colours.
struct Glyph {
    std::string_view text;
    std::string_view ascii;
    Colour colour = Colour::none;

    std::string_view look(const Style& style) const { return style.unicode ? text : ascii; }
    friend bool operator==(const Glyph&, const Glyph&) = default;
};

constexpr Glyph nothing{" ", " "};
constexpr Glyph to_p50{"█", "#", Colour::green};
constexpr Glyph to_p95{"▒", "+", Colour::green};
constexpr Glyph to_p99{"░", ":", Colour::green};
constexpr Glyph all_well{"─", "-", Colour::green};
constexpr Glyph some_failed{"×", "x", Colour::red};
constexpr Glyph most_failed{"█", "#", Colour::red};
constexpr Glyph could_not_ask{"?", "?", Colour::yellow};
constexpr Glyph not_observed{"·", ".", Colour::dim};
constexpr Glyph is_down{"█", "#", Colour::red};
constexpr Glyph is_partial{"▄", "=", Colour::yellow};
constexpr Glyph was_down{"×", "x", Colour::red};

// What of an outage lies between two moments; one that is open goes on.
Duration overlap(const OutageSpan& outage, WallTime begin, WallTime end) {
    const WallTime closed = std::min(outage.closed_at.value_or(end), end);
    return std::max(closed - std::max(outage.opened_at, begin), Duration{0});
}

std::string line_of(const Style& style, std::string_view label, std::string_view border,
                    const std::vector<Glyph>& glyphs) {
    std::string line = fmt::format("{:>{}} {}", label, label_width - 2, border);
    // Blanks at the end are not written.
    std::size_t end = glyphs.size();
    while (end > 0 && glyphs[end - 1] == nothing) --end;
    for (std::size_t i = 0; i < end;) {
        std::string run;
        const Colour colour = glyphs[i].colour;
        for (; i < end && glyphs[i].colour == colour; ++i) run += glyphs[i].look(style);
        line += paint(style, colour, run);
    }
    return line + "\n";
}

// From a latency to a height between 0 and 1.
class Scale {
public:
    explicit Scale(const std::vector<PlotColumn>& columns) {
        Duration least = Duration::max();
        Duration most{1};
        for (const PlotColumn& column : columns) {
            if (!column.latency) continue;
            least = std::min(least, std::max(column.latency->p50, Duration{1}));
            most = std::max({most, column.latency->p50, column.latency->p99});
        }
        // Where a few are so slow that the rest would be one line at the bottom.
        logarithmic_ = least != Duration::max() && most / least >= 20;
        top_ = round_up(static_cast<double>(most.count()));
        bottom_ = logarithmic_ ? round_down(static_cast<double>(least.count())) : 0;
    }

    double height(Duration latency) const {
        const auto value = static_cast<double>(latency.count());
        if (!logarithmic_) return value / top_;
        return std::log(std::max(value, bottom_) / bottom_) / std::log(top_ / bottom_);
    }
    Duration at(double height) const {
        const double value =
            logarithmic_ ? bottom_ * std::pow(top_ / bottom_, height) : top_ * height;
        return Duration(std::llround(value));
    }
    bool logarithmic() const { return logarithmic_; }

private:
    // 1, 2, 5 and their multiples by ten.
    static double round_up(double value) {
        const double unit = std::pow(10, std::floor(std::log10(value)));
        for (const double step : {1.0, 2.0, 5.0}) {
            if (step * unit >= value) return step * unit;
        }
        return 10 * unit;
    }
    static double round_down(double value) {
        const double unit = std::pow(10, std::floor(std::log10(value)));
        for (const double step : {5.0, 2.0}) {
            // Strictly below, so that the least still has a height.
            if (step * unit < value) return step * unit;
        }
        return unit < value ? unit : unit / 2;
    }

    double top_ = 1;
    double bottom_ = 0;
    bool logarithmic_ = false;
};

std::string bars(const Style& style, const std::vector<PlotColumn>& columns, const Scale& scale,
                 std::size_t repeat) {
    std::string text;
    for (std::size_t row = bar_rows; row-- > 0;) {
        const double middle = (static_cast<double>(row) + 0.5) / bar_rows;
        std::vector<Glyph> glyphs;
        for (const PlotColumn& column : columns) {
            Glyph glyph = nothing;
            if (column.latency) {
                const auto& latency = *column.latency;
                // The lowest row is never empty where something passed.
                if (scale.height(latency.p50) >= middle || row == 0) {
                    glyph = to_p50;
                } else if (scale.height(latency.p95) >= middle) {
                    glyph = to_p95;
                } else if (scale.height(latency.p99) >= middle) {
                    glyph = to_p99;
                }
            }
            glyphs.insert(glyphs.end(), repeat, glyph);
        }
        std::string label;
        if (row == bar_rows - 1) label = latency_text(scale.at(1));
        if (row == bar_rows / 2 - 1) label = latency_text(scale.at(0.5));
        if (row == 0) label = latency_text(scale.at(0));
        text += line_of(style, label, style.unicode ? "│" : "|", glyphs);
    }
    return text;
}

Glyph found_in(const PlotColumn& column) {
    const std::uint64_t asked = column.passed + column.failed + column.errored;
    if (column.failed > 0) return 2 * column.failed > asked ? most_failed : some_failed;
    if (asked == 0 || column.unseen > 0.5) return not_observed;
    return column.passed == 0 ? could_not_ask : all_well;
}

std::vector<Glyph> found_band(const std::vector<PlotColumn>& columns, std::size_t repeat) {
    std::vector<Glyph> band;
    for (const PlotColumn& column : columns) {
        band.insert(band.end(), repeat, found_in(column));
    }
    return band;
}

// What was decided: an outage wins over what this agent happened to see.
std::vector<Glyph> decided_band(const HistoryView& view, const std::vector<PlotColumn>& columns,
                                std::size_t repeat) {
    std::vector<Glyph> band;
    const Duration slot =
        view.slots.empty()
            ? (view.to - view.from) / static_cast<std::int64_t>(columns.size())
            : view.resolution * static_cast<std::int64_t>((view.slots.size() + columns.size() - 1) /
                                                          columns.size());
    WallTime begin = view.slots.empty() ? view.from : view.slots.front().at;
    for (const PlotColumn& column : columns) {
        const WallTime end = begin + slot;
        Glyph glyph = found_in(column) == not_observed ? not_observed : all_well;
        Duration down{0};
        Duration partial{0};
        for (const OutageSpan& outage : view.outages) {
            (outage.partial() ? partial : down) += overlap(outage, begin, end);
        }
        if (down + partial > Duration{0}) glyph = was_down;
        if (2 * (down + partial) >= slot) glyph = down >= partial ? is_down : is_partial;
        band.insert(band.end(), repeat, glyph);
        begin = end;
    }
    return band;
}

std::string tick_text(const HistoryView& view, WallTime at) {
    const std::string text = time_text(at);  // 2026-11-23 03:00:00
    if (view.to - view.from <= std::chrono::hours(26)) return text.substr(11, 5);
    if (view.to - view.from <= std::chrono::days(5)) return text.substr(5, 11);
    return view.to - view.from <= std::chrono::days(300) ? text.substr(5, 5) : text.substr(0, 10);
}

std::string ticks(const HistoryView& view, std::size_t width) {
    const WallTime first = view.slots.empty() ? view.from : view.slots.front().at;
    const WallTime last =
        view.slots.empty() ? view.to : std::min(view.slots.back().at + view.resolution, view.to);
    const std::string begin = tick_text(view, first);
    const std::string middle = tick_text(view, first + (last - first) / 2);
    const std::string end = tick_text(view, last);
    if (width < 2 * begin.size() + middle.size() + 4) {
        return fmt::format("{:{}}{}\n", "", label_width, begin);
    }
    const std::size_t half = width / 2 - middle.size() / 2;
    return fmt::format("{:{}}{:<{}}{:<{}}{}\n", "", label_width, begin, half, middle,
                       width - half - end.size(), end);
}

std::string legend(const Style& style, const std::vector<std::pair<Glyph, std::string_view>>& all,
                   const std::vector<Glyph>& shown) {
    std::string text;
    for (const auto& [glyph, meaning] : all) {
        if (std::find(shown.begin(), shown.end(), glyph) == shown.end()) continue;
        text += fmt::format("{}{} {}", text.empty() ? "" : "  ",
                            paint(style, glyph.colour, glyph.look(style)), meaning);
    }
    return fmt::format("{:{}}{}\n", "", label_width, text);
}

}  // namespace

std::size_t plot_columns(const Style& style) {
    const std::size_t room = style.width > label_width + 1 ? style.width - label_width - 1 : 0;
    return std::clamp(room, columns_least, columns_most);
}

std::string render_plot(const Style& style, const HistoryView& view) {
    std::string text = fmt::format("{}{}{} to {} UTC\n\n",
                                   paint(style, Colour::bold, printable(style, view.check)),
                                   separator(style), time_text(view.from), time_text(view.to));
    if (view.points.empty() && view.slots.empty()) return text + "  nothing was recorded\n";

    const std::vector<PlotColumn> columns = plot_columns_of(view, plot_columns(style));
    const std::size_t repeat = std::max<std::size_t>(plot_columns(style) / columns.size(), 1);
    const std::size_t width = columns.size() * repeat;
    const bool timed = std::any_of(columns.begin(), columns.end(),
                                   [](const PlotColumn& column) { return column.latency; });
    const Scale scale(columns);
    if (timed) text += bars(style, columns, scale, repeat);

    const std::vector<Glyph> found = found_band(columns, repeat);
    const std::vector<Glyph> decided = decided_band(view, columns, repeat);
    const std::string_view border = style.unicode ? "│" : "|";
    text += line_of(style, "found", border, found);
    text += line_of(style, "state", border, decided);
    text += ticks(view, width);

    if (timed) {
        text += fmt::format("\n{:{}}{} up to p50  {} to p95  {} to p99 of what passed{}\n", "",
                            label_width, paint(style, to_p50.colour, to_p50.look(style)),
                            paint(style, to_p95.colour, to_p95.look(style)),
                            paint(style, to_p99.colour, to_p99.look(style)),
                            scale.logarithmic() ? ", on a logarithmic scale" : "");
    }
    text += legend(style,
                   {{all_well, "passed"},
                    {some_failed, "some failed"},
                    {most_failed, "most failed"},
                    {could_not_ask, "could not ask"},
                    {not_observed, "not observed"}},
                   found);
    if (!view.outages.empty()) {
        text += legend(style,
                       {{was_down, "down, less than half of it"},
                        {is_down, "down"},
                        {is_partial, "partially down"}},
                       decided);
    }
    if (view.truncated) {
        text += fmt::format("\n  Only the newest {} outcomes are shown; --since narrows.\n",
                            view.points.size());
    }
    return text;
}

}  // namespace picket::cli
