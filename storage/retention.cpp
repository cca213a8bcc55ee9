#include "storage/retention.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/base/assert.h"
#include "storage/database.h"
#include "storage/load.h"
#include "storage/series_tables.h"

namespace picket::storage {

namespace {

constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t horizon_step_ms_min = 1'000;
constexpr std::int64_t horizon_steps = 50;

// The statements are prepared for each step: a few microseconds, and no memory
// while there is nothing to do.
template <typename... Values>
Result<std::int64_t> change(Database& database, std::string_view sql, const Values&... values) {
    auto statement = PICKET_TRY(database.prepare(sql));
    PICKET_TRY(statement.bind(values...).run());
    return database.rows_changed();
}

template <typename... Values>
Result<std::optional<std::int64_t>> find(Database& database, std::string_view sql,
                                         const Values&... values) {
    auto statement = PICKET_TRY(database.prepare(sql));
    statement.bind(values...);
    if (!PICKET_TRY(statement.step())) return std::optional<std::int64_t>();
    return statement.integer_if_any(0);
}

// Of what one step may delete.
std::int64_t rows_left(const Pruned& pruned, const RetentionLimits& limits) {
    return std::max<std::int64_t>(limits.rows_per_step_max - pruned.rows, 0);
}

}  // namespace

Result<Pruned> Retention::step(Database& database, SeriesTables& series, WallTime now,
                               const RetentionLimits& limits) {
    PICKET_ASSERT(limits.rows_per_step_max > 0 && limits.checks_per_step_max > 0);
    PICKET_ASSERT(limits.messages_per_step_max > 0 && limits.pages_per_step_max > 0);
    PICKET_ASSERT(limits.check_keys_per_step_max > 0);
    if (!in_pass_) begin_pass(now, limits);
    if (phase_ == Phase::damage) return step_damage(database, limits);
    gone_.clear();
    Pruned pruned;
    auto transaction = PICKET_TRY(Transaction::begin(database));
    switch (phase_) {
        case Phase::damage:
            break;
        case Phase::checks:
            PICKET_TRY(step_checks(database, series, limits, pruned));
            break;
        case Phase::check_keys:
            PICKET_TRY(step_check_keys(database, limits, pruned));
            break;
        case Phase::messages:
            PICKET_TRY(step_messages(database, limits, pruned));
            break;
        case Phase::pages:
            PICKET_TRY(step_pages(database, limits, pruned));
            break;
    }
    PICKET_TRY(transaction.commit());
    for (const std::int64_t check : gone_) series.forget(check);
    gone_.clear();
    return pruned;
}

void Retention::begin_pass(WallTime now, const RetentionLimits& limits) {
    in_pass_ = true;
    phase_ = Phase::damage;
    pages_checked_ = 0;
    cursor_ = 0;
    now_ms_ = to_milliseconds(now);
    horizon_ms_ = std::max(to_milliseconds(now - limits.outcomes_age), size_horizon_ms_);
    facts_horizon_ms_ = to_milliseconds(now - limits.facts_age);
    gone_.clear();
    const std::int64_t tier_horizon_ms = size_horizon_ms_;
    tier_horizons_ms_ = {std::max(to_milliseconds(now - limits.minutes_age), tier_horizon_ms),
                         std::max(to_milliseconds(now - limits.five_minutes_age), tier_horizon_ms),
                         to_milliseconds(now - limits.hours_age)};
    if (only_hours_left_) {
        tier_horizons_ms_.back() = std::max(tier_horizons_ms_.back(), size_horizon_ms_);
    }
    oldest_ms_ = oldest_block_ms_ = INT64_MAX;
    newest_ms_ = newest_block_ms_ = INT64_MIN;
    outcomes_left_ = false;
}

Result<Pruned> Retention::step_damage(Database& database, const RetentionLimits& limits) {
    // Somewhere else after each start, so that no part waits for ever.
    if (next_page_ < 0) {
        const auto pages = PICKET_TRY(database.integer("PRAGMA page_count"));
        next_page_ = floor_to(now_ms_ / 1'000 % std::max<std::int64_t>(pages, 1), 64);
    }
    const auto count =
        std::min(limits.pages_per_step_max, limits.checked_pages_max - pages_checked_);
    auto checked = database.check_pages(next_page_, count);
    if (!checked && checked.error().code() == Code::corrupt) {
        // A page that a loss of power left half written is whole in the log.
        PICKET_TRY(database.execute("PRAGMA wal_checkpoint(PASSIVE)"));
        checked = database.check_pages(next_page_, count);
    }
    const std::int64_t found = PICKET_TRY(Result<std::int64_t>(checked));
    const bool at_end = found < count;
    next_page_ = at_end ? 0 : next_page_ + found;
    pages_checked_ += count;
    if (at_end || pages_checked_ >= limits.checked_pages_max) phase_ = Phase::checks;
    Pruned pruned;
    pruned.more = true;
    return pruned;
}

Status Retention::step_checks(Database& database, SeriesTables& series,
                              const RetentionLimits& limits, Pruned& pruned) {
    pruned.more = true;
    for (std::int64_t count = 0; count < limits.checks_per_step_max; ++count) {
        const auto next = PICKET_TRY(
            find(database, "SELECT id FROM checks WHERE id > ?1 ORDER BY id LIMIT 1", cursor_));
        if (!next) {
            phase_ = Phase::check_keys;
            key_cursor_ = check_keys_begin;
            return {};
        }
        cursor_ = *next;
        PICKET_TRY(step_check(database, series, limits, pruned));
        if (rows_left(pruned, limits) == 0) {
            cursor_ = *next - 1;  // There may be more of this one.
            return {};
        }
    }
    return {};
}

Status Retention::step_series(Database& database, const RetentionLimits& limits, Pruned& pruned) {
    pruned.rows += PICKET_TRY(
        change(database,
               "DELETE FROM chunks WHERE id IN (SELECT id FROM chunks WHERE check_id = ?1 "
               "AND last_ms < ?2 ORDER BY last_ms LIMIT ?3)",
               cursor_, horizon_ms_, rows_left(pruned, limits)));
    for (const Tier tier : tiers) {
        pruned.rows += PICKET_TRY(
            change(database,
                   "DELETE FROM blocks WHERE id IN (SELECT id FROM blocks WHERE check_id = ?1 "
                   "AND tier = ?2 AND start_ms < ?3 ORDER BY start_ms LIMIT ?4)",
                   cursor_, static_cast<int>(tier),
                   tier_horizons_ms_.at(static_cast<std::size_t>(tier)) - block_ms(tier),
                   rows_left(pruned, limits)));
    }
    return {};
}

Result<bool> Retention::has_series(Database& database, const OpenSeries* open) {
    const auto note = [this](std::int64_t at_ms) {
        oldest_ms_ = std::min(oldest_ms_, at_ms);
        newest_ms_ = std::max(newest_ms_, at_ms);
    };
    const auto oldest =
        PICKET_TRY(find(database, "SELECT min(last_ms) FROM chunks WHERE check_id = ?1", cursor_));
    if (oldest) {
        const auto newest = PICKET_TRY(
            find(database, "SELECT max(last_ms) FROM chunks WHERE check_id = ?1", cursor_));
        note(*oldest);
        note(newest.value_or(*oldest));
        outcomes_left_ = outcomes_left_ || *oldest < newest.value_or(*oldest);
    }
    const auto block = PICKET_TRY(
        find(database, "SELECT min(start_ms) FROM blocks WHERE check_id = ?1 AND tier = ?2",
             cursor_, static_cast<int>(Tier::hour)));
    if (block) {
        oldest_block_ms_ = std::min(oldest_block_ms_, *block);
        newest_block_ms_ = std::max(newest_block_ms_, now_ms_);
    }
    const bool open_is_young = open != nullptr && open->last().at_ms >= horizon_ms_;
    return oldest || block || open_is_young;
}

Status Retention::step_facts(Database& database, const RetentionLimits& limits, Pruned& pruned) {
    // Each looks at a bounded number of rows, the oldest ones.
    pruned.rows += PICKET_TRY(change(
        database,
        "DELETE FROM outages WHERE check_id = ?1 AND epoch IN (SELECT epoch FROM (SELECT epoch, "
        "closed_ms FROM outages WHERE check_id = ?1 ORDER BY epoch LIMIT ?3) "
        "WHERE closed_ms < ?2)",
        cursor_, facts_horizon_ms_, rows_left(pruned, limits)));
    pruned.rows += PICKET_TRY(change(
        database,
        "DELETE FROM transitions WHERE id IN (SELECT id FROM (SELECT id, at_ms FROM transitions "
        "WHERE check_id = ?1 ORDER BY id LIMIT ?3) WHERE at_ms < ?2) "
        "AND id < (SELECT max(id) FROM transitions WHERE check_id = ?1)",
        cursor_, facts_horizon_ms_, rows_left(pruned, limits)));
    return {};
}

Status Retention::step_check(Database& database, SeriesTables& series,
                             const RetentionLimits& limits, Pruned& pruned) {
    PICKET_TRY(step_series(database, limits, pruned));
    PICKET_TRY(step_facts(database, limits, pruned));
    if (rows_left(pruned, limits) == 0) return {};

    if (PICKET_TRY(has_series(database, series.open_series(cursor_)))) return {};
    // Nothing was asked for so long that all is gone: then so is the check.
    const auto gone = PICKET_TRY(
        change(database,
               "DELETE FROM checks WHERE id = ?1 AND first_seen_ms < ?2 "
               "AND NOT EXISTS (SELECT 1 FROM outages WHERE check_id = ?1) "
               "AND NOT EXISTS (SELECT 1 FROM transitions WHERE check_id = ?1 AND at_ms >= ?2)",
               cursor_, facts_horizon_ms_));
    if (gone == 0) return {};
    pruned.ids_changed = true;
    gone_.push_back(cursor_);
    PICKET_TRY(change(database, "DELETE FROM transitions WHERE check_id = ?1", cursor_));
    PICKET_TRY(change(database, "DELETE FROM heads WHERE check_id = ?1", cursor_));
    return {};
}

// A verdict may be held long after all else is too old, and is read when its check comes back.
// Its key begins with that of the check, all in hexadecimal digits.
Status Retention::step_check_keys(Database& database, const RetentionLimits& limits,
                                  Pruned& pruned) {
    pruned.more = true;
    auto looked_at = PICKET_TRY(
        database.prepare("SELECT max(key) FROM (SELECT key FROM agent_facts WHERE key > ?1 "
                         "AND key < ?2 ORDER BY key LIMIT ?3)"));
    looked_at.bind(std::string_view(key_cursor_), check_keys_end, limits.check_keys_per_step_max);
    PICKET_TRY(looked_at.step());
    const std::string last = looked_at.text(0);
    looked_at.reset();
    if (last.empty()) {
        phase_ = Phase::messages;
        cursor_ = 0;
        return {};
    }
    pruned.rows += PICKET_TRY(
        change(database,
               "DELETE FROM agent_facts WHERE key > ?1 AND key <= ?2 "
               "AND NOT EXISTS (SELECT 1 FROM checks WHERE name = substr(agent_facts.key, ?3)) "
               "AND NOT EXISTS (SELECT 1 FROM mesh_records WHERE kind = 'verdict' "
               "AND mesh_records.key >= value AND mesh_records.key < value || 'g')",
               std::string_view(key_cursor_), std::string_view(last),
               static_cast<std::int64_t>(check_keys_begin.size() + 1)));
    key_cursor_ = last;
    return {};
}

Status Retention::step_messages(Database& database, const RetentionLimits& limits, Pruned& pruned) {
    pruned.more = true;
    pruned.rows += PICKET_TRY(
        change(database,
               "DELETE FROM mesh_records WHERE (kind, key) IN (SELECT kind, key FROM mesh_records "
               "WHERE forget_ms <= ?1 LIMIT ?2)",
               now_ms_, rows_left(pruned, limits)));
    const auto last = PICKET_TRY(
        find(database,
             "SELECT max(id) FROM (SELECT id FROM messages WHERE id > ?1 ORDER BY id LIMIT ?2)",
             cursor_, limits.messages_per_step_max));
    if (!last) {
        phase_ = Phase::pages;
        return {};
    }
    // An hour of grace: a chunk goes when the newest of its outcomes is too old.
    const auto deleted = PICKET_TRY(
        change(database, "DELETE FROM messages WHERE id > ?1 AND id <= ?2 AND last_used_hour < ?3",
               cursor_, *last, horizon_ms_ / hour_ms - 1));
    pruned.rows += deleted;
    pruned.ids_changed = pruned.ids_changed || deleted > 0;
    cursor_ = *last;
    return {};
}

Status Retention::step_pages(Database& database, const RetentionLimits& limits, Pruned& pruned) {
    const auto page_bytes = PICKET_TRY(database.integer("PRAGMA page_size"));
    const auto pages = PICKET_TRY(database.integer("PRAGMA page_count"));
    const auto free_pages = PICKET_TRY(database.integer("PRAGMA freelist_count"));

    const auto excess = free_pages - limits.free_pages_max;
    if (excess > 0) {
        const auto count = std::min(excess, limits.pages_per_step_max);
        PICKET_TRY(change(database, fmt::format("PRAGMA incremental_vacuum({})", count)));
        pruned.more = true;
        return {};
    }
    in_pass_ = false;
    const bool too_big = (pages - free_pages) * page_bytes > limits.size_bytes_max;
    only_hours_left_ = !outcomes_left_;
    if (only_hours_left_) {
        oldest_ms_ = oldest_block_ms_;
        newest_ms_ = newest_block_ms_;
    }
    // Always onwards, also where the pass before found nothing that could go.
    const std::int64_t begin_ms = std::max(oldest_ms_, size_horizon_ms_);
    if (!too_big || begin_ms > newest_ms_) {
        size_horizon_ms_ = INT64_MIN;
        only_hours_left_ = false;
        return {};
    }
    size_horizon_ms_ =
        begin_ms + std::max((newest_ms_ - oldest_ms_) / horizon_steps, horizon_step_ms_min);
    pruned.more = true;
    return {};
}

}  // namespace picket::storage
