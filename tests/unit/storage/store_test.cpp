#include "storage/store.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "storage/database.h"
#include "storage/schema.h"
#include "storage/state_directory.h"
#include "tests/unit/storage/stored_points.h"
#include "tests/unit/storage/temporary_directory.h"

namespace picket::storage {
namespace {

using namespace std::chrono_literals;
using checks::FailureClass;
using checks::Finding;

// 2026-11-23T03:00:00Z
constexpr WallTime night = WallTime(1'795'402'800s);

// Another word for each number: a figure would not stay in the text.
std::string letters(int number) {
    std::string text;
    for (; number > 0; number /= 26) text += static_cast<char>('a' + number % 26);
    return text;
}

HistoryRow row(const std::string& check, WallTime at, Finding finding = Finding::passed,
               const std::string& message = "") {
    HistoryRow row;
    row.check = check;
    row.outcome.at = at;
    row.outcome.finding = finding;
    if (finding == Finding::failed) row.outcome.failure_class = FailureClass::refused;
    row.outcome.latency = 1500us;
    row.outcome.message = message;
    return row;
}

Batch outcomes(std::vector<HistoryRow> rows) {
    return {.facts = {}, .outcomes = std::move(rows)};
}

Transition went_down(const std::string& check, WallTime at, std::uint32_t epoch) {
    Transition transition;
    transition.check = check;
    transition.at = at;
    transition.epoch = epoch;
    transition.state = "down";
    transition.outage_scope = "total";
    transition.since = at;
    transition.first_failure = at - 1s;
    transition.failure_class = FailureClass::refused;
    transition.message = "connect 127.0.0.1:80: connection refused";
    return transition;
}

Outage opened_outage(const std::string& check, WallTime at, std::uint32_t epoch) {
    Outage outage;
    outage.check = check;
    outage.epoch = epoch;
    outage.scope = "total";
    outage.opened = at;
    outage.first_failure = at - 1s;
    outage.failure_class = FailureClass::refused;
    return outage;
}

Store::Opened open(const TemporaryDirectory& directory, Store::Options options = {}) {
    auto opened = Store::open(directory.path(), night, options);
    REQUIRE_MESSAGE(opened, opened.error().message());
    return *std::move(opened);
}

void write(Store& store, const Batch& batch) {
    const auto written = store.write(batch, night);
    REQUIRE_MESSAGE(written, written.error().message());
    CHECK(written->problem.empty());
}

// An agent's short life.
void write_once(const TemporaryDirectory& directory) {
    auto opened = open(directory);
    write(opened.store, outcomes({row("web", night)}));
}

std::int64_t integer(const TemporaryDirectory& directory, std::string_view sql) {
    auto database = Database::open(directory.file("picket.db"), OpenMode::read_only);
    REQUIRE(database);
    const auto value = database->integer(sql);
    REQUIRE(value);
    return *value;
}

std::vector<HistoryPoint> points(const TemporaryDirectory& directory) {
    return stored_points(directory.file("picket.db"));
}

std::vector<std::string> set_aside_files(const TemporaryDirectory& directory) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
        const std::string name = entry.path().filename().string();
        if (name.find(".corrupt-") != std::string::npos && !name.ends_with("-shm")) {
            names.push_back(name);
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

TEST_CASE("what was written comes back at the next start") {
    const TemporaryDirectory directory;
    {
        auto opened = open(directory);
        CHECK(opened.problem.empty());
        CHECK(opened.loaded.checks.empty());
        Batch batch =
            outcomes({row("web", night - 5min), row("web", night - 4min, Finding::failed, "no"),
                      row("old", night - 2h)});
        batch.outcomes.back().type = checks::Type::dns;
        batch.facts = {went_down("web", night - 3min, 7), opened_outage("web", night - 3min, 7),
                       opened_outage("old", night - 2h, 1), AgentFact{"boot", "41"}};
        write(opened.store, batch);

        Outage closed = opened_outage("old", night - 2h, 1);
        closed.closed = night - 1h;
        write(opened.store, {.facts = {closed, AgentFact{"boot", "42"}}, .outcomes = {}});
    }
    const auto loaded = open(directory).loaded;
    CHECK(loaded.agent_facts.at("boot") == "42");
    REQUIRE(loaded.checks.size() == 2);
    CHECK(loaded.checks[0].name == "old");
    CHECK(loaded.checks[0].type == "dns");
    CHECK_FALSE(loaded.checks[0].verdict);
    CHECK(loaded.checks[0].last->at == night - 2h);
    CHECK(loaded.checks[0].recent.empty());

    const StoredCheck& web = loaded.checks[1];
    CHECK(web.type == "http");
    REQUIRE(web.verdict);
    CHECK(web.verdict->state == "down");
    CHECK(web.verdict->epoch == 7);
    CHECK(web.verdict->since == night - 3min);
    CHECK(web.verdict->first_failure == night - 3min - 1s);
    CHECK(web.verdict->failure_class == FailureClass::refused);
    CHECK(web.verdict->message == "connect 127.0.0.1:80: connection refused");
    REQUIRE(web.last);
    CHECK(web.last->at == night - 4min);
    CHECK(web.last->finding == Finding::failed);
    CHECK(web.last->message == "no");
    CHECK(web.last->latency == 1500us);
    REQUIRE(web.recent.size() == 2);
    CHECK(web.recent[0].start == night - 6min);
    CHECK(web.recent[0].passed == 1);
    CHECK(web.recent[0].latency_passed_total == 1500us);
    CHECK(web.recent[1].failed == 1);

    REQUIRE(loaded.open_outages.size() == 1);
    CHECK(loaded.open_outages[0].check == "web");
    CHECK(loaded.open_outages[0].epoch == 7);
}

TEST_CASE("a record of the mesh comes back until it is told to be forgotten, or its time is over") {
    const TemporaryDirectory directory;
    const std::string bytes("\x70\x00\xff", 3);
    {
        auto opened = open(directory);
        write(opened.store, {.facts = {MeshRecord{"verdict", "web", "old", {}},
                                       MeshRecord{"evidence", "web#7", bytes, night + 1h},
                                       MeshRecord{"evidence", "web#6", "x", night - 1ms},
                                       MeshRecord{"reference", "a", "1", {}}},
                             .outcomes = {}});
        write(opened.store, {.facts = {MeshRecord{"verdict", "web", "new", {}},
                                       MeshRecord{"reference", "a", {}, {}}},
                             .outcomes = {}});
    }
    auto opened = open(directory);
    const auto& records = opened.loaded.mesh_records;
    REQUIRE(records.size() == 2);
    CHECK(records[0].kind == "evidence");
    CHECK(records[0].key == "web#7");
    CHECK(records[0].bytes == bytes);
    CHECK(records[0].forget_at == night + 1h);
    CHECK(records[1].kind == "verdict");
    CHECK(records[1].bytes == "new");
    CHECK_FALSE(records[1].forget_at);

    CHECK(integer(directory, "SELECT count(*) FROM mesh_records") == 3);
    while (opened.store.prune(night, {}).value().more) {
    }
    CHECK(integer(directory, "SELECT count(*) FROM mesh_records") == 2);
}

TEST_CASE("the verdict is what came last, even when the clock stepped back") {
    const TemporaryDirectory directory;
    {
        auto opened = open(directory);
        Transition up = went_down("web", night - 24h, 8);
        up.state = "up";
        write(opened.store, {.facts = {went_down("web", night, 7), up}, .outcomes = {}});
    }
    const auto loaded = open(directory).loaded;
    CHECK(loaded.checks.at(0).verdict->epoch == 8);
    CHECK(loaded.checks.at(0).verdict->state == "up");
}

TEST_CASE("outcomes of one millisecond are all kept, in order") {
    const TemporaryDirectory directory;
    {
        auto opened = open(directory);
        write(opened.store, outcomes({row("web", night, Finding::passed, "a"),
                                      row("web", night + 400us, Finding::passed, "b"),
                                      row("web", night + 1ms, Finding::passed, "c"),
                                      row("other", night, Finding::passed, "d")}));
        write(opened.store, outcomes({row("web", night, Finding::passed, "e")}));
    }
    CHECK(points(directory).size() == 5);
    CHECK(open(directory).loaded.checks.at(1).last->message == "e");
    CHECK(open(directory).loaded.checks.at(1).last->at == night);
    std::string order;
    for (const auto& point : stored_points(directory.file("picket.db"), "web")) {
        order += point.outcome.message;
    }
    CHECK(order == "abce");
}

TEST_CASE("a message is stored once, and at most 200 bytes of it") {
    const TemporaryDirectory directory;
    {
        auto opened = open(directory);
        const std::string longest(500, 'x');
        write(opened.store, outcomes({row("a", night, Finding::failed, "refused"),
                                      row("b", night, Finding::failed, "refused"),
                                      row("c", night, Finding::failed, longest), row("d", night)}));
        write(opened.store, outcomes({row("a", night + 24h, Finding::failed, "refused")}));
    }
    CHECK(integer(directory, "SELECT count(*) FROM messages") == 2);
    CHECK(integer(directory, "SELECT max(length(text)) FROM messages") == 200);
    CHECK(stored_points(directory.file("picket.db"), "a")[1].outcome.message == "refused");
    CHECK(stored_points(directory.file("picket.db"), "d")[0].outcome.message.empty());
}

TEST_CASE("messages that differ by their figures are stored once, and come back each as it was") {
    const TemporaryDirectory directory;
    const auto message = [](std::int64_t number) {
        return fmt::format("ping 192.0.2.1: 3 of 3 answered, rtt {:.1f}/{:.1f}/{:.1f} ms",
                           10 + 0.1 * static_cast<double>(number % 7),
                           11 + 0.1 * static_cast<double>(number % 11),
                           12 + 0.1 * static_cast<double>(number % 130));
    };
    // Sealed, saved, and in the journal; over a restart, too.
    constexpr std::int64_t count = 1'500;
    for (std::int64_t number = 0; number < count;) {
        auto opened = Store::open(directory.path(), night);
        REQUIRE(opened);
        for (std::int64_t end = number + count / 3; number < end;) {
            Batch batch;
            for (int each = 0; each < 50; ++each, ++number) {
                HistoryRow row;
                row.check = "gateway";
                row.outcome.at = night + number * 1s;
                row.outcome.message = message(number);
                batch.outcomes.push_back(row);
            }
            REQUIRE(opened->store.write(batch, night));
        }
    }
    std::int64_t number = 0;
    for (const HistoryPoint& point : stored_points(directory.file("picket.db"), "gateway")) {
        REQUIRE(point.outcome.message == message(number++));
    }
    CHECK(number == count);
    auto database = Database::open(directory.file("picket.db"), OpenMode::read_only);
    REQUIRE(database);
    CHECK(database->integer("SELECT count(*) FROM messages").value() < 12);
}

TEST_CASE("a batch that does not fit changes nothing, and fits once there is room") {
    const TemporaryDirectory directory;
    constexpr std::int64_t room = 30 * 4096;
    Batch batch = outcomes({});
    for (int number = 0; number < 3000; ++number) {
        batch.outcomes.push_back(row("check-" + std::to_string(number % 50), night + number * 1ms,
                                     Finding::failed, "message " + letters(number)));
    }
    batch.facts = {went_down("web", night, 1)};
    auto opened = open(directory, {.file_bytes_max = room});
    const auto refused = opened.store.write(batch, night);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Code::exhausted);
    CHECK(refused.error().message() == "write " + directory.file("picket.db") + ": disk full");
    CHECK(points(directory).empty());
    CHECK(integer(directory, "SELECT count(*) FROM transitions") == 0);

    // The ids of the batch that failed are not remembered.
    batch.outcomes.resize(60);
    write(opened.store, batch);
    CHECK(points(directory).size() == 60);
    for (const auto& point : points(directory)) CHECK_FALSE(point.outcome.message.empty());
    CHECK(integer(directory, "SELECT count(*) FROM transitions") == 1);
}

TEST_CASE("a file of which nothing can be read is set aside, its bytes intact") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("picket.db");
    std::string garbage(20'000, 'x');

    SUBCASE("not a database at all") {}
    SUBCASE("a database cut short") {
        write_once(directory);
        garbage = read_bytes(path).substr(0, 6000);
    }
    SUBCASE("a database whose tables are overwritten") {
        write_once(directory);
        garbage = read_bytes(path);
        for (std::size_t at = 4096; at < garbage.size(); ++at) garbage[at] = '\x5a';
    }
    write_bytes(path, garbage);
    write_bytes(path + "-wal", "the log");

    auto opened = open(directory);
    CHECK(opened.problem.find("set aside as " + path + ".corrupt-20261123T030000.000Z") !=
          std::string::npos);
    CHECK(opened.loaded.checks.empty());
    const auto aside = set_aside_files(directory);
    REQUIRE(aside.size() == 2);
    CHECK(aside[0] == "picket.db.corrupt-20261123T030000.000Z");
    CHECK(read_bytes(directory.file(aside[0])) == garbage);
    CHECK(read_bytes(directory.file(aside[1])) == "the log");
    write(opened.store, outcomes({row("web", night)}));
    CHECK(points(directory).size() == 1);
}

TEST_CASE("a file whose header was overwritten is set aside, and all of it salvaged") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("picket.db");
    write_once(directory);
    std::string bytes = read_bytes(path);
    bytes.replace(0, 16, 16, 'x');
    write_bytes(path, bytes);
    const auto opened = open(directory);
    CHECK(opened.problem.find("which is all") != std::string::npos);
    CHECK_FALSE(opened.loaded.checks.empty());
    CHECK(read_bytes(directory.file(set_aside_files(directory).front())) == bytes);
}

TEST_CASE("a salvage that was cut short is begun again at the next start") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("picket.db");
    write_once(directory);
    std::string bytes = read_bytes(path);
    bytes.replace(0, 16, 16, 'x');
    write_bytes(path + ".corrupt-20261123T030000.000Z", bytes);
    write_bytes(path + ".salvaging", bytes.substr(0, 5'000));
    std::filesystem::remove(path);
    const auto opened = open(directory);
    CHECK(opened.problem.find("which is all") != std::string::npos);
    CHECK_FALSE(opened.loaded.checks.empty());
    CHECK_FALSE(std::filesystem::exists(path + ".salvaging"));
}

TEST_CASE("a file that turns corrupt while in use is set aside, and the batch is not lost") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("picket.db");
    auto opened = open(directory);
    write(opened.store, outcomes({row("web", night)}));
    {
        // Another writer makes the store read its pages again, so that it meets the damage.
        auto other = Database::open(path, OpenMode::read_write);
        REQUIRE(other);
        REQUIRE(other->execute("INSERT INTO agent_facts VALUES ('a', '1')"));
    }
    for (const std::string& file : {path, path + "-wal"}) {
        std::string bytes = read_bytes(file);
        for (std::size_t at = 4096; at < bytes.size(); ++at) bytes[at] = '\x5a';
        std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
        stream << bytes;
        REQUIRE(stream.flush());
    }
    const std::string damaged = read_bytes(path);
    const auto written =
        opened.store.write(outcomes({row("web", night + 1s), row("new", night + 1s)}), night);
    REQUIRE_MESSAGE(written, written.error().message());
    CHECK(written->problem.find("history begins anew") != std::string::npos);
    const auto aside = set_aside_files(directory);
    REQUIRE(aside.size() == 2);
    CHECK(read_bytes(directory.file(aside[0])) == damaged);
    CHECK(points(directory).size() == 2);
    write(opened.store, outcomes({row("web", night + 2s)}));
}

TEST_CASE("what was set aside is never overwritten, and not without end") {
    const TemporaryDirectory directory;
    for (std::size_t number = 1; number <= set_aside_max; ++number) {
        write_bytes(directory.file("picket.db"), "garbage " + std::to_string(number));
        open(directory);
    }
    const auto aside = set_aside_files(directory);
    CHECK(aside.size() == set_aside_max);
    write_bytes(directory.file("picket.db"), "garbage");
    const auto refused = Store::open(directory.path(), night);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Code::io);
    CHECK(read_bytes(directory.file("picket.db")) == "garbage");
}

TEST_CASE("a file removed in use is opened anew, and that is told") {
    const TemporaryDirectory directory;
    auto opened = open(directory);
    write(opened.store, outcomes({row("web", night)}));
    std::filesystem::remove(directory.file("picket.db"));
    const auto written = opened.store.write(outcomes({row("web", night + 1s)}), night);
    REQUIRE(written);
    CHECK(written->problem ==
          directory.file("picket.db") + ": removed or replaced while in use; opened anew");
    CHECK(points(directory).size() == 1);
}

TEST_CASE("two agents never share a state directory") {
    const TemporaryDirectory directory;
    {
        const auto opened = open(directory);
        const auto refused = Store::open(directory.path(), night);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code() == Code::exhausted);
        CHECK(refused.error().message() ==
              "lock " + directory.file("picket.db.lock") + ": another picketd (pid " +
                  std::to_string(getpid()) + ") uses this state directory");
    }
    open(directory);
}

