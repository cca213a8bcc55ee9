// SeriesReader: points, sums and latencies of one check, from wherever they are: chunks,
// blocks of rollups, the check's head, the journal.
//
// Requires that one view of the file is held (Transaction::begin_reading) for as long
// as it lives: what moves from the journal into a chunk meanwhile would else be counted
// twice, or not at all. Memory is bounded by a chunk, a block, and what is open.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "agent/base/result.h"
#include "storage/database.h"
#include "storage/head.h"
#include "storage/rollup.h"

namespace picket::storage {

class OpenJournal;

class SeriesReader {
public:
    // Milliseconds, half open.
    struct Range {
        std::int64_t from_ms = 0;
        std::int64_t to_ms = 0;

        bool holds(std::int64_t at_ms) const { return at_ms >= from_ms && at_ms < to_ms; }
    };

    // False ends the walk.
    using Visitor = std::function<bool(const Entry&)>;

    // Reads what is open of the check; `journal` is that of the same view, where somebody has
    // read it.
    static Result<SeriesReader> open(Database& database, std::int64_t check,
                                     const OpenJournal* journal = nullptr);

    // In the order in which they came about.
    Status forwards(Range range, const Visitor& visit);
    Status backwards(Range range, const Visitor& visit);
    // The newest point that is older than this.
    Result<std::optional<Entry>> last_before(std::int64_t at_ms);

    // The sum of the slots that end at `at_ms` or before: two of them are a window. What
    // the tier does not reach back to is in both.
    Result<Totals> before(Tier tier, std::int64_t at_ms);

    // Whether nothing of the tier that came after `from_ms` was deleted.
    Result<bool> reaches(Tier tier, std::int64_t from_ms);

    // The last point that came about; absent where nothing is open.
    std::optional<Entry> newest() const {
        return entries_.empty() ? head_.last_sealed : std::optional(entries_.back());
    }

    // All blocks of a tier that touch the range, oldest first, with what is open added
    // where it belongs, so that the last ones may be beyond any that is stored.
    Status blocks(Tier tier, Range range, const std::function<void(const Block&)>& visit);

    // The latencies that passed. Hours that the range cuts are taken apart where their
    // points are still stored, and else counted whole.
    Result<LatencySketch> latencies(Range range);

private:
    SeriesReader(Database& database, std::int64_t check) : database_(database), check_(check) {}

    Result<std::vector<std::int64_t>> chunks(Range range);
    Result<std::vector<Entry>> chunk(std::int64_t id);
    Result<std::optional<Block>> oldest_block(Tier tier);
    Result<std::optional<Block>> block_before(Tier tier, std::int64_t at_ms);
    // Of what is sealed; and of what is not.
    Result<Totals> sealed_before(Tier tier, std::int64_t at_ms);
    Status add_hours(Range hours, LatencySketch& sketch);
    Status add_points(Range range, LatencySketch& sketch, bool& found);
    Status add_cut_hour(Range part, LatencySketch& sketch);

    Database& database_;
    std::int64_t check_;
    Head head_;
    std::vector<Entry> entries_;  // What is open: the head's series, and the journal's.
};

}  // namespace picket::storage
