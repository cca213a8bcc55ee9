// A history cut into columns.

#include <algorithm>
#include <cmath>

#include "agent/base/assert.h"
#include "agent/cli/plot.h"

namespace picket::cli {
namespace {

using api::HistoryPoint;
using api::HistorySlot;
using api::HistoryView;
using api::LatencyView;

// The columns of a window as stretches of time.
class Ruler {
public:
    Ruler(WallTime from, WallTime to, std::size_t columns)
        : from_(from), window_(std::max(to - from, Duration{1})), columns_(columns) {}

    std::size_t column_of(WallTime at) const {
        const double share = to_seconds(at - from_) / to_seconds(window_);
        const double column = std::floor(share * static_cast<double>(columns_));
        return static_cast<std::size_t>(std::clamp(column, 0.0, static_cast<double>(columns_ - 1)));
    }
    WallTime begin_of(std::size_t column) const {
        return from_ +
               window_ * static_cast<std::int64_t>(column) / static_cast<std::int64_t>(columns_);
    }

private:
    WallTime from_;
    Duration window_;
    std::size_t columns_;
};

LatencyView latency_of(std::vector<Duration>& latencies) {
    std::sort(latencies.begin(), latencies.end());
    Duration sum{0};
    for (const Duration latency : latencies) sum += latency;
    const auto rank = [&](std::size_t percent) {  // Nearest rank.
        return latencies[std::max<std::size_t>((latencies.size() * percent + 99) / 100, 1) - 1];
    };
    return {sum / static_cast<std::int64_t>(latencies.size()), rank(50), rank(95), rank(99)};
}

void count(PlotColumn& column, checks::Finding finding) {
    switch (finding) {
        case checks::Finding::passed:
            ++column.passed;
            return;
        case checks::Finding::failed:
            ++column.failed;
            return;
        case checks::Finding::errored:
            ++column.errored;
            return;
    }
}

void add_unseen(const HistoryPoint& gap, const Ruler& ruler, std::vector<PlotColumn>& columns) {
    const std::size_t last = ruler.column_of(*gap.not_observed_until);
    for (std::size_t i = ruler.column_of(gap.at); i <= last; ++i) {
        const WallTime begin = ruler.begin_of(i);
        const WallTime end = ruler.begin_of(i + 1);
        const Duration part = std::min(end, *gap.not_observed_until) - std::max(begin, gap.at);
        columns[i].unseen += std::max(to_seconds(part) / to_seconds(end - begin), 0.0);
    }
}

// Where checks are asked less than once a column.
void hold_last(std::vector<PlotColumn>& columns) {
    const PlotColumn* last = nullptr;
    for (PlotColumn& column : columns) {
        const bool asked = column.passed + column.failed + column.errored > 0;
        if (asked) {
            last = &column;
        } else if (column.unseen > 0.5) {
            last = nullptr;
        } else if (last != nullptr) {
            const double unseen = column.unseen;
            column = *last;
            column.unseen = unseen;
        }
    }
}

std::vector<PlotColumn> columns_of_points(const HistoryView& view, std::size_t count_of_columns) {
    const Ruler ruler(view.from, view.to, count_of_columns);
    std::vector<PlotColumn> columns(count_of_columns);
    std::vector<std::vector<Duration>> latencies(count_of_columns);
    for (const HistoryPoint& point : view.points) {
        if (!point.observed()) {
            add_unseen(point, ruler, columns);
            continue;
        }
        const std::size_t column = ruler.column_of(point.at);
        count(columns[column], point.finding);
        if (point.finding == checks::Finding::passed) latencies[column].push_back(point.latency);
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (!latencies[i].empty()) columns[i].latency = latency_of(latencies[i]);
    }
    hold_last(columns);
    return columns;
}

// Percentiles cannot be merged; of several slots in one column the highest are shown, and the
// mean of the medians.
void merge(PlotColumn& column, const HistorySlot& slot) {
    if (slot.latency) {
        if (!column.latency) {
            column.latency = slot.latency;
        } else {
            const auto before = static_cast<std::int64_t>(column.passed);
            const auto more = static_cast<std::int64_t>(slot.passed);
            const std::int64_t all = std::max<std::int64_t>(before + more, 1);
            LatencyView& latency = *column.latency;
            latency.mean = (latency.mean * before + slot.latency->mean * more) / all;
            latency.p50 = (latency.p50 * before + slot.latency->p50 * more) / all;
            latency.p95 = std::max(latency.p95, slot.latency->p95);
            latency.p99 = std::max(latency.p99, slot.latency->p99);
        }
    }
    column.passed += slot.passed;
    column.failed += slot.failed;
    column.errored += slot.errored;
}

std::vector<PlotColumn> columns_of_slots(const HistoryView& view, std::size_t columns_max) {
    const std::size_t together = (view.slots.size() + columns_max - 1) / columns_max;
    std::vector<PlotColumn> columns((view.slots.size() + together - 1) / together);
    for (std::size_t i = 0; i < view.slots.size(); ++i) {
        PlotColumn& column = columns[i / together];
        merge(column, view.slots[i]);
        column.unseen += to_seconds(view.slots[i].not_observed) /
                         (to_seconds(view.resolution) * static_cast<double>(together));
    }
    return columns;
}

}  // namespace

std::vector<PlotColumn> plot_columns_of(const HistoryView& view, std::size_t columns) {
    PICKET_ASSERT(columns > 0);
    if (!view.slots.empty()) return columns_of_slots(view, columns);
    return columns_of_points(view, columns);
}

}  // namespace picket::cli
