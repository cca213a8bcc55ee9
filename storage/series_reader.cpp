#include "storage/series_reader.h"

#include <algorithm>
#include <span>
#include <utility>

#include "storage/journal.h"
#include "storage/open_journal.h"

namespace picket::storage {

namespace {

constexpr std::int64_t hour_ms = slot_ms(Tier::hour);

// The row says what it should hold, the error where it was read.
template <typename T>
Result<T> read_from(const Statement& row, Result<T> decoded) {
    if (decoded) return decoded;
    return tl::make_unexpected(row.corrupt(decoded.error().message()));
}

}  // namespace

Result<SeriesReader> SeriesReader::open(Database& database, std::int64_t check,
                                        const OpenJournal* journal) {
    SeriesReader reader(database, check);
    std::int64_t saved_row = 0;
    auto head =
        PICKET_TRY(database.prepare_kept("SELECT journal_id, head FROM heads WHERE check_id = ?1"));
    if (PICKET_TRY(head.bind(check).step())) {
        saved_row = head.integer(0);
        reader.head_ = PICKET_TRY(read_from(head, decode_head(head.blob(1))));
        reader.entries_ = reader.head_.series.entries();
    }
    if (journal != nullptr) {
        journal->add_to(check, reader.entries_);
        return reader;
    }
    auto rows =
        PICKET_TRY(database.prepare_kept("SELECT entries FROM journal WHERE id > ?1 ORDER BY id"));
    rows.bind(saved_row);
    std::vector<JournalEntry> entries;
    while (PICKET_TRY(rows.step())) {
        entries.clear();
        const auto decoded = decode_journal(rows.blob(0), check, entries);
        if (!decoded) return tl::make_unexpected(rows.corrupt(decoded.error().message()));
        for (const JournalEntry& each : entries) reader.entries_.push_back(each.entry);
    }
    return reader;
}

// ---- Points

Result<std::vector<std::int64_t>> SeriesReader::chunks(Range range) {
    // The index holds all that is asked; a clock that stepped back makes chunks overlap.
    auto rows = PICKET_TRY(database_.prepare_kept(
        "SELECT id FROM chunks WHERE check_id = ?1 AND last_ms >= ?2 AND first_ms < ?3"));
    rows.bind(check_, range.from_ms, range.to_ms);
    std::vector<std::int64_t> ids;
    while (PICKET_TRY(rows.step())) ids.push_back(rows.integer(0));
    std::sort(ids.begin(), ids.end());
    return ids;
}

Result<std::vector<Entry>> SeriesReader::chunk(std::int64_t id) {
    auto row = PICKET_TRY(database_.prepare_kept("SELECT entries FROM chunks WHERE id = ?1"));
    if (!PICKET_TRY(row.bind(id).step())) return std::vector<Entry>();
    return read_from(row, decode_chunk(row.blob(0)));
}

Status SeriesReader::forwards(Range range, const Visitor& visit) {
    const auto visit_all = [&](std::span<const Entry> entries) {
        return std::all_of(entries.begin(), entries.end(), [&](const Entry& entry) {
            return !range.holds(entry.at_ms) || visit(entry);
        });
    };
    for (const std::int64_t id : PICKET_TRY(chunks(range))) {
        const std::vector<Entry> entries = PICKET_TRY(chunk(id));
        if (!visit_all(entries)) return {};
    }
    visit_all(entries_);
    return {};
}

Status SeriesReader::backwards(Range range, const Visitor& visit) {
    const auto visit_all = [&](std::span<const Entry> entries) {
        return std::all_of(entries.rbegin(), entries.rend(), [&](const Entry& entry) {
            return !range.holds(entry.at_ms) || visit(entry);
        });
    };
    if (!visit_all(entries_)) return {};
    const std::vector<std::int64_t> ids = PICKET_TRY(chunks(range));
    for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
        const std::vector<Entry> entries = PICKET_TRY(chunk(*id));
        if (!visit_all(entries)) return {};
    }
    return {};
}

