#include "agent/cli/export.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "storage/database.h"
#include "storage/store.h"
#include "tests/support/temporary_directory.h"

namespace picket::cli {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr WallTime night = WallTime(1'795'402'800s);

// Two checks with 700 outcomes each, a pause, an outage and its transitions.
void write_history(const std::string& directory) {
    auto opened = storage::Store::open(directory, night);
    REQUIRE(opened);
    storage::Batch batch;
    for (const char* check : {"web", "root@db-1"}) {
        storage::HistoryRow row;
        row.check = check;
        row.interval = 10s;
        for (int i = 0; i < 700; ++i) {
            row.outcome.at = night + i * 10s;
            row.outcome.latency = Duration{20'000};
            row.outcome.finding = i == 7 ? checks::Finding::failed : checks::Finding::passed;
            row.outcome.failure_class =
                i == 7 ? checks::FailureClass::refused : checks::FailureClass::none;
            row.outcome.message = i == 7 ? "connection \"refused\"" : "";
            batch.outcomes.push_back(row);
        }
        row.outcome.at = night + 2h;
        row.pause = true;
        row.outcome.message = "maintenance";
        batch.outcomes.push_back(row);
    }
    storage::Outage outage;
    outage.check = "web";
    outage.epoch = 1;
    outage.scope = "total";
    outage.opened = night + 1min;
    outage.first_failure = night + 50s;
    outage.failure_class = checks::FailureClass::refused;
    batch.facts.emplace_back(outage);
    storage::Transition down;
    down.check = "web";
    down.at = night + 1min;
    down.epoch = 1;
    down.state = "down";
    batch.facts.emplace_back(down);
    REQUIRE(opened->store.write(batch, night));
}

struct World {
    World() { write_history(directory.path()); }

    Result<Exported> run(ExportOptions options) {
        printed.clear();
        return export_history(directory.path("picket.db"), options, [&](std::string_view text) {
            printed += text;
            return !deaf;
        });
    }

    testing::TemporaryDirectory directory;
    std::string printed;
    bool deaf = false;
};

std::vector<Json> lines_of(const std::string& text) {
    std::vector<Json> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(Json::parse(line));
    return lines;
}

std::map<std::string, int> by_type(const std::vector<Json>& lines) {
    std::map<std::string, int> counts;
    for (const Json& line : lines) ++counts[line["type"].get<std::string>()];
    return counts;
}

TEST_CASE("an export as lines has everything once, and says where it ends") {
    World world;
    const auto exported = world.run({});
    REQUIRE(exported);
    CHECK(exported->outcomes == 1'400);
    const std::vector<Json> lines = lines_of(world.printed);
    auto counts = by_type(lines);
    CHECK(counts["outcome"] == 1'400);
    CHECK(counts["check"] == 2);
    CHECK(counts["hour"] == 4);
    CHECK(counts["transition"] == 1);
    CHECK(counts["outage"] == 1);
    CHECK(counts["not_observed"] == 2);
    CHECK(lines.front()["type"] == "export");
    CHECK(lines.back() == Json{{"type", "end"}, {"lines", lines.size() - 1}});
    const Json& failed = lines[2 + 7];
    CHECK(failed["check"] == "root@db-1");
    CHECK(failed["at"] == "2026-11-23T03:01:10.000Z");
    CHECK(failed["class"] == "refused");
    CHECK(failed["message"] == "connection \"refused\"");
}

TEST_CASE("an export may be of one check and one window") {
    World world;
    const auto exported = world.run(
        {.checks = {"root"}, .from = night + 1h, .to = night + 3h, .file = {}, .format = {}});
    REQUIRE(exported);
    CHECK(exported->checks == 1);
    CHECK(exported->outcomes == 700 - 360);
    CHECK(exported->outages == 0);
    const std::vector<Json> lines = lines_of(world.printed);
    CHECK(lines[lines.size() - 2]["type"] == "hour");
    CHECK(by_type(lines)["not_observed"] == 2);  // Up to the pause, and from it to the end.
    CHECK(world.run({.checks = {"nope"}, .from = {}, .to = {}, .file = {}, .format = {}})
              .error()
              .message() == "no check is named 'nope'");
}

TEST_CASE("an export as tables holds the same") {
    World world;
    const std::string file = world.directory.path("out.sqlite");
    const auto exported =
        world.run({.checks = {}, .from = {}, .to = {}, .file = file, .format = {}});
    REQUIRE_MESSAGE(exported, exported.error().message());
    CHECK(world.printed.empty());
    auto database = storage::Database::open(file, storage::OpenMode::read_only);
    REQUIRE(database);
    const auto count = [&](const std::string& from) {
        return database->integer("SELECT count(*) FROM " + from).value();
    };
    CHECK(count("checks") == 2);
    CHECK(count("outcomes") == 1'400);
    CHECK(count("outcomes JOIN checks ON checks.id = check_id WHERE name = 'web' AND "
                "finding = 'failed' AND class = 'refused' AND latency_us = 20000") == 1);
    CHECK(count("not_observed WHERE reason = 'maintenance'") == 0);  // No end was asked for.
    CHECK(count("hours WHERE passed = 359 AND p95_us BETWEEN 19600 AND 20400") == 2);
    CHECK(count("outages WHERE closed_ms IS NULL") == 1);
    CHECK(count("transitions") == 1);
    CHECK(export_summary(*exported, file) ==
          "picket: 2 checks, 1400 outcomes, 4 hours, 1 outage in " + file + "\n");
}

TEST_CASE("no file is overwritten, none is left half written") {
    World world;
    const std::string file = world.directory.path("out.jsonl");
    ExportOptions options;
    options.file = file;
    REQUIRE(world.run(options));
    CHECK(world.run(options).error().code() == Code::invalid);
    CHECK(lines_of(world.directory.read("out.jsonl")).back()["type"] == "end");

    for (const char* name : {"half.jsonl", "half.sqlite"}) {
        options.file = world.directory.path(name);
        options.checks = {"nope"};
        CHECK_FALSE(world.run(options));
        CHECK_FALSE(std::filesystem::exists(options.file));
    }
    options = {};
    options.format = "sqlite";
    CHECK(world.run(options).error().message() == "tables of SQLite need a file: --output FILE");
}

TEST_CASE("an export ends where nobody reads any more") {
    World world;
    world.deaf = true;
    CHECK_FALSE(world.run({}));
}

}  // namespace
}  // namespace picket::cli
