#include "storage/schema.h"

#include <fmt/format.h>

#include <array>

#include "agent/base/assert.h"
#include "checks/outcome.h"
#include "storage/convert_rows.h"

namespace picket::storage {

namespace {

// Marks the file as picket's: "pckt".
constexpr std::int64_t application_id = 0x70636b74;

// Outcomes hold these two as numbers; a number once stored keeps its meaning.
using checks::FailureClass;
using checks::Finding;
static_assert(static_cast<int>(Finding::passed) == 0 && static_cast<int>(Finding::failed) == 1 &&
              static_cast<int>(Finding::errored) == 2);
static_assert(
    static_cast<int>(FailureClass::none) == 0 && static_cast<int>(FailureClass::refused) == 1 &&
    static_cast<int>(FailureClass::timeout) == 2 &&
    static_cast<int>(FailureClass::unreachable) == 3 && static_cast<int>(FailureClass::dns) == 4 &&
    static_cast<int>(FailureClass::tls) == 5 && static_cast<int>(FailureClass::status) == 6 &&
    static_cast<int>(FailureClass::content) == 7 && static_cast<int>(FailureClass::protocol) == 8 &&
    static_cast<int>(FailureClass::certificate) == 9 &&
    static_cast<int>(FailureClass::latency) == 10 && static_cast<int>(FailureClass::plugin) == 11 &&
    static_cast<int>(FailureClass::local) == 12);

// `message_id` 0 is no message. `last_used_hour` is at least the hour of every outcome
// that refers to the message, so retention can tell which are no longer needed.
// Transitions are ordered by id, not by time: a clock may step back.
constexpr const char* first_schema = R"(
CREATE TABLE checks (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    first_seen_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE,
    last_used_hour INTEGER NOT NULL
) STRICT;
CREATE TABLE outcomes (
    check_id INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    finding INTEGER NOT NULL,
    failure_class INTEGER NOT NULL,
    latency_us INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (check_id, at_ms)
) WITHOUT ROWID, STRICT;
CREATE TABLE transitions (
    id INTEGER PRIMARY KEY,
    check_id INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    state TEXT NOT NULL,
    outage_scope TEXT NOT NULL,
    since_ms INTEGER,
    first_failure_ms INTEGER,
    failure_class INTEGER NOT NULL,
    message TEXT NOT NULL
) STRICT;
CREATE INDEX transitions_of_check ON transitions (check_id);
CREATE TABLE outages (
    check_id INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    scope TEXT NOT NULL,
    opened_ms INTEGER NOT NULL,
    closed_ms INTEGER,
    first_failure_ms INTEGER NOT NULL,
    failure_class INTEGER NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (check_id, epoch)
) WITHOUT ROWID, STRICT;
CREATE INDEX outages_by_time ON outages (opened_ms);
CREATE INDEX outages_open ON outages (opened_ms) WHERE closed_ms IS NULL;
CREATE TABLE agent_facts (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID, STRICT;
)";

constexpr const char* second_schema = R"(
CREATE TABLE mesh_records (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    forget_ms INTEGER,
    bytes BLOB NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID, STRICT;
CREATE INDEX mesh_records_to_forget ON mesh_records (forget_ms) WHERE forget_ms IS NOT NULL;
)";

// Outcomes in compressed chunks (series.h) and what they add up to (rollup.h).
// `entries`, `head` and `slots` are what the codecs of those parts write.
// The rows of `journal`, `chunks` and `blocks` are appended, so their pages are full;
// one index each finds them by check and time.
constexpr const char* third_schema = R"(
CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    entries BLOB NOT NULL
) STRICT;
CREATE TABLE heads (
    check_id INTEGER PRIMARY KEY,
    journal_id INTEGER NOT NULL,
    head BLOB NOT NULL
) STRICT;
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY,
    check_id INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    count INTEGER NOT NULL,
    entries BLOB NOT NULL
) STRICT;
CREATE INDEX chunks_by_time ON chunks (check_id, last_ms, first_ms);
CREATE TABLE blocks (
    id INTEGER PRIMARY KEY,
    check_id INTEGER NOT NULL,
    tier INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    sketch BLOB NOT NULL,
    slots BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX blocks_by_time ON blocks (check_id, tier, start_ms);
)";

