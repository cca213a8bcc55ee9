// HistoryReader's slots: a window cut into parts of one length.

#include <algorithm>
#include <vector>

#include "agent/base/assert.h"
#include "storage/history_reader.h"
#include "storage/row_reading.h"

namespace picket::storage {
namespace {

// The coarsest tier whose slots make whole ones of this length.
Tier tier_of(std::int64_t length_ms) {
    for (auto tier = tiers.rbegin(); tier != tiers.rend(); ++tier) {
        if (length_ms % slot_ms(*tier) == 0) return *tier;
    }
    PICKET_ASSERT(false);
    return Tier::minute;
}

struct Part {
    Totals totals;
    LatencySketch sketch;
};

// The newest point still speaks, for an interval as far as is known; blocks do not say so.
void add_newest(const std::optional<Entry>& newest, SeriesReader::Range range,
                std::int64_t length_ms, std::vector<Part>& parts) {
    if (!newest || newest->at_ms >= range.to_ms) return;
    const std::int64_t spoken =
        std::min<std::int64_t>(observed_after(*newest, range.to_ms), newest->profile.interval_ms);
    const std::int64_t end_ms = newest->at_ms + spoken;
    for (std::int64_t at_ms = std::max(newest->at_ms, range.from_ms); at_ms < end_ms;) {
        const auto part = static_cast<std::size_t>((at_ms - range.from_ms) / length_ms);
        const std::int64_t part_end =
            range.from_ms + (static_cast<std::int64_t>(part) + 1) * length_ms;
        const std::int64_t until = std::min(end_ms, part_end);
        parts[part].totals.observed_ms += static_cast<std::uint64_t>(until - at_ms);
        at_ms = until;
    }
}

}  // namespace

Result<std::vector<RollupPoint>> HistoryReader::slots(const std::string& check, WallTime from,
                                                      WallTime to, Duration length) {
    const std::int64_t length_ms = length / std::chrono::milliseconds(1);
    PICKET_ASSERT(length_ms > 0 && length_ms % slot_ms(Tier::minute) == 0 && from < to);
    const Tier tier = tier_of(length_ms);
    const std::int64_t first_ms = floor_to(to_milliseconds(from), length_ms);
    const std::int64_t end_ms = to_milliseconds(to);
    const std::int64_t count = (end_ms - first_ms + length_ms - 1) / length_ms;
    PICKET_ASSERT(count <= std::int64_t{rollups_max});

    const Asked asked = PICKET_TRY(ask(check));
    SeriesReader& series = *asked.series;
    const SeriesReader::Range range{first_ms, end_ms};
    std::vector<Part> parts(static_cast<std::size_t>(count));
    const auto part_at = [&](std::int64_t at_ms) -> Part& {
        return parts[static_cast<std::size_t>((at_ms - first_ms) / length_ms)];
    };
    PICKET_TRY(series.blocks(tier, range, [&](const Block& block) {
        for (const Slot& slot : block.slots) {
            const std::int64_t at_ms = block.start_ms + slot.index * slot_ms(tier);
            if (!range.holds(at_ms)) continue;
            Part& part = part_at(at_ms);
            part.totals += slot.totals;
            part.sketch.merge(slot.sketch);
        }
    }));
    if (tier != Tier::hour) {
        PICKET_TRY(series.forwards(range, [&](const Entry& entry) {
            if (entry.profile.state == PointState::passed) {
                part_at(entry.at_ms).sketch.add(entry.latency_us());
            }
            return true;
        }));
    }
    add_newest(series.newest(), range, length_ms, parts);

    std::vector<RollupPoint> points;
    points.reserve(parts.size());
    std::int64_t at_ms = first_ms;
    for (const Part& part : parts) {
        points.push_back(
            rollup_point(at_ms, std::min(at_ms + length_ms, end_ms), part.totals, part.sketch));
        at_ms += length_ms;
    }
    return points;
}

}  // namespace picket::storage
