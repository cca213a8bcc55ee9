#include "storage/history_tables.h"

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"

namespace picket::storage {

namespace {

std::int64_t hour_of(WallTime time) {
    return std::chrono::floor<std::chrono::hours>(time.time_since_epoch()).count();
}

std::optional<std::int64_t> to_milliseconds_if_any(const std::optional<WallTime>& time) {
    if (!time) return std::nullopt;
    return to_milliseconds(*time);
}

std::string_view cut(const std::string& message) {
    return cut_text(message, limits::message_bytes_max);
}

}  // namespace

Result<HistoryTables> HistoryTables::create(Database& database) {
    auto find_check = PICKET_TRY(database.prepare("SELECT id, type FROM checks WHERE name = ?1"));
    auto insert_check = PICKET_TRY(
        database.prepare("INSERT INTO checks (name, type, first_seen_ms) VALUES (?1, ?2, ?3)"));
    auto retype_check = PICKET_TRY(database.prepare("UPDATE checks SET type = ?2 WHERE id = ?1"));
    auto find_message =
        PICKET_TRY(database.prepare("SELECT id, last_used_hour FROM messages WHERE text = ?1"));
    auto insert_message =
        PICKET_TRY(database.prepare("INSERT INTO messages (text, last_used_hour) VALUES (?1, ?2)"));
    auto touch_message =
        PICKET_TRY(database.prepare("UPDATE messages SET last_used_hour = ?2 WHERE id = ?1"));
    auto insert_transition = PICKET_TRY(database.prepare(
        "INSERT INTO transitions (check_id, at_ms, epoch, state, outage_scope, since_ms, "
        "first_failure_ms, failure_class, message) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"));
    auto put_outage = PICKET_TRY(database.prepare(
        "INSERT INTO outages (check_id, epoch, scope, opened_ms, closed_ms, first_failure_ms, "
        "failure_class, message) VALUES (?1, ?2, iif(?3 = '', 'total', ?3), ?4, ?5, ?6, ?7, ?8) "
        "ON CONFLICT (check_id, epoch) DO UPDATE SET scope = iif(?3 = '', scope, ?3), "
        "opened_ms = ?4, closed_ms = ?5, first_failure_ms = ?6, "
        "failure_class = iif(?7 = 0, failure_class, ?7), message = iif(?8 = '', message, ?8)"));
    auto put_agent_fact = PICKET_TRY(
        database.prepare("INSERT OR REPLACE INTO agent_facts (key, value) VALUES (?1, ?2)"));
    auto put_mesh_record = PICKET_TRY(
        database.prepare("INSERT OR REPLACE INTO mesh_records (kind, key, forget_ms, bytes) "
                         "VALUES (?1, ?2, ?3, ?4)"));
    auto forget_mesh_record =
        PICKET_TRY(database.prepare("DELETE FROM mesh_records WHERE kind = ?1 AND key = ?2"));
    auto series = PICKET_TRY(SeriesTables::create(database));
    return HistoryTables(
        Statements{std::move(find_check), std::move(insert_check), std::move(retype_check),
                   std::move(find_message), std::move(insert_message), std::move(touch_message),
                   std::move(insert_transition), std::move(put_outage), std::move(put_agent_fact),
                   std::move(put_mesh_record), std::move(forget_mesh_record)},
        std::move(series));
}

void HistoryTables::forget_ids() {
    checks_.clear();
    messages_.clear();
}

Status HistoryTables::write(Database& database, const Batch& batch, Durability durability) {
    auto written = write_all(database, batch, durability);
    if (!written) forget_ids();
    return written;
}

Status HistoryTables::write_all(Database& database, const Batch& batch, Durability durability) {
    auto transaction = PICKET_TRY(Transaction::begin(database, durability));
    for (const Fact& fact : batch.facts) {
        PICKET_TRY(std::visit([&](const auto& each) { return write_fact(database, each); }, fact));
    }
    std::vector<JournalEntry> entries;
    entries.reserve(batch.outcomes.size());
    for (const HistoryRow& row : batch.outcomes) {
        entries.push_back(PICKET_TRY(journal_entry(database, row)));
    }
    std::int64_t journal_row = 0;
    if (!entries.empty()) journal_row = PICKET_TRY(series_.write(entries));
    PICKET_TRY(transaction.commit());
    if (!entries.empty()) series_.on_committed(journal_row, entries);
    return {};
}

Result<JournalEntry> HistoryTables::journal_entry(Database& database, const HistoryRow& row) {
    const OutcomeRecord& outcome = row.outcome;
    JournalEntry entry;
    entry.check_id =
        PICKET_TRY(check_id(database, row.check, checks::to_text(row.type), outcome.at));
    entry.entry.at_ms = std::clamp(to_milliseconds(outcome.at), at_ms_min, at_ms_max);
    Profile& profile = entry.entry.profile;
    if (row.pause) {
        profile.message_id = PICKET_TRY(message_id(database, cut(outcome.message), outcome.at));
        profile.state = PointState::not_observed;
        return entry;
    }
    Worded worded = wordings_.split(entry.check_id, cut(outcome.message), outcome.latency);
    profile.message_id = PICKET_TRY(message_id(database, worded.words, outcome.at));
    profile.figure_count = static_cast<std::uint8_t>(worded.figures.size());
    entry.entry.figures = std::move(worded.figures);
    profile.state = static_cast<PointState>(outcome.finding);
    profile.failure_class = outcome.failure_class;
    profile.interval_ms = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(row.interval / std::chrono::milliseconds(1), 0, UINT32_MAX));
    entry.entry.latency_code = latency_code(outcome.latency.count());
    return entry;
}

