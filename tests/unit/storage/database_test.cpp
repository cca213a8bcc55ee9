#include "storage/database.h"

#include <doctest/doctest.h>

#include <array>
#include <filesystem>
#include <string>

#include "storage/schema.h"
#include "tests/unit/storage/temporary_directory.h"

namespace picket::storage {
namespace {

Database open_new(const std::string& path) {
    auto database = Database::open(path, OpenMode::read_write);
    REQUIRE(database);
    REQUIRE(prepare_schema(*database));
    return *std::move(database);
}

std::int64_t integer(Database& database, std::string_view sql) {
    const auto value = database.integer(sql);
    REQUIRE(value);
    return *value;
}

TEST_CASE("a new database has the newest schema, a log, and gives pages back") {
    const TemporaryDirectory directory;
    auto database = open_new(directory.file("picket.db"));
    CHECK(integer(database, "PRAGMA user_version") == migrations().back().version);
    CHECK(integer(database, "PRAGMA auto_vacuum") == 2);
    CHECK(integer(database, "PRAGMA synchronous") == 1);
    CHECK(integer(database, "PRAGMA cache_size") == -512);
    CHECK(std::filesystem::exists(directory.file("picket.db-wal")));
    REQUIRE(prepare_schema(database));  // Again: nothing to do.
    CHECK(integer(database, "SELECT count(*) FROM checks") == 0);
}

TEST_CASE("values come back as they were bound") {
    const TemporaryDirectory directory;
    auto database = open_new(directory.file("picket.db"));
    REQUIRE(database.execute("CREATE TABLE t (a INTEGER, b TEXT, c INTEGER)"));
    auto insert = database.prepare("INSERT INTO t VALUES (?1, ?2, ?3)");
    REQUIRE(insert);
    const std::string text("caf\u00e9\0nul", 9);
    REQUIRE(insert->bind(-5, text, std::optional<std::int64_t>()).run());
    CHECK(database.rows_changed() == 1);
    auto select = database.prepare("SELECT a, b, c FROM t");
    REQUIRE(select);
    REQUIRE(select->step().value());
    CHECK(select->integer(0) == -5);
    CHECK(select->text(1) == text);
    CHECK_FALSE(select->integer_if_any(2));
    CHECK(select->integer(2) == 0);
    CHECK_FALSE(select->step().value());
    REQUIRE(database.execute("DELETE FROM t"));
    REQUIRE(insert->bind(0, std::string_view(), 0).run());
    CHECK(integer(database, "SELECT count(*) FROM t WHERE b = ''") == 1);
}

TEST_CASE("what is not committed is rolled back") {
    const TemporaryDirectory directory;
    auto database = open_new(directory.file("picket.db"));
    {
        auto transaction = Transaction::begin(database);
        REQUIRE(transaction);
        REQUIRE(database.execute("INSERT INTO agent_facts VALUES ('a', '1')"));
    }
    CHECK(integer(database, "SELECT count(*) FROM agent_facts") == 0);
    auto transaction = Transaction::begin(database);
    REQUIRE(transaction);
    REQUIRE(database.execute("INSERT INTO agent_facts VALUES ('a', '1')"));
    REQUIRE(transaction->commit());
    CHECK(integer(database, "SELECT count(*) FROM agent_facts") == 1);
}

TEST_CASE("errors name what was done to which file, and what came of it") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("picket.db");

    SUBCASE("no room") {
        auto database = open_new(path);
        const auto pages = integer(database, "PRAGMA page_count");
        REQUIRE(database.execute("PRAGMA max_page_count = " + std::to_string(pages)));
        auto insert = database.prepare("INSERT INTO agent_facts VALUES (?1, ?2)");
        REQUIRE(insert);
        const auto written = insert->bind("k", std::string(100'000, 'x')).run();
        REQUIRE_FALSE(written);
        CHECK(written.error().code() == Code::exhausted);
        CHECK(written.error().message() == "write " + path + ": disk full");
    }
    SUBCASE("not a database") {
        write_bytes(path, std::string(5000, 'x'));
        const auto database = Database::open(path, OpenMode::read_write);
        REQUIRE_FALSE(database);
        CHECK(database.error().code() == Code::corrupt);
        CHECK(database.error().message() == "open " + path + ": not a database");
        CHECK(read_bytes(path) == std::string(5000, 'x'));
    }
    SUBCASE("held by another") {
        auto database = open_new(path);
        auto other = Database::open(path, OpenMode::read_write);
        REQUIRE(other);
        auto transaction = Transaction::begin(database);
        REQUIRE(transaction);
        const auto refused = Transaction::begin(*other);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code() == Code::timed_out);
        CHECK(refused.error().message() == "write " + path + ": another process holds it");
    }
    SUBCASE("no such directory") {
        const auto refused = Database::open(directory.file("none/picket.db"), OpenMode::read_write);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code() == Code::io);
        CHECK(refused.error().message() ==
              "open " + directory.file("none/picket.db") + ": no such file or directory");
    }
}

TEST_CASE("a file is read without an agent, whatever stands beside it") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("pic?ket#1%.db");

