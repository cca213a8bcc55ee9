#include "storage/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "agent/base/limits.h"
#include "storage/database.h"
#include "storage/row_reading.h"
#include "storage/series_tables.h"

namespace picket::storage {

namespace {

struct NamedId {
    std::int64_t id;
    std::size_t index;  // In Loaded::checks.
};

Result<std::vector<NamedId>> load_names(Database& database, std::vector<StoredCheck>& checks) {
    auto rows = PICKET_TRY(database.prepare(
        "SELECT id, name, type FROM (SELECT * FROM checks ORDER BY id DESC LIMIT ?1) "
        "ORDER BY name"));
    rows.bind(limits::checks_max);
    std::vector<NamedId> ids;
    while (PICKET_TRY(rows.step())) {
        ids.push_back({rows.integer(0), checks.size()});
        StoredCheck check;
        check.name = text_column(rows, 1);
        check.type = text_column(rows, 2);
        checks.push_back(std::move(check));
    }
    return ids;
}

Status load_verdict(Statement& query, std::int64_t id, StoredCheck& check) {
    query.bind(id);
    if (PICKET_TRY(query.step())) check.verdict = PICKET_TRY(transition_row(query, check.name));
    query.reset();
    return {};
}

// Of a check that asks ever so often, the last hour's beginning is not worth more.
constexpr std::size_t recent_entries_max = 16'384;

Result<std::vector<Entry>> newest_entries(Statement& chunks, const OpenSeries* open,
                                          std::int64_t id, std::int64_t from_ms) {
    std::vector<Entry> newest;
    if (open != nullptr) newest = open->entries();
    // Chunks backwards, until one begins before the hour; at least one entry in all.
    chunks.bind(id);
    while (newest.empty() || newest.front().at_ms > from_ms) {
        if (!PICKET_TRY(chunks.step())) break;
        auto chunk = decode_chunk(chunks.blob(0));
        if (!chunk) return tl::make_unexpected(chunks.corrupt(chunk.error().message()));
        newest.insert(newest.begin(), chunk->begin(), chunk->end());
        if (newest.size() > recent_entries_max) break;
    }
    chunks.reset();
    return newest;
}

void add_recent(std::vector<Bucket>& recent, const Entry& entry) {
    const std::int64_t bucket_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(recent_bucket).count();
    const WallTime start = from_milliseconds(floor_to(entry.at_ms, bucket_ms));
    auto place = std::lower_bound(recent.begin(), recent.end(), start,
                                  [](const Bucket& each, WallTime at) { return each.start < at; });
    if (place == recent.end() || place->start != start) {
        place = recent.insert(place, Bucket{.start = start});
    }
    if (entry.profile.state == PointState::passed) {
        ++place->passed;
        place->latency_passed_total += Duration(entry.latency_us());
    } else {
        ++(entry.profile.state == PointState::failed ? place->failed : place->errored);
    }
}

Status load_newest(Statement& message, std::span<const Entry> entries, WallTime now,
                   StoredCheck& check) {
    const auto is_outcome = [](const Entry& entry) {
        return entry.profile.state != PointState::not_observed;
    };
    const auto last = std::find_if(entries.rbegin(), entries.rend(), is_outcome);
    if (last == entries.rend()) return {};
    std::string text;
    if (last->profile.message_id != 0) {
        message.bind(last->profile.message_id);
        if (PICKET_TRY(message.step())) text = message.text(0);
        message.reset();
    }
    check.last = outcome_of(*last, text);
    const std::int64_t from_ms = to_milliseconds(now - recent_span);
    const std::int64_t to_ms = to_milliseconds(now);
    for (const Entry& entry : entries) {
        if (!is_outcome(entry) || entry.at_ms <= from_ms || entry.at_ms > to_ms) continue;
        add_recent(check.recent, entry);
    }
    return {};
}

Status load_checks(Database& database, const SeriesTables& series, WallTime now,
                   std::vector<StoredCheck>& checks) {
    const auto ids = PICKET_TRY(load_names(database, checks));
    auto verdict = PICKET_TRY(database.prepare(
        fmt::format("SELECT {} FROM transitions WHERE check_id = ?1 ORDER BY id DESC LIMIT 1",
                    transition_columns)));
    auto message = PICKET_TRY(database.prepare("SELECT text FROM messages WHERE id = ?1"));
    auto chunks = PICKET_TRY(
        database.prepare("SELECT entries FROM chunks WHERE check_id = ?1 ORDER BY last_ms DESC"));
    const std::int64_t from_ms = to_milliseconds(now - recent_span);
    for (const NamedId& each : ids) {
        StoredCheck& check = checks[each.index];
        PICKET_TRY(load_verdict(verdict, each.id, check));
        const std::vector<Entry> newest =
            PICKET_TRY(newest_entries(chunks, series.open_series(each.id), each.id, from_ms));
        PICKET_TRY(load_newest(message, newest, now, check));
    }
    return {};
}

Status load_open_outages(Database& database, std::vector<Outage>& outages) {
    auto rows = PICKET_TRY(database.prepare(
        fmt::format("SELECT {} FROM {} WHERE o.closed_ms IS NULL ORDER BY o.opened_ms LIMIT ?1",
                    outage_columns, outage_tables)));
    rows.bind(limits::checks_max);
    while (PICKET_TRY(rows.step())) outages.push_back(PICKET_TRY(outage_row(rows)));
    return {};
}

Status load_agent_facts(Database& database, std::map<std::string, std::string>& facts) {
    auto rows = PICKET_TRY(
        database.prepare("SELECT key, value FROM agent_facts WHERE key < ?1 OR key >= ?2"));
    rows.bind(check_keys_begin, check_keys_end);
    while (PICKET_TRY(rows.step())) facts.emplace(rows.text(0), rows.text(1));
    return {};
}

Status load_mesh_records(Database& database, WallTime now, std::vector<MeshRecord>& records) {
    auto rows = PICKET_TRY(
        database.prepare("SELECT kind, key, forget_ms, bytes FROM mesh_records "
                         "WHERE forget_ms IS NULL OR forget_ms > ?1 ORDER BY kind, key LIMIT ?2"));
    rows.bind(to_milliseconds(now), mesh_records_max);
    while (PICKET_TRY(rows.step())) {
        records.push_back({rows.text(0), rows.text(1), rows.blob(3), time_column_if_any(rows, 2)});
    }
    return {};
}

}  // namespace

Result<Loaded> load(Database& database, const SeriesTables& series, WallTime now) {
    Loaded loaded;
    PICKET_TRY(load_checks(database, series, now, loaded.checks));
    PICKET_TRY(load_open_outages(database, loaded.open_outages));
    PICKET_TRY(load_agent_facts(database, loaded.agent_facts));
    PICKET_TRY(load_mesh_records(database, now, loaded.mesh_records));
    return loaded;
}

}  // namespace picket::storage
