#include "storage/retention.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "storage/database.h"
#include "storage/schema.h"
#include "storage/series_tables.h"
#include "storage/store.h"
#include "tests/unit/storage/stored_points.h"
#include "tests/unit/storage/temporary_directory.h"

namespace picket::storage {
namespace {

using namespace std::chrono_literals;

constexpr WallTime night = WallTime(1'795'402'800s);

// Another word for each number: a figure would not stay in the text.
std::string letters(int number) {
    std::string text;
    for (; number > 0; number /= 26) text += static_cast<char>('a' + number % 26);
    return text;
}

class Kept {
public:
    Kept() : opened(*Store::open(directory.path(), night)) {}

    void outcome(const std::string& check, WallTime at, const std::string& message = "") {
        HistoryRow row;
        row.check = check;
        row.outcome.at = at;
        row.outcome.message = message;
        batch.outcomes.push_back(row);
    }
    void outage(const std::string& check, std::uint32_t epoch, WallTime at, bool closed) {
        Outage outage;
        outage.check = check;
        outage.epoch = epoch;
        outage.opened = outage.first_failure = at;
        if (closed) outage.closed = at + 1min;
        batch.facts.emplace_back(outage);
    }
    void transition(const std::string& check, std::uint32_t epoch, WallTime at) {
        Transition transition;
        transition.check = check;
        transition.epoch = epoch;
        transition.at = at;
        batch.facts.emplace_back(transition);
    }
    void commit() {
        REQUIRE(opened.store.write(batch, night));
        batch = {};
    }
    // Prunes until nothing is left to do, and returns the number of steps.
    int prune(const RetentionLimits& limits, WallTime now = night) {
        for (int steps = 1; steps < 10'000; ++steps) {
            const auto pruned = opened.store.prune(now, limits);
            REQUIRE_MESSAGE(pruned, pruned.error().message());
            CHECK(pruned->rows <= limits.rows_per_step_max + limits.messages_per_step_max);
            if (!pruned->more) return steps;
        }
        FAIL("pruning does not end");
        return 0;
    }
    std::int64_t points() {
        return static_cast<std::int64_t>(stored_points(directory.file("picket.db")).size());
    }
    std::int64_t integer(std::string_view sql) {
        auto database = Database::open(directory.file("picket.db"), OpenMode::read_only);
        REQUIRE(database);
        return database->integer(sql).value();
    }

    TemporaryDirectory directory;
    Store::Opened opened;
    Batch batch;
};

TEST_CASE("outcomes go when they are too old, a bounded number at a time") {
    Kept kept;
    for (int chunk = 0; chunk < 12; ++chunk) {
        for (int number = 0; number < 512; ++number) {
            kept.outcome("web", night - 31 * 24h + (chunk * 512 + number) * 1s);
        }
        kept.commit();
    }
    CHECK(kept.integer("SELECT count(*) FROM chunks") == 12);
    for (int number = 0; number < 10; ++number) kept.outcome("web", night - number * 1h);
    kept.outcome("dns", night - 30 * 24h);
    kept.commit();
    RetentionLimits limits;
    limits.rows_per_step_max = 2;
    CHECK(kept.prune(limits) >= 6);
    CHECK(kept.points() == 11);
    CHECK(kept.prune(limits) <= 5);  // Nothing more to do.
    CHECK(kept.points() == 11);
}

TEST_CASE("rollups go tier by tier, and what they add up to stays right") {
    Kept kept;
    for (int hour = 0; hour < 24 * 20; ++hour) {
        for (int number = 0; number < 6; ++number) {
            kept.outcome("web", night - 20 * 24h + hour * 1h + number * 10min);
        }
        if (hour % 24 == 23) kept.commit();
    }
    kept.commit();
    kept.prune({});
    const auto oldest = [&](int tier) {
        return kept.integer("SELECT min(start_ms) FROM blocks WHERE tier = " +
                            std::to_string(tier));
    };
    CHECK(oldest(0) >= to_milliseconds(night - 2 * 24h - 4h));
    CHECK(oldest(1) >= to_milliseconds(night - 14 * 24h - 24h));
    CHECK(oldest(1) < to_milliseconds(night - 13 * 24h));
    CHECK(oldest(2) < to_milliseconds(night - 19 * 24h));
    auto reader = HistoryReader::open(kept.directory.file("picket.db"));
    REQUIRE(reader);
    for (const int days : {1, 3, 15, 19}) {
        const auto totals = reader->totals("web", night - days * 24h, night);
        REQUIRE(totals);
        CHECK(totals->passed == static_cast<std::uint64_t>(days) * 144);
    }
}

TEST_CASE("messages go with the last outcome that refers to them") {
    Kept kept;
    kept.outcome("web", night - 40 * 24h, "old");
    kept.outcome("web", night - 40 * 24h, "old and new");
    kept.outcome("web", night - 1h, "old and new");
    kept.commit();
    kept.prune({});
    CHECK(kept.integer("SELECT count(*) FROM messages") == 1);
    CHECK(kept.integer("SELECT count(*) FROM messages WHERE text = 'old and new'") == 1);
    // An id that went is not used again for an outcome to come.
    kept.outcome("web", night, "old");
    kept.commit();
    CHECK(stored_points(kept.directory.file("picket.db"), "web").back().outcome.message == "old");
}

TEST_CASE("facts outlive outcomes, and what still holds never goes") {
    Kept kept;
    kept.outcome("web", night);
    kept.transition("web", 1, night - 500 * 24h);
    kept.transition("web", 2, night - 450 * 24h);
    kept.outage("web", 1, night - 500 * 24h, true);
    kept.outage("web", 3, night - 450 * 24h, false);
    kept.outage("web", 5, night - 300 * 24h, true);
    kept.commit();
    kept.prune({});
    CHECK(kept.integer("SELECT count(*) FROM transitions") == 1);
    CHECK(kept.integer("SELECT epoch FROM transitions") == 2);  // The verdict.
    CHECK(kept.integer("SELECT count(*) FROM outages") == 2);
    CHECK(kept.integer("SELECT min(epoch) FROM outages") == 3);
}

TEST_CASE("a check of which nothing is left is forgotten, and may come back") {
    Kept kept;
    kept.outcome("gone", night - 500 * 24h);
    kept.transition("gone", 1, night - 500 * 24h);
    kept.outcome("web", night - 500 * 24h);
    kept.outcome("web", night);
    kept.commit();
    kept.prune({});
    CHECK(kept.integer("SELECT count(*) FROM checks") == 1);
    CHECK(kept.integer("SELECT count(*) FROM transitions") == 0);
    kept.outcome("gone", night);
    kept.commit();
    CHECK(stored_points(kept.directory.file("picket.db"), "gone").back().outcome.at == night);
}

TEST_CASE("the key of a check goes once nothing else is stored of it") {
    Kept kept;
    const auto key = [&](const std::string& name, const std::string& value) {
        kept.batch.facts.emplace_back(AgentFact{"check_key/" + name, value});
    };
    const auto verdict = [&](std::optional<std::string> bytes) {
        kept.batch.facts.emplace_back(
            MeshRecord{"verdict", "000000000000000b0000000000000000", std::move(bytes), {}});
    };
    key("asked", "000000000000000a");
    kept.outcome("asked", night);
    key("held", "000000000000000b");
    verdict("down");
    for (int host = 0; host < 100; ++host) {
        key("host/" + std::to_string(host), "00000000000000ff");
        kept.transition("host/" + std::to_string(host), 2, night - 399 * 24h);
    }
    kept.batch.facts.emplace_back(AgentFact{"boot", "3"});
    kept.batch.facts.emplace_back(AgentFact{"heartbeat/backup", "4"});
    kept.commit();
    const auto keys = [&] {
        return kept.integer("SELECT count(*) FROM agent_facts WHERE key GLOB 'check_key/*'");
    };
    kept.prune({});
    CHECK(keys() == 102);
    kept.prune({}, night + 2 * 24h);
    CHECK(keys() == 2);
    verdict(std::nullopt);
    kept.commit();
    kept.prune({}, night + 2 * 24h);
    CHECK(keys() == 1);
    CHECK(kept.integer("SELECT count(*) FROM agent_facts WHERE key = 'check_key/asked'") == 1);
    CHECK(kept.integer("SELECT count(*) FROM agent_facts") == 3);
    // The agent itself wants back what is its own.
    { const auto closed = std::move(kept.opened.store); }
    const auto again = Store::open(kept.directory.path(), night);
    REQUIRE(again);
    CHECK(again->loaded.agent_facts ==
          std::map<std::string, std::string>{{"boot", "3"}, {"heartbeat/backup", "4"}});
}

TEST_CASE("over the byte budget the oldest outcomes of all checks go, and the file shrinks" *
          doctest::test_suite("long")) {
    Kept kept;
    for (int hour = 0; hour < 100; ++hour) {
        for (int number = 0; number < 100; ++number) {
            kept.outcome(number % 2 == 0 ? "web" : "dns", night - 100h + hour * 1h + number * 1s,
                         letters(hour * 100 + number) + std::string(150, 'x'));
        }
        kept.commit();
    }
    const auto stored = kept.points();
    const auto pages = kept.integer("PRAGMA page_count");
    RetentionLimits limits;
    limits.size_bytes_max = pages * 4096 / 2;
    limits.free_pages_max = 16;
    kept.prune(limits);
    // Messages have an hour's grace, so outcomes go first and then some.
    const auto left = kept.points();
    CHECK(left < stored * 6 / 10);
    CHECK(left > stored / 100);
    CHECK(kept.integer("PRAGMA page_count") <= pages / 2 + 16);
    // Of both checks the same stretch is left.
    CHECK(kept.integer("SELECT (max(o) - min(o)) < 3600000 FROM (SELECT min(first_ms) AS o FROM "
                       "chunks GROUP BY check_id)") == 1);

    // The file itself follows with the next copying back of the log.
    { const auto closed = std::move(kept.opened.store); }
    CHECK(std::filesystem::file_size(kept.directory.file("picket.db")) <=
          static_cast<std::uintmax_t>((pages / 2 + 16) * 4096));
}

// What a long neglect leaves behind: rows by the thousand that all may go.
void fill_with_old_rows(Database& database, int checks) {
    const std::string numbers =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) ";
    REQUIRE(database.execute("BEGIN"));
    for (int check = 1; check <= checks; ++check) {
        const std::string id = std::to_string(check);
        REQUIRE(database.execute(
            "INSERT INTO checks VALUES (" + id + ", 'check-" + id + "', 'http', 0);" + numbers +
            "INSERT INTO chunks (check_id, first_ms, last_ms, count, entries) SELECT " + id +
            ", i * 5000, i * 5000 + 4999, 512, randomblob(1400) FROM n;" + numbers +
            "INSERT INTO blocks (check_id, tier, start_ms, sketch, slots) SELECT " + id +
            ", i % 3, i * 1000, randomblob(100), randomblob(300) FROM n;" + numbers +
            "INSERT INTO transitions (check_id, at_ms, epoch, state, outage_scope, failure_class, "
            "message) SELECT " +
            id + ", i, i, 'down', 'total', 1, hex(randomblob(90)) FROM n;" + numbers +
            "INSERT INTO outages (check_id, epoch, scope, opened_ms, closed_ms, "
            "first_failure_ms, failure_class, message) SELECT " +
            id + ", i, 'total', i, i + 1, i, 1, hex(randomblob(90)) FROM n;"));
    }
    REQUIRE(database.execute(numbers +
                             "INSERT INTO messages (text, last_used_hour) SELECT i || "
                             "hex(randomblob(90)), 0 FROM n;" +
                             numbers +
                             "INSERT INTO mesh_records (kind, key, forget_ms, bytes) SELECT "
                             "'vote', i, 1, randomblob(200) FROM n;" +
                             numbers +
                             "INSERT INTO mesh_records (kind, key, bytes) SELECT 'verdict', "
                             "hex(randomblob(16)), randomblob(200) FROM n;" +
                             numbers +
                             "INSERT INTO agent_facts SELECT 'check_key/host/' || i, "
                             "hex(randomblob(8)) FROM n; COMMIT"));
}

TEST_CASE("no step of retention works on more than its limits, whatever there is to delete") {
    const TemporaryDirectory directory;
    auto database = Database::open(directory.file("picket.db"), OpenMode::read_write);
    REQUIRE(database);
    REQUIRE(prepare_schema(*database));
    REQUIRE(database->use_log());
    fill_with_old_rows(*database, 5);
    auto series = SeriesTables::create(*database);
    REQUIRE(series);
    const auto pages = database->integer("PRAGMA page_count").value();

    Retention retention;
    const RetentionLimits limits;
    std::int64_t most_pages = 0;
    std::int64_t rows = 0;
    int steps = 0;
    for (bool more = true; more; ++steps) {
        REQUIRE(steps < 2'000);
        const std::int64_t before = database->pages_moved();
        const auto pruned = retention.step(*database, *series, night, limits);
        REQUIRE_MESSAGE(pruned, pruned.error().message());
        CHECK(pruned->rows <= limits.rows_per_step_max + limits.messages_per_step_max);
        rows += pruned->rows;
        most_pages = std::max(most_pages, database->pages_moved() - before);
        more = pruned->more;
    }
    CHECK(rows > 5 * 4 * 1'990);
    CHECK(database->integer("SELECT count(*) FROM chunks").value() == 0);
    CHECK(database->integer("SELECT count(*) FROM agent_facts").value() == 0);
    CHECK(database->integer("PRAGMA page_count").value() < pages / 2);
    MESSAGE("at most " << most_pages << " pages in one of " << steps << " steps");
    CHECK(most_pages <= retention_step_pages_max);
}

TEST_CASE("a budget that facts alone exceed ends the pruning, not the facts") {
    Kept kept;
    for (std::uint32_t epoch = 1; epoch <= 300; ++epoch) kept.transition("web", epoch, night);
    kept.outcome("web", night);
    kept.commit();
    RetentionLimits limits;
    limits.size_bytes_max = 4096;
    kept.prune(limits);
    CHECK(kept.integer("SELECT count(*) FROM transitions") == 300);
}

}  // namespace
}  // namespace picket::storage
