#include "agent/cli/sparkline.h"

#include <algorithm>
#include <array>
#include <string>

namespace picket::cli {
namespace {

// Later is worse.
constexpr std::string_view ranks = "-01234567?!";
constexpr std::array<std::string_view, 11> blocks{"·", "▁", "▂", "▃", "▄", "▅",
                                                  "▆", "▇", "█", "?", "×"};
constexpr std::array<std::string_view, 11> plain{".", "_", "_", "_", "-", "-",
                                                 "-", "=", "=", "?", "x"};

std::size_t rank_of(char step) {
    const std::size_t rank = ranks.find(step);
    return rank == std::string_view::npos ? 0 : rank;  // From a newer agent: not known.
}

Colour colour_of(std::size_t rank) {
    if (rank == 0) return Colour::dim;
    if (rank == ranks.size() - 1) return Colour::red;
    return rank == ranks.size() - 2 ? Colour::yellow : Colour::green;
}

// What happened in one step.
struct Step {
    Duration latency_sum{0};  // Of those that passed.
    std::int64_t passed = 0;
    bool failed = false;
    bool errored = false;

    Duration mean() const { return passed == 0 ? Duration{0} : latency_sum / passed; }
};

void add(Step& step, const api::HistoryPoint& point) {
    switch (point.finding) {
        case checks::Finding::failed:
            step.failed = true;
            return;
        case checks::Finding::errored:
            step.errored = true;
            return;
        case checks::Finding::passed:
            break;
    }
    ++step.passed;
    step.latency_sum += point.latency;
}

char character(const Step& step, Duration slowest) {
    if (step.failed) return '!';
    if (step.passed == 0) return step.errored ? '?' : '-';
    return slowest.count() <= 0 ? '0' : static_cast<char>('0' + step.mean() * 7 / slowest);
}

}  // namespace

std::string sparkline_of(const api::HistoryView& history, std::size_t length) {
    std::vector<Step> steps(length);
    const double window = std::max(to_seconds(history.to - history.from), 1e-3);
    for (const api::HistoryPoint& point : history.points) {
        if (!point.observed()) continue;
        const double share = to_seconds(point.at - history.from) / window;
        if (share < 0 || share > 1) continue;
        const auto step = static_cast<std::size_t>(share * static_cast<double>(length));
        add(steps[std::min(step, length - 1)], point);
    }
    Duration slowest{0};
    for (const Step& step : steps) slowest = std::max(slowest, step.mean());
    std::string text;
    for (const Step& step : steps) text += character(step, slowest);
    return text;
}

Cell draw_sparkline(const Style& style, std::string_view steps, std::size_t width) {
    std::vector<Span> spans;
    const std::size_t columns = std::min(width, steps.size());
    for (std::size_t column = 0; column < columns; ++column) {
        const std::size_t begin = column * steps.size() / columns;
        const std::size_t end = (column + 1) * steps.size() / columns;
        std::size_t worst = 0;
        for (std::size_t i = begin; i < end; ++i) worst = std::max(worst, rank_of(steps[i]));
        const Colour colour = colour_of(worst);
        if (spans.empty() || spans.back().colour != colour) spans.push_back(Span{{}, colour});
        spans.back().text += (style.unicode ? blocks : plain).at(worst);
    }
    return Cell(std::move(spans));
}

}  // namespace picket::cli