Status HistoryTables::write_fact(Database& database, const Transition& transition) {
    const auto check = PICKET_TRY(check_id(database, transition.check, {}, transition.at));
    return statements_.insert_transition
        .bind(check, to_milliseconds(transition.at), transition.epoch,
              std::string_view(transition.state), std::string_view(transition.outage_scope),
              to_milliseconds_if_any(transition.since),
              to_milliseconds_if_any(transition.first_failure),
              static_cast<int>(transition.failure_class), cut(transition.message))
        .run();
}

Status HistoryTables::write_fact(Database& database, const Outage& outage) {
    const auto check = PICKET_TRY(check_id(database, outage.check, {}, outage.opened));
    return statements_.put_outage
        .bind(check, outage.epoch, std::string_view(outage.scope), to_milliseconds(outage.opened),
              to_milliseconds_if_any(outage.closed), to_milliseconds(outage.first_failure),
              static_cast<int>(outage.failure_class), cut(outage.message))
        .run();
}

Status HistoryTables::write_fact(Database& /*database*/, const AgentFact& fact) {
    return statements_.put_agent_fact.bind(std::string_view(fact.key), std::string_view(fact.value))
        .run();
}

Status HistoryTables::write_fact(Database& /*database*/, const MeshRecord& record) {
    const std::string_view kind = record.kind;
    const std::string_view key = record.key;
    if (!record.bytes) return statements_.forget_mesh_record.bind(kind, key).run();
    PICKET_ASSERT(record.bytes->size() <= mesh_record_bytes_max);
    return statements_.put_mesh_record
        .bind(kind, key, to_milliseconds_if_any(record.forget_at), Blob{*record.bytes})
        .run();
}

Result<std::int64_t> HistoryTables::check_id(Database& database, const std::string& name,
                                             std::string_view type, WallTime at) {
    auto known = checks_.find(name);
    if (known == checks_.end()) {
        CheckId found;
        auto& find = statements_.find_check.bind(std::string_view(name));
        if (PICKET_TRY(find.step())) {
            found = {find.integer(0), find.text(1)};
            find.reset();
        } else {
            PICKET_TRY(
                statements_.insert_check.bind(std::string_view(name), type, to_milliseconds(at))
                    .run());
            found = {database.last_row_id(), std::string(type)};
        }
        if (checks_.size() >= limits::checks_max) checks_.clear();
        known = checks_.emplace(name, std::move(found)).first;
    }
    // The check was asked under another type before, or not at all.
    if (!type.empty() && known->second.type != type) {
        PICKET_TRY(statements_.retype_check.bind(known->second.id, type).run());
        known->second.type = type;
    }
    return known->second.id;
}

Result<std::uint32_t> HistoryTables::message_id(Database& database, std::string_view text,
                                                WallTime at) {
    if (text.empty()) return 0;
    const auto hour = hour_of(at);
    auto known = messages_.find(text);
    if (known == messages_.end()) {
        MessageId found{};
        auto& find = statements_.find_message.bind(text);
        if (PICKET_TRY(find.step())) {
            found = {find.integer(0), find.integer(1)};
            find.reset();
        } else {
            PICKET_TRY(statements_.insert_message.bind(text, hour).run());
            found = {database.last_row_id(), hour};
        }
        if (messages_.size() >= messages_cached_max) messages_.clear();
        known = messages_.emplace(text, found).first;
    }
    if (known->second.last_used_hour < hour) {
        PICKET_TRY(statements_.touch_message.bind(known->second.id, hour).run());
        known->second.last_used_hour = hour;
    }
    return static_cast<std::uint32_t>(known->second.id);
}

}  // namespace picket::storage
