#include "storage/series_tables.h"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/random.h"
#include "storage/database.h"
#include "storage/schema.h"
#include "storage/store.h"
#include "tests/unit/storage/stored_points.h"
#include "tests/unit/storage/temporary_directory.h"

namespace picket::storage {
namespace {

using namespace std::chrono_literals;
using checks::Finding;

constexpr WallTime night = WallTime(1'795'402'800s);

// An agent's history, and all that it should hold.
class Told {
public:
    Told() { restart(); }

    // As after a kill: nothing is said to the old one but that it is gone.
    void restart() {
        store.reset();
        auto opened = Store::open(directory.path(), night);
        REQUIRE_MESSAGE(opened, opened.error().message());
        CHECK(opened->problem.empty());
        store.emplace(std::move(opened->store));
    }
    void outcome(const std::string& check, WallTime at, Finding finding = Finding::passed,
                 Duration interval = 10s) {
        HistoryRow row;
        row.check = check;
        row.outcome.at = at;
        row.outcome.finding = finding;
        row.outcome.latency = 1ms;
        row.interval = interval;
        batch.outcomes.push_back(row);
        told[check].push_back(row);
    }
    void pause(const std::string& check, WallTime at, const std::string& why) {
        outcome(check, at);
        for (HistoryRow* row : {&batch.outcomes.back(), &told[check].back()}) {
            row->pause = true;
            row->outcome.message = why;
        }
    }
    void commit() {
        const auto written = store->write(batch, night);
        REQUIRE_MESSAGE(written, written.error().message());
        batch = {};
    }
    std::string path() const { return directory.file("picket.db"); }
    HistoryReader reader() const {
        auto reader = HistoryReader::open(path());
        REQUIRE(reader);
        return *std::move(reader);
    }
    std::int64_t integer(std::string_view sql) const {
        return Database::open(path(), OpenMode::read_only)->integer(sql).value();
    }
    // Every outcome is there, once, in its order.
    void check_points() const {
        for (const auto& [check, rows] : told) {
            CAPTURE(check);
            const auto points = stored_points(path(), check);
            REQUIRE(points.size() == rows.size());
            for (std::size_t each = 0; each < rows.size(); ++each) {
                REQUIRE(points[each].outcome.at == rows[each].outcome.at);
                REQUIRE(points[each].pause == rows[each].pause);
                if (!rows[each].pause) {
                    REQUIRE(points[each].outcome.finding == rows[each].outcome.finding);
                }
            }
        }
    }
    // The sum of a window, the slow way.
    WindowTotals sum(const std::string& check, WallTime from, WallTime to) const {
        WindowTotals totals{.from = from, .to = to};
        const auto& rows = told.at(check);
        for (std::size_t each = 0; each < rows.size(); ++each) {
            const HistoryRow& row = rows[each];
            if (row.pause) continue;
            // The newest speaks for one interval, as far as is known.
            const WallTime next =
                each + 1 < rows.size() ? rows[each + 1].outcome.at : row.outcome.at + row.interval;
            const Duration gap = next - row.outcome.at;
            const Duration speaks = gap < 0s ? 0s : gap <= 2 * row.interval ? gap : row.interval;
            const WallTime begin = std::max(row.outcome.at, from);
            const WallTime end = std::min(row.outcome.at + speaks, to);
            if (end > begin) totals.observed += end - begin;
            if (row.outcome.at < from || row.outcome.at >= to) continue;
            ++(row.outcome.finding == Finding::passed   ? totals.passed
               : row.outcome.finding == Finding::failed ? totals.failed
                                                        : totals.errored);
        }
        return totals;
    }
    void check_windows(Random& random, const std::string& check, WallTime first,
                       WallTime last) const {
        auto reader = this->reader();
        const auto minutes = static_cast<std::uint64_t>((last - first) / 1min);
        for (int number = 0; number < 30; ++number) {
            const WallTime from = first + static_cast<std::int64_t>(random.below(minutes)) * 1min;
            const WallTime to = from + static_cast<std::int64_t>(random.below(minutes) + 1) * 1min;
            CAPTURE((from - first) / 1min);
            CAPTURE((to - first) / 1min);
            const auto found = reader.totals(check, from, to);
            REQUIRE(found);
            const WindowTotals slow = sum(check, from, to);
            CHECK(found->passed == slow.passed);
            CHECK(found->failed == slow.failed);
            CHECK(found->errored == slow.errored);
            CHECK(found->observed == slow.observed);
            CHECK(found->observed + found->not_observed == to - from);
        }
    }

    TemporaryDirectory directory;
    std::optional<Store> store;
    Batch batch;
    std::map<std::string, std::vector<HistoryRow>> told;
};

TEST_CASE("outcomes are read back from journal, head and chunks alike, after restarts too") {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        Told told;
        WallTime at = night;
        for (int number = 0; number < 1'700; ++number) {
            at += 10s + static_cast<std::int64_t>(random.below(3)) * 1ms;
            if (random.chance(1, 300)) at += 20min;
            if (random.chance(1, 400)) told.pause("web", at, "maintenance");
            told.outcome("web", at, static_cast<Finding>(random.below(3)));
            if (random.chance(1, 3)) told.outcome("dns", at, Finding::passed, 30s);
            if (random.chance(1, 20)) told.commit();
            if (random.chance(1, 300)) told.restart();
        }
        told.commit();
        CHECK(told.integer("SELECT count(*) FROM chunks") >= 3);
        CHECK(told.integer("SELECT count(*) FROM heads") == 2);
        told.check_points();
        told.check_windows(random, "web", night, at);
        told.check_windows(random, "dns", night, at);
    }
}

TEST_CASE("a clock that steps a day ahead and back, or back and ahead, loses and doubles nothing") {
    for (const Duration step : {Duration(24h), Duration(-24h)}) {
        CAPTURE(step.count());
        Random random(1);
        Told told;
        WallTime at = night;
        for (int number = 0; number < 2'400; ++number) {
            at += 10s;
            if (number == 800) at += step;
            if (number == 1'600) at -= step;
            told.outcome("web", at, number % 7 == 0 ? Finding::failed : Finding::passed);
            if (number % 50 == 0) told.commit();
        }
        told.commit();
        told.check_points();
        const auto all = told.reader().totals("web", night - 25h, night + 49h);
        REQUIRE(all);
        CHECK(all->passed + all->failed == 2'400);
        told.check_windows(random, "web", night - 25h, night + 33h);
        const auto range = told.reader().outcomes("web", night - 48h, night + 48h);
        REQUIRE(range);
        for (const Gap& gap : range->gaps) CHECK(gap.to > gap.from);
    }
}

TEST_CASE("who asks seldom does not hold the journal back for ever") {
    Told told;
    told.outcome("seldom", night);
    WallTime at = night;
    for (int number = 0; number < 80; ++number) {
        for (int each = 0; each < 1'000; ++each) told.outcome("web", at += 1s);
        told.commit();
    }
    CHECK(told.integer("SELECT count(*) FROM journal") < 70);
    told.restart();
    told.check_points();
}

TEST_CASE("what nobody observed is told, with the reason where there is one") {
    Told told;
    told.outcome("web", night);
    told.outcome("web", night + 10s);
    told.pause("web", night + 15s, "maintenance");
    told.outcome("web", night + 10min);
    told.outcome("web", night + 1h);
    told.commit();
    const auto range = told.reader().outcomes("web", night, night + 1h + 1min);
    REQUIRE(range);
    CHECK(range->outcomes.size() == 4);
    REQUIRE(range->gaps.size() == 3);
    CHECK(range->gaps[0].from == night + 15s);
    CHECK(range->gaps[0].to == night + 10min);
    CHECK(range->gaps[0].reason == "maintenance");
    CHECK(range->gaps[1].from == night + 10min + 10s);
    CHECK(range->gaps[1].to == night + 1h);
    CHECK(range->gaps[1].reason.empty());
    CHECK(range->gaps[2].from == night + 1h + 10s);
    const auto totals = told.reader().totals("web", night, night + 1h + 1min);
    REQUIRE(totals);
    CHECK(totals->observed == 35s);
    CHECK(totals->not_observed == 1h + 25s);
}

TEST_CASE("rollups have a point for every slot, and hours their percentiles") {
    Told told;
    for (int number = 0; number < 1'000; ++number) told.outcome("web", night + number * 10s);
    told.outcome("web", night + 6h);
    told.commit();
    const auto hours = told.reader().rollups("web", night, night + 24h, Tier::hour);
    REQUIRE(hours);
    REQUIRE(hours->size() == 7);
    CHECK(hours->at(0).passed == 360);
    CHECK(hours->at(0).observed == 1h);
    REQUIRE(hours->at(0).p95);
    CHECK(std::abs(hours->at(0).p95->count() - 1'000) <= 20);
    CHECK(hours->at(4).passed == 0);
    CHECK(hours->at(4).observed == 0s);
    CHECK(hours->at(6).at == night + 6h);
    CHECK(told.reader().rollups("web", night, night + 24h, Tier::minute)->size() == 361);
    CHECK(told.reader().tier_for("web", night, night + 2h, 120).value() == Tier::minute);
    CHECK(told.reader().tier_for("web", night, night + 2h, 100).value() == Tier::five_minutes);
}

TEST_CASE("a file of the first release is migrated as a copy, with all that was in it") {
    for (const std::size_t version : {1u, 2u}) {
        CAPTURE(version);
        const TemporaryDirectory directory;
        const std::string path = directory.file("picket.db");
        {
            auto old = Database::open(path, OpenMode::read_write);
            REQUIRE(old);
            REQUIRE(prepare_schema(*old, migrations().first(version)));
            REQUIRE(
                old->execute("BEGIN; INSERT INTO checks VALUES (1, 'web', 'http', 5), "
                             "(4, 'dns', 'dns', 5); "
                             "INSERT INTO messages VALUES (9, 'no', 498722)"));
            // More than the page cache holds.
            REQUIRE(old->execute(
                "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 39999) "
                "INSERT INTO outcomes SELECT 1, " +
                std::to_string(to_milliseconds(night)) +
                " + i * 10000, i % 10 = 0, i % 10 = 0, iif(i % 10 = 0, 700, 2000), "
                "iif(i % 10 = 0, 9, 0) FROM n"));
            REQUIRE(
                old->execute("INSERT INTO outcomes VALUES (4, 7, 2, 12, 0, 0); "
                             "INSERT INTO agent_facts VALUES ('boot', '3'); COMMIT"));
        }
        write_bytes(path + ".migrating", "left behind by an agent that was killed");
        auto opened = Store::open(directory.path(), night + 3h);
        REQUIRE_MESSAGE(opened, opened.error().message());
        CHECK(opened->problem.empty());
        CHECK(opened->loaded.agent_facts.at("boot") == "3");
        CHECK_FALSE(std::filesystem::exists(path + ".migrating"));
        const auto points = stored_points(path, "web");
        REQUIRE(points.size() == 40'000);
        CHECK(points[10].outcome.finding == Finding::failed);
        CHECK(points[10].outcome.message == "no");
        CHECK(points[10].outcome.latency == 700us);
        CHECK(points[999].outcome.at == night + 9'990s);
        CHECK(points[999].interval == 10s);
        CHECK(stored_points(path, "dns").size() == 1);
        auto reader = HistoryReader::open(path);
        REQUIRE(reader);
        CHECK(reader->totals("web", night, night + 2h)->failed == 72);
        auto migrated = Database::open(path, OpenMode::read_only);
        REQUIRE(migrated);
        CHECK(migrated->has_checksums());
        const auto pages = migrated->check_pages(0, 100'000);
        REQUIRE_MESSAGE(pages, pages.error().message());
        CHECK(*pages > 10);
    }
}

TEST_CASE(
    "a file whose journal an earlier release wrote goes on, and is not that release's any more") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("picket.db");
    {
        auto old = Database::open(path, OpenMode::read_write);
        REQUIRE(old);
        REQUIRE(prepare_schema(*old, migrations().first(3)));
        // A row of version 1 (journal.h): 'web' passed once, 'dns' twice.
        REQUIRE(
            old->execute("INSERT INTO checks VALUES (1, 'web', 'http', 5), (4, 'dns', 'dns', 5); "
                         "INSERT INTO journal VALUES "
                         "(17, x'0180EEC4E5C068010000904E0302000A0614140080010A')"));
    }
    CHECK_FALSE(HistoryReader::open(path));
    auto opened = Store::open(directory.path(), night);
    REQUIRE_MESSAGE(opened, opened.error().message());
    CHECK(opened->problem.empty());
    CHECK(stored_points(path, "web").size() == 1);
    CHECK(stored_points(path, "dns").size() == 2);
    Batch batch;
    HistoryRow row;
    row.check = "dns";
    row.outcome.at = night;
    batch.outcomes = {row};
    REQUIRE(opened->store.write(batch, night));
    CHECK(stored_points(path, "dns").size() == 3);
    auto database = Database::open(path, OpenMode::read_only);
    REQUIRE(database);
    CHECK_FALSE(check_schema(*database, migrations().first(3)));
}

TEST_CASE("two years of history are opened and asked in no time, and stay in their memory" *
          doctest::test_suite("long")) {
    Told told;
    WallTime at = night - 730 * 24h;
    while (at < night) {
        for (int each = 0; each < 1'000; ++each) {
            HistoryRow row;
            row.check = "web";
            row.outcome.at = at += 2min;
            row.outcome.latency = 3ms;
            row.interval = 2min;
            told.batch.outcomes.push_back(row);
        }
        told.commit();
    }
    told.restart();
    auto reader = told.reader();
    const auto totals = reader.totals("web", night - 365 * 24h, night);
    REQUIRE(totals);
    CHECK(totals->passed == 365 * 720);
    const auto latency = reader.latency("web", night - 700 * 24h, night);
    REQUIRE(latency);
    CHECK(std::abs((*latency)->p99.count() - 3'000) <= 60);
}

}  // namespace
}  // namespace picket::storage
