#include "storage/history_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "agent/base/assert.h"
#include "storage/row_reading.h"
#include "storage/schema.h"

namespace picket::storage {

namespace {

// By nearest rank: the smallest that at least so many percent of them do not exceed.
LatencySummary summary_of(std::vector<std::int64_t> latencies) {
    if (latencies.empty()) return {};
    auto begin = latencies.begin();  // What is before it is not larger.
    const auto rank = [&](std::size_t percent) {
        const std::size_t number =
            std::max<std::size_t>((latencies.size() * percent + 99) / 100, 1);
        const auto at = latencies.begin() + static_cast<std::ptrdiff_t>(number) - 1;
        std::nth_element(begin, at, latencies.end());
        begin = at;
        return Duration(*at);
    };
    return {latencies.size(), rank(50), rank(95), rank(99)};
}

// Beyond this the sketches are asked at once.
constexpr Duration exact_span_max = std::chrono::hours(48);

SeriesReader::Range range_of(WallTime from, WallTime to) {
    return {std::clamp(to_milliseconds(from), at_ms_min, at_ms_max),
            std::clamp(to_milliseconds(to), at_ms_min, at_ms_max)};
}

WallTime time_of(const Entry& entry) {
    return from_milliseconds(entry.at_ms);
}

// One spell is one gap, however many points say that nobody looks.
void add_gap(OutcomeRange& range, Gap gap) {
    if (gap.from >= gap.to) return;
    if (!range.gaps.empty() && range.gaps.back().to == gap.from &&
        range.gaps.back().reason == gap.reason) {
        range.gaps.back().to = gap.to;
        return;
    }
    range.gaps.push_back(std::move(gap));
}

}  // namespace

Result<HistoryReader> HistoryReader::open(const std::string& path) {
    auto database = PICKET_TRY(Database::open(path, OpenMode::read_only));
    PICKET_TRY(check_schema(database));
    return HistoryReader(std::move(database));
}

HistoryReader::Hold::~Hold() {
    if (reader_ != nullptr) reader_->held_.reset();
}

Result<HistoryReader::Hold> HistoryReader::hold() {
    if (held_ != nullptr) return Hold(nullptr);
    auto view = PICKET_TRY(Transaction::begin_reading(database_));
    held_ = std::make_unique<Held>(Held{std::move(view)});
    return Hold(this);
}

Result<HistoryReader::Hold> HistoryReader::hold_all() {
    PICKET_ASSERT(held_ == nullptr);
    Hold hold = PICKET_TRY(this->hold());
    held_->journal = PICKET_TRY(OpenJournal::read(database_));
    return hold;
}

Result<HistoryReader::Asked> HistoryReader::ask(const std::string& check) {
    Asked asked;
    if (held_ == nullptr) {
        asked.view.emplace(PICKET_TRY(Transaction::begin_reading(database_)));
    } else if (held_->series != nullptr && held_->check == check) {
        asked.series = held_->series;
        return asked;
    }
    const std::int64_t id = PICKET_TRY(check_id(check));
    const OpenJournal* journal = held_ != nullptr && held_->journal ? &*held_->journal : nullptr;
    asked.series =
        std::make_shared<SeriesReader>(PICKET_TRY(SeriesReader::open(database_, id, journal)));
    if (held_ != nullptr) {
        held_->check = check;
        held_->series = asked.series;
    }
    return asked;
}

Result<std::int64_t> HistoryReader::check_id(const std::string& check) {
    auto row = PICKET_TRY(database_.prepare_kept("SELECT id FROM checks WHERE name = ?1"));
    if (PICKET_TRY(row.bind(std::string_view(check)).step())) return row.integer(0);
    return failure(Code::not_found,
                   fmt::format("{}: no history of this check in {}", check, database_.path()));
}

Result<std::string_view> HistoryReader::words(std::int64_t id) {
    if (id == 0) return std::string_view();
    const auto known = messages_.find(id);
    if (known != messages_.end()) return std::string_view(known->second);
    auto row = PICKET_TRY(database_.prepare_kept("SELECT text FROM messages WHERE id = ?1"));
    std::string text;
    if (PICKET_TRY(row.bind(id).step())) text = row.text(0);
    if (messages_.size() >= messages_max) messages_.clear();
    return std::string_view(messages_.emplace(id, std::move(text)).first->second);
}

Result<OutcomeRange> HistoryReader::outcomes(const std::string& check, WallTime from, WallTime to) {
    const Asked asked = PICKET_TRY(ask(check));
    SeriesReader& series = *asked.series;
    std::vector<Entry> newest;  // Backwards.
    OutcomeRange range;
    PICKET_TRY(series.backwards(range_of(from, to), [&](const Entry& entry) {
        range.truncated = newest.size() == outcomes_max;
        if (!range.truncated) newest.push_back(entry);
        return !range.truncated;
    }));
    std::reverse(newest.begin(), newest.end());
    std::optional<Entry> last;
    if (!range.truncated) {
        last = PICKET_TRY(series.last_before(to_milliseconds(from)));
        if (!last) add_gap(range, {from, newest.empty() ? to : time_of(newest.front()), {}});
    }
    for (const Entry& entry : newest) {
        if (last) {
            if (auto gap = PICKET_TRY(gap_after(*last, entry.at_ms))) {
                gap->from = std::max(gap->from, from);
                add_gap(range, *std::move(gap));
            }
        }
        last = entry;
        if (entry.profile.state == PointState::not_observed) continue;
        range.outcomes.push_back(outcome_of(entry, PICKET_TRY(words(entry.profile.message_id))));
    }
    if (!last) return range;
    if (auto gap = PICKET_TRY(gap_after(*last, to_milliseconds(to)))) {
        gap->from = std::max(gap->from, from);
        add_gap(range, *std::move(gap));
    }
    return range;
}

// From where the point does not speak any more to the next one, if that is later.
Result<std::optional<Gap>> HistoryReader::gap_after(const Entry& entry, std::int64_t next_ms) {
    const bool pause = entry.profile.state == PointState::not_observed;
    if (!pause && entry.profile.interval_ms == 0) return std::optional<Gap>();
    const std::int64_t from_ms = entry.at_ms + observed_after(entry, next_ms);
    if (from_ms >= next_ms) return std::optional<Gap>();
    Gap gap{from_milliseconds(from_ms), from_milliseconds(next_ms), {}};
    if (pause) gap.reason = outcome_of(entry, PICKET_TRY(words(entry.profile.message_id))).message;
    return std::optional<Gap>(std::move(gap));
}

Status HistoryReader::each_point(const std::string& check, WallTime from, WallTime to,
                                 const std::function<bool(const HistoryPoint&)>& visit) {
    const Asked asked = PICKET_TRY(ask(check));
    SeriesReader& series = *asked.series;
    Status found;
    PICKET_TRY(series.forwards(range_of(from, to), [&](const Entry& entry) {
        const auto text = words(entry.profile.message_id);
        if (!text) {
            found = tl::make_unexpected(text.error());
            return false;
        }
        return visit({.outcome = outcome_of(entry, *text),
                      .interval = std::chrono::milliseconds(entry.profile.interval_ms),
                      .pause = entry.profile.state == PointState::not_observed});
    }));
    return found;
}

Result<Tier> HistoryReader::finest_reaching(SeriesReader& series, std::int64_t from_ms) {
    for (const Tier tier : tiers) {
        if (PICKET_TRY(series.reaches(tier, from_ms))) return tier;
    }
    return Tier::hour;
}

Result<WindowTotals> HistoryReader::totals(const std::string& check, WallTime from, WallTime to) {
    const Asked asked = PICKET_TRY(ask(check));
    SeriesReader& series = *asked.series;
    const Tier tier = PICKET_TRY(finest_reaching(series, to_milliseconds(from)));
    const std::int64_t from_ms = floor_to(to_milliseconds(from), slot_ms(tier));
    const std::int64_t to_ms = std::max(floor_to(to_milliseconds(to), slot_ms(tier)), from_ms);
    Totals sum = PICKET_TRY(series.before(tier, to_ms));
    sum -= PICKET_TRY(series.before(tier, from_ms));
    WindowTotals totals{.from = from_milliseconds(from_ms), .to = from_milliseconds(to_ms)};
    totals.passed = sum.passed;
    totals.failed = sum.failed;
    totals.errored = sum.errored;
    totals.observed = std::clamp<Duration>(std::chrono::milliseconds(sum.observed_ms), Duration{0},
                                           totals.to - totals.from);
    totals.not_observed = totals.to - totals.from - totals.observed;
    totals.latency_passed_total = Duration(sum.latency_us);
    return totals;
}

// Sets `too_many` where there are more than are worth sorting; the rest then tells nothing.
Result<LatencySummary> HistoryReader::exact_latency(SeriesReader& series, SeriesReader::Range range,
                                                    bool& too_many) {
    std::vector<std::int64_t> latencies;
    PICKET_TRY(series.forwards(range, [&](const Entry& entry) {
        if (entry.profile.state != PointState::passed) return true;
        too_many = latencies.size() == latencies_max;
        if (!too_many) latencies.push_back(static_cast<std::int64_t>(entry.latency_us()));
        return !too_many;
    }));
    return summary_of(std::move(latencies));
}

Result<std::optional<LatencySummary>> HistoryReader::latency(const std::string& check,
                                                             WallTime from, WallTime to) {
    const Asked asked = PICKET_TRY(ask(check));
    SeriesReader& series = *asked.series;
    const SeriesReader::Range range = range_of(from, to);
    if (to - from <= exact_span_max) {
        bool too_many = false;
        const auto exact = PICKET_TRY(exact_latency(series, range, too_many));
        if (!too_many && exact.count > 0) return std::optional<LatencySummary>(exact);
    }
    const LatencySketch sketch = PICKET_TRY(series.latencies(range));
    if (sketch.count() == 0) return std::optional<LatencySummary>();
    return std::optional<LatencySummary>({sketch.count(), Duration(sketch.quantile(0.50)),
                                          Duration(sketch.quantile(0.95)),
                                          Duration(sketch.quantile(0.99))});
}

Result<std::vector<RollupPoint>> HistoryReader::rollups(const std::string& check, WallTime from,
                                                        WallTime to, Tier tier) {
    const Asked asked = PICKET_TRY(ask(check));
    SeriesReader& series = *asked.series;
    const SeriesReader::Range range{floor_to(to_milliseconds(from), slot_ms(tier)),
                                    to_milliseconds(to)};
    std::deque<RollupPoint> points;
    const auto add = [&](RollupPoint point) {
        points.push_back(point);
        if (points.size() > rollups_max) points.pop_front();
    };
    PICKET_TRY(series.blocks(tier, range, [&](const Block& block) {
        for (const Slot& slot : block.slots) {
            const std::int64_t at_ms = block.start_ms + slot.index * slot_ms(tier);
            if (!range.holds(at_ms)) continue;
            const RollupPoint point =
                rollup_point(at_ms, at_ms + slot_ms(tier), slot.totals, slot.sketch);
            // Nothing was observed in between; beyond what is given nobody counts.
            while (!points.empty() && points.back().at + points.back().length < point.at) {
                RollupPoint empty;
                empty.length = point.length;
                empty.at = std::max(points.back().at + point.length,
                                    point.at - std::int64_t{rollups_max} * point.length);
                add(empty);
            }
            add(point);
        }
    }));
    return std::vector<RollupPoint>(points.begin(), points.end());
}

Result<Tier> HistoryReader::tier_for(const std::string& check, WallTime from, WallTime to,
                                     std::int64_t points_max) {
    const Asked asked = PICKET_TRY(ask(check));
    SeriesReader& series = *asked.series;
    const Tier reaching = PICKET_TRY(finest_reaching(series, to_milliseconds(from)));
    for (const Tier tier : tiers) {
        const std::int64_t slots = (to_milliseconds(to) - to_milliseconds(from)) / slot_ms(tier);
        if (tier >= reaching && slots <= points_max) return tier;
    }
    return Tier::hour;
}

Result<std::vector<Transition>> HistoryReader::transitions(const std::string& check, WallTime from,
                                                           WallTime to) {
    const auto id = PICKET_TRY(check_id(check));
    auto rows = PICKET_TRY(database_.prepare_kept(
        fmt::format("SELECT {} FROM transitions WHERE check_id = ?1 AND at_ms >= ?2 AND at_ms < ?3 "
                    "ORDER BY id DESC LIMIT ?4",
                    transition_columns)));
    rows.bind(id, to_milliseconds(from), to_milliseconds(to), transitions_max);
    std::vector<Transition> found;
    while (PICKET_TRY(rows.step())) found.push_back(PICKET_TRY(transition_row(rows, check)));
    std::reverse(found.begin(), found.end());
    return found;
}

Result<std::vector<Outage>> HistoryReader::outages(const OutageQuery& query) {
    std::optional<std::int64_t> id;
    if (!query.check.empty()) id = PICKET_TRY(check_id(query.check));
    std::optional<std::int64_t> since;
    if (query.since) since = to_milliseconds(*query.since);
    std::optional<std::int64_t> until;
    if (query.until) until = to_milliseconds(*query.until);
    auto rows = PICKET_TRY(database_.prepare_kept(
        fmt::format("SELECT {} FROM {} WHERE (?1 IS NULL OR o.check_id = ?1) "
                    "AND (o.closed_ms IS NULL OR (NOT ?2 AND (?3 IS NULL OR o.closed_ms >= ?3))) "
                    "AND (?5 IS NULL OR o.opened_ms < ?5) "
                    "ORDER BY o.opened_ms DESC LIMIT ?4",
                    outage_columns, outage_tables)));
    rows.bind(id, static_cast<int>(query.open_only), since, outages_max, until);
    std::vector<Outage> found;
    while (PICKET_TRY(rows.step())) found.push_back(PICKET_TRY(outage_row(rows)));
    std::reverse(found.begin(), found.end());
    return found;
}

Result<Outage> HistoryReader::outage(const std::string& check, std::uint32_t epoch) {
    const auto id = PICKET_TRY(check_id(check));
    auto row = PICKET_TRY(database_.prepare_kept(
        fmt::format("SELECT {} FROM {} WHERE o.check_id = ?1 AND o.epoch = ?2", outage_columns,
                    outage_tables)));
    if (PICKET_TRY(row.bind(id, epoch).step())) return outage_row(row);
    return failure(Code::not_found, fmt::format("{}#{}: no such outage", check, epoch));
}

Result<std::optional<std::string>> HistoryReader::mesh_record(const std::string& kind,
                                                              const std::string& key) {
    auto row = PICKET_TRY(
        database_.prepare_kept("SELECT bytes FROM mesh_records WHERE kind = ?1 AND key = ?2"));
    row.bind(std::string_view(kind), std::string_view(key));
    if (PICKET_TRY(row.step())) return std::optional(row.blob(0));
    return std::optional<std::string>();
}

Result<std::optional<std::string>> HistoryReader::agent_fact(const std::string& key) {
    auto row = PICKET_TRY(database_.prepare_kept("SELECT value FROM agent_facts WHERE key = ?1"));
    if (PICKET_TRY(row.bind(std::string_view(key)).step())) return std::optional(row.text(0));
    return std::optional<std::string>();
}

Result<bool> HistoryReader::shares_verdicts() {
    auto row = PICKET_TRY(
        database_.prepare_kept("SELECT 1 FROM mesh_records WHERE kind = 'verdict' LIMIT 1"));
    return row.step();
}

Result<std::vector<std::string>> HistoryReader::check_names() {
    auto rows = PICKET_TRY(database_.prepare_kept("SELECT name FROM checks ORDER BY name"));
    std::vector<std::string> names;
    while (PICKET_TRY(rows.step())) names.push_back(text_column(rows, 0));
    return names;
}

}  // namespace picket::storage