Result<std::optional<Entry>> SeriesReader::last_before(std::int64_t at_ms) {
    std::optional<Entry> last;
    const auto in = [&](std::span<const Entry> entries) {
        const auto found = std::find_if(entries.rbegin(), entries.rend(),
                                        [&](const Entry& entry) { return entry.at_ms < at_ms; });
        if (found != entries.rend()) last = *found;
        return last.has_value();
    };
    if (in(entries_)) return last;
    auto rows = PICKET_TRY(
        database_.prepare_kept("SELECT entries FROM chunks WHERE check_id = ?1 AND first_ms < ?2 "
                               "ORDER BY last_ms DESC LIMIT 1"));
    if (!PICKET_TRY(rows.bind(check_, at_ms).step())) return last;
    const std::vector<Entry> entries = PICKET_TRY(read_from(rows, decode_chunk(rows.blob(0))));
    in(entries);
    return last;
}

// ---- Sums

Result<std::optional<Block>> SeriesReader::block_before(Tier tier, std::int64_t at_ms) {
    const auto& newest = head_.blocks.at(static_cast<std::size_t>(tier));
    if (newest && newest->start_ms < at_ms) return std::optional<Block>(*newest);
    auto row = PICKET_TRY(database_.prepare_kept(
        "SELECT start_ms, slots FROM blocks WHERE check_id = ?1 AND tier = ?2 "
        "AND start_ms < ?3 ORDER BY start_ms DESC LIMIT 1"));
    if (PICKET_TRY(row.bind(check_, static_cast<int>(tier), at_ms).step())) {
        return std::optional<Block>(
            PICKET_TRY(read_from(row, decode_block(tier, row.integer(0), row.blob(1)))));
    }
    return std::optional<Block>();
}

Result<Totals> SeriesReader::sealed_before(Tier tier, std::int64_t at_ms) {
    const auto block = PICKET_TRY(block_before(tier, at_ms));
    if (block) return block->before(at_ms);
    // Before all that is kept: what came before the first of it.
    const auto oldest = PICKET_TRY(oldest_block(tier));
    return oldest ? oldest->prefix : Totals{};
}

Result<std::optional<Block>> SeriesReader::oldest_block(Tier tier) {
    auto row = PICKET_TRY(database_.prepare_kept(
        "SELECT start_ms, slots FROM blocks WHERE check_id = ?1 AND tier = ?2 "
        "ORDER BY start_ms LIMIT 1"));
    if (PICKET_TRY(row.bind(check_, static_cast<int>(tier)).step())) {
        return std::optional<Block>(
            PICKET_TRY(read_from(row, decode_block(tier, row.integer(0), row.blob(1)))));
    }
    return head_.blocks.at(static_cast<std::size_t>(tier));
}

Result<Totals> SeriesReader::before(Tier tier, std::int64_t at_ms) {
    at_ms = floor_to(at_ms, slot_ms(tier));
    Totals sum = PICKET_TRY(sealed_before(tier, at_ms));
    for (const SlotSum& each : sum_up(tier, head_.last_sealed, entries_)) {
        if ((each.slot + 1) * slot_ms(tier) <= at_ms) sum += each.totals;
    }
    // The newest point still speaks: for an interval, as far as is known.
    const Entry* newest = !entries_.empty()   ? &entries_.back()
                          : head_.last_sealed ? &*head_.last_sealed
                                              : nullptr;
    if (newest != nullptr && newest->at_ms < at_ms) {
        sum.observed_ms += static_cast<std::uint64_t>(
            std::min<std::int64_t>(observed_after(*newest, at_ms), newest->profile.interval_ms));
    }
    return sum;
}

Result<bool> SeriesReader::reaches(Tier tier, std::int64_t from_ms) {
    const auto oldest = PICKET_TRY(oldest_block(tier));
    return !oldest || oldest->start_ms <= from_ms || oldest->prefix == Totals{};
}