TEST_CASE("a missing state directory is made, for the agent and its group only") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("a/b/picket");
    const mode_t mask = umask(022);
    const auto opened = Store::open(path, night);
    umask(mask);
    REQUIRE(opened);
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777u) == 0750u);
}

TEST_CASE("a state directory that cannot be used is an error that says why") {
    const TemporaryDirectory directory;
    write_bytes(directory.file("file"), "");
    const auto refused = Store::open(directory.file("file"), night);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Code::io);
    CHECK(refused.error().message() == "open " + directory.file("file") + ": not a directory");
    std::filesystem::create_directory(directory.file("picket.db"));
    const auto other = Store::open(directory.path(), night);
    REQUIRE_FALSE(other);
    CHECK(other.error().code() == Code::io);
}

TEST_CASE("a newer picket's file is refused and stays as it is") {
    const TemporaryDirectory directory;
    {
        auto newer = Database::open(directory.file("picket.db"), OpenMode::read_write);
        REQUIRE(newer);
        REQUIRE(prepare_schema(*newer));
        REQUIRE(newer->execute("PRAGMA user_version = 99"));
        newer->tidy_on_close();
    }
    const std::string before = read_bytes(directory.file("picket.db"));
    const auto refused = Store::open(directory.path(), night);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Code::invalid);
    CHECK(read_bytes(directory.file("picket.db")) == before);
    CHECK(set_aside_files(directory).empty());
}

TEST_CASE("a clean stop leaves one file, without a log") {
    const TemporaryDirectory directory;
    write_once(directory);
    CHECK_FALSE(std::filesystem::exists(directory.file("picket.db-wal")));
    CHECK_FALSE(std::filesystem::exists(directory.file("picket.db-shm")));
}

TEST_CASE("the log stays under four mebibytes") {
    const TemporaryDirectory directory;
    auto opened = open(directory);
    std::uintmax_t log_bytes = 0;
    for (int number = 0; number < 60; ++number) {
        std::vector<HistoryRow> rows;
        for (int each = 0; each < 256; ++each) {
            rows.push_back(row("check-" + std::to_string((number % 4) * 256 + each),
                               night + number * 1s, Finding::failed,
                               letters(number) + std::string(190, 'x')));
        }
        write(opened.store, outcomes(std::move(rows)));
        log_bytes =
            std::max(log_bytes, std::filesystem::file_size(directory.file("picket.db-wal")));
    }
    CHECK(log_bytes > 1024 * 1024);
    CHECK(log_bytes <= 4 * 1024 * 1024);
}

}  // namespace
}  // namespace picket::storage
