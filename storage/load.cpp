#include "storage/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/base/limits.h"
#include "storage/row_reading.h"

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

Status load_last(Statement& query, std::int64_t id, StoredCheck& check) {
    query.bind(id);
    if (PICKET_TRY(query.step())) check.last = PICKET_TRY(outcome_row(query));
    query.reset();
    return {};
}

// Requires `query` bound by id, from, to and bucket length, all in milliseconds.
Status load_recent(Statement& query, StoredCheck& check) {
    while (PICKET_TRY(query.step())) {
        Bucket bucket;
        bucket.start = time_column(query, 0);
        bucket.passed = static_cast<std::uint32_t>(query.integer(1));
        bucket.failed = static_cast<std::uint32_t>(query.integer(2));
        bucket.errored = static_cast<std::uint32_t>(query.integer(3));
        bucket.latency_passed_total = Duration(query.integer(4));
        check.recent.push_back(bucket);
    }
    query.reset();
    return {};
}

Status load_checks(Database& database, WallTime now, std::vector<StoredCheck>& checks) {
    const auto ids = PICKET_TRY(load_names(database, checks));
    auto verdict = PICKET_TRY(database.prepare(
        fmt::format("SELECT {} FROM transitions WHERE check_id = ?1 ORDER BY id DESC LIMIT 1",
                    transition_columns)));
    auto last = PICKET_TRY(database.prepare(
        fmt::format("SELECT {} FROM {} WHERE o.check_id = ?1 ORDER BY o.at_ms DESC LIMIT 1",
                    outcome_columns, outcome_tables)));
    auto recent = PICKET_TRY(database.prepare(
        "SELECT at_ms / ?4 * ?4 AS start, sum(finding = 0), sum(finding = 1), sum(finding = 2), "
        "sum(CASE finding WHEN 0 THEN latency_us ELSE 0 END) FROM outcomes "
        "WHERE check_id = ?1 AND at_ms > ?2 AND at_ms <= ?3 GROUP BY start ORDER BY start"));
    const auto bucket_ms = std::chrono::duration_cast<std::chrono::milliseconds>(recent_bucket);
    for (const NamedId& each : ids) {
        StoredCheck& check = checks[each.index];
        PICKET_TRY(load_verdict(verdict, each.id, check));
        PICKET_TRY(load_last(last, each.id, check));
        recent.bind(each.id, to_milliseconds(now - recent_span), to_milliseconds(now),
                    bucket_ms.count());
        PICKET_TRY(load_recent(recent, check));
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
    auto rows = PICKET_TRY(database.prepare("SELECT key, value FROM agent_facts"));
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

Result<Loaded> load(Database& database, WallTime now) {
    Loaded loaded;
    PICKET_TRY(load_checks(database, now, loaded.checks));
    PICKET_TRY(load_open_outages(database, loaded.open_outages));
    PICKET_TRY(load_agent_facts(database, loaded.agent_facts));
    PICKET_TRY(load_mesh_records(database, now, loaded.mesh_records));
    return loaded;
}

}  // namespace picket::storage