    SUBCASE("no file") {
        const auto refused = Database::open(path, OpenMode::read_only);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code() == Code::not_found);
    }
    SUBCASE("closed cleanly: no log") {
        { open_new(path).tidy_on_close(); }
        REQUIRE_FALSE(std::filesystem::exists(path + "-wal"));
        auto reader = Database::open(path, OpenMode::read_only);
        REQUIRE(reader);
        CHECK(integer(*reader, "SELECT count(*) FROM checks") == 0);
        CHECK_FALSE(reader->execute("DELETE FROM checks"));
        CHECK_FALSE(std::filesystem::exists(path + "-wal"));
        CHECK_FALSE(std::filesystem::exists(path + "-shm"));
    }
    SUBCASE("beside an agent: the log and its index") {
        auto writer = open_new(path);
        REQUIRE(writer.execute("INSERT INTO agent_facts VALUES ('a', '1')"));
        auto reader = Database::open(path, OpenMode::read_only);
        REQUIRE(reader);
        CHECK(integer(*reader, "SELECT count(*) FROM agent_facts") == 1);
        CHECK_FALSE(reader->execute("DELETE FROM agent_facts"));
    }
    SUBCASE("a log alone is refused, for it may hold the newest history") {
        { open_new(path); }
        REQUIRE(std::filesystem::remove(path + "-shm"));
        const auto refused = Database::open(path, OpenMode::read_only);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().message().find("-wal is here without") != std::string::npos);
        CHECK(std::filesystem::exists(path + "-wal"));
    }
}

TEST_CASE("a file that was removed or replaced under the connection is noticed") {
    const TemporaryDirectory directory;
    auto database = open_new(directory.file("picket.db"));
    CHECK_FALSE(database.moved());
    std::filesystem::remove(directory.file("picket.db"));
    CHECK(database.moved());
}

constexpr std::array two_steps{Migration{1, "CREATE TABLE a (x INTEGER)"},
                               Migration{2, "INSERT INTO a VALUES (7); CREATE TABLE b (y)"}};
constexpr std::array failing_steps{Migration{1, "CREATE TABLE a (x INTEGER)"},
                                   Migration{2, "CREATE TABLE b (y); INSERT INTO none VALUES (1)"}};

TEST_CASE("migrations go forward from where the file is") {
    const TemporaryDirectory directory;
    auto database = Database::open(directory.file("picket.db"), OpenMode::read_write);
    REQUIRE(database);
    REQUIRE(prepare_schema(*database, std::span(two_steps).first(1)));
    CHECK_FALSE(check_schema(*database, two_steps));
    REQUIRE(prepare_schema(*database, two_steps));
    REQUIRE(check_schema(*database, two_steps));
    CHECK(integer(*database, "SELECT x FROM a") == 7);
    REQUIRE(prepare_schema(*database, two_steps));
    CHECK(integer(*database, "SELECT count(*) FROM a") == 1);
}

TEST_CASE("a migration that fails leaves the version before it") {
    const TemporaryDirectory directory;
    auto database = Database::open(directory.file("picket.db"), OpenMode::read_write);
    REQUIRE(database);
    REQUIRE(prepare_schema(*database, std::span(failing_steps).first(1)));
    const auto failed = prepare_schema(*database, failing_steps);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message().starts_with("migrate to 2: write "));
    CHECK(integer(*database, "PRAGMA user_version") == 1);
    CHECK(integer(*database, "SELECT count(*) FROM sqlite_schema") == 1);
    REQUIRE(prepare_schema(*database, two_steps));
    CHECK(integer(*database, "PRAGMA user_version") == 2);
}

TEST_CASE("a newer schema is refused by name of both versions and not touched") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("picket.db");
    {
        auto newer = open_new(path);
        REQUIRE(newer.execute("PRAGMA user_version = 99"));
        newer.tidy_on_close();
    }
    const std::string before = read_bytes(path);
    {
        auto database = Database::open(path, OpenMode::read_write);
        REQUIRE(database);
        const auto refused = prepare_schema(*database);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code() == Code::invalid);
        CHECK(refused.error().message() ==
              "open " + path + ": its schema is version 99, this picket knows up to " +
                  std::to_string(migrations().back().version) +
                  ": a newer picket wrote it; nothing was changed");
    }
    CHECK(read_bytes(path) == before);
}

TEST_CASE("another program's database is refused and not touched") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("picket.db");
    {
        auto foreign = Database::open(path, OpenMode::read_write);
        REQUIRE(foreign);
        REQUIRE(foreign->execute("CREATE TABLE bookmarks (url TEXT)"));
    }
    const std::string before = read_bytes(path);
    {
        auto database = Database::open(path, OpenMode::read_write);
        REQUIRE(database);
        const auto refused = prepare_schema(*database);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code() == Code::invalid);
    }
    CHECK(read_bytes(path) == before);
}

}  // namespace
}  // namespace picket::storage