// The tables stay: rows of `journal` that are written from here on are of version 2
// (journal.h), which earlier releases would take for damage.
constexpr const char* fourth_schema = "";

constexpr std::array known_migrations{Migration{.version = 1, .sql = first_schema},
                                      Migration{.version = 2, .sql = second_schema},
                                      Migration{.version = 3,
                                                .sql = third_schema,
                                                .convert = convert_outcome_rows,
                                                .sql_after = "DROP TABLE outcomes"},
                                      Migration{.version = 4, .sql = fourth_schema}};

// Files of this version and later have checksums in their pages.
constexpr std::int64_t checksummed_since = 3;

// The version the file is at; 0 for a new one.
Result<std::int64_t> version_of(Database& database, std::span<const Migration> steps) {
    const auto version = PICKET_TRY(database.integer("PRAGMA user_version"));
    const auto application = PICKET_TRY(database.integer("PRAGMA application_id"));
    const auto tables = PICKET_TRY(database.integer("SELECT count(*) FROM sqlite_schema"));
    if (tables != 0 && application != application_id) {
        return failure(Code::invalid, fmt::format("open {}: an SQLite database, but not picket's",
                                                  database.path()));
    }
    const auto newest = steps.back().version;
    if (version > newest) {
        return failure(Code::invalid,
                       fmt::format("open {}: its schema is version {}, this picket knows up to {}: "
                                   "a newer picket wrote it; nothing was changed",
                                   database.path(), version, newest));
    }
    if (version >= checksummed_since && !database.has_checksums()) {
        return failure(Code::corrupt,
                       fmt::format("open {}: its pages have no checksums", database.path()));
    }
    return version;
}

Status mark(Database& database, std::int64_t version) {
    return database.execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}",
                                        application_id, version));
}

// A new file gets all or nothing; it has no rows to convert.
Status create(Database& database, std::span<const Migration> steps) {
    auto transaction = PICKET_TRY(Transaction::begin(database));
    for (const Migration& step : steps) {
        PICKET_TRY(database.execute(step.sql));
        PICKET_TRY(database.execute(step.sql_after));
    }
    PICKET_TRY(mark(database, steps.back().version));
    return transaction.commit();
}

Status migrate(Database& database, const Migration& step) {
    if (step.convert != nullptr) {
        PICKET_TRY(database.execute(step.sql));
        PICKET_TRY(step.convert(database));
    }
    auto transaction = PICKET_TRY(Transaction::begin(database));
    PICKET_TRY(database.execute(step.convert != nullptr ? step.sql_after : step.sql));
    PICKET_TRY(mark(database, step.version));
    return transaction.commit();
}

}  // namespace

std::span<const Migration> migrations() {
    return known_migrations;
}

Result<bool> needs_migration(Database& database, std::span<const Migration> steps) {
    const auto version = PICKET_TRY(version_of(database, steps));
    return version != 0 && version < steps.back().version;
}

Status prepare_schema(Database& database, std::span<const Migration> steps) {
    PICKET_ASSERT(!steps.empty());
    const auto version = PICKET_TRY(version_of(database, steps));
    // Only before there is anything in the file; it lets retention give pages back.
    if (version == 0) PICKET_TRY(database.execute("PRAGMA auto_vacuum = INCREMENTAL"));
    PICKET_TRY(database.use_log());
    if (version == 0) return create(database, steps);
    for (const Migration& step : steps) {
        if (step.version <= version) continue;
        auto migrated = migrate(database, step);
        if (!migrated) {
            return tl::make_unexpected(
                std::move(migrated).error().within(fmt::format("migrate to {}", step.version)));
        }
    }
    return {};
}

Status check_schema(Database& database, std::span<const Migration> steps) {
    PICKET_ASSERT(!steps.empty());
    const auto version = PICKET_TRY(version_of(database, steps));
    if (version == steps.back().version) return {};
    return failure(Code::invalid,
                   fmt::format("open {}: its schema is version {}, this picket reads {}: start the "
                               "agent once to bring it up to date",
                               database.path(), version, steps.back().version));
}

}  // namespace picket::storage