Status SeriesReader::blocks(Tier tier, Range range,
                            const std::function<void(const Block&)>& visit) {
    const std::vector<SlotSum> open = sum_up(tier, head_.last_sealed, entries_);
    auto next = open.begin();
    std::optional<Block> pending;
    const auto slot_start = [&](const SlotSum& sum) { return sum.slot * slot_ms(tier); };
    const auto add_open = [&](Block& block) {
        for (; next != open.end() && slot_start(*next) < block.start_ms + block_ms(tier); ++next) {
            if (slot_start(*next) < block.start_ms) continue;
            Slot& slot = block.at(
                static_cast<std::uint32_t>((slot_start(*next) - block.start_ms) / slot_ms(tier)));
            slot.totals += next->totals;
            slot.sketch.merge(next->sketch);
        }
    };
    const auto give = [&](Block block) {
        add_open(block);
        if (block.start_ms < range.to_ms && block.start_ms + block_ms(tier) > range.from_ms) {
            visit(block);
        }
    };
    auto rows = PICKET_TRY(database_.prepare_kept(
        "SELECT start_ms, slots FROM blocks WHERE check_id = ?1 AND tier = ?2 "
        "AND start_ms > ?3 AND start_ms < ?4 ORDER BY start_ms"));
    rows.bind(check_, static_cast<int>(tier), range.from_ms - block_ms(tier), range.to_ms);
    while (PICKET_TRY(rows.step())) {
        give(PICKET_TRY(read_from(rows, decode_block(tier, rows.integer(0), rows.blob(1)))));
    }
    if (const auto& newest = head_.blocks.at(static_cast<std::size_t>(tier))) give(*newest);
    while (next != open.end()) {
        const std::int64_t start = floor_to(slot_start(*next), block_ms(tier));
        give(Block{.tier = tier, .start_ms = start, .prefix = {}, .slots = {}});
    }
    return {};
}

// ---- Latencies

Status SeriesReader::add_points(Range range, LatencySketch& sketch, bool& found) {
    return forwards(range, [&](const Entry& entry) {
        found = true;
        if (entry.profile.state == PointState::passed) sketch.add(entry.latency_us());
        return true;
    });
}

// A part of one hour.
Status SeriesReader::add_cut_hour(Range part, LatencySketch& sketch) {
    bool found = false;
    PICKET_TRY(add_points(part, sketch, found));
    if (found) return {};
    const std::int64_t start = floor_to(part.from_ms, hour_ms);
    return add_hours({start, start + hour_ms}, sketch);
}

// Whole hours, from what is sealed.
Status SeriesReader::add_hours(Range hours, LatencySketch& sketch) {
    const auto add_block = [&](const Block& block) {
        for (const Slot& slot : block.slots) {
            if (hours.holds(block.start_ms + slot.index * hour_ms)) sketch.merge(slot.sketch);
        }
    };
    auto rows = PICKET_TRY(database_.prepare_kept(
        "SELECT start_ms, sketch, CASE WHEN start_ms >= ?4 AND start_ms <= ?5 THEN NULL ELSE slots "
        "END FROM blocks WHERE check_id = ?1 AND tier = ?2 AND start_ms > ?3 AND start_ms < ?6"));
    const std::int64_t day_ms = block_ms(Tier::hour);
    rows.bind(check_, static_cast<int>(Tier::hour), hours.from_ms - day_ms, hours.from_ms,
              hours.to_ms - day_ms, hours.to_ms);
    while (PICKET_TRY(rows.step())) {
        const std::int64_t start = rows.integer(0);
        if (start >= hours.from_ms && start + day_ms <= hours.to_ms) {
            const std::string bytes = rows.blob(1);
            ByteReader reader(bytes);
            sketch.merge(LatencySketch::take(reader));
            if (!reader.ok()) return tl::make_unexpected(rows.corrupt("not a sketch"));
        } else {
            add_block(PICKET_TRY(read_from(rows, decode_block(Tier::hour, start, rows.blob(2)))));
        }
    }
    if (const auto& newest = head_.blocks.at(static_cast<std::size_t>(Tier::hour))) {
        add_block(*newest);
    }
    return {};
}

Result<LatencySketch> SeriesReader::latencies(Range range) {
    LatencySketch sketch;
    const std::int64_t first_hour = floor_to(range.from_ms + hour_ms - 1, hour_ms);
    const std::int64_t last_hour = floor_to(range.to_ms, hour_ms);
    if (first_hour >= last_hour) {
        // At most two hours, neither whole.
        bool found = false;
        PICKET_TRY(add_points(range, sketch, found));
        return sketch;
    }
    if (range.from_ms < first_hour) PICKET_TRY(add_cut_hour({range.from_ms, first_hour}, sketch));
    PICKET_TRY(add_hours({first_hour, last_hour}, sketch));
    for (const Entry& entry : entries_) {
        const bool whole = entry.at_ms >= first_hour && entry.at_ms < last_hour;
        if (whole && entry.profile.state == PointState::passed) sketch.add(entry.latency_us());
    }
    if (last_hour < range.to_ms) PICKET_TRY(add_cut_hour({last_hour, range.to_ms}, sketch));
    return sketch;
}

}  // namespace picket::storage
