#include "checks/host_judgement.h"

#include <doctest/doctest.h>

#include <cerrno>

namespace picket::checks {
namespace {

using namespace std::chrono_literals;

constexpr double mib = 1024.0 * 1024;

// What is said of an outcome: its class where it is not passed, and its message.
std::string said(const Outcome& outcome) {
    if (outcome.finding == Finding::passed) return "passed: " + outcome.message;
    return std::string(to_text(outcome.failure_class)) + ": " + outcome.message;
}

// 1000 MiB, 400 used, 500 left for everybody, 100 kept for root.
Found<DiskFigures> disk() {
    return {{.size = 1000ULL << 20U,
             .free = 600ULL << 20U,
             .available = 500ULL << 20U,
             .inodes = 1000,
             .inodes_free = 30,
             .read_only = false,
             .mounted = true},
            0};
}

TEST_CASE("a disk passes and says what is free, as df counts") {
    const Outcome outcome = judge_disk({.path = "/srv"}, disk());
    CHECK(said(outcome) == "passed: /srv: 500 MiB (55.6%) free of 900 MiB");
    CHECK(outcome.metrics.size() == 5);
}

TEST_CASE("each expectation of a disk holds or fails at its limit") {
    DiskQuery query{.path = "/srv"};
    query.free_below = Amount{500 * mib, false};
    CHECK(judge_disk(query, disk()).finding == Finding::passed);
    query.free_below = Amount{501 * mib, false};
    CHECK(said(judge_disk(query, disk())) ==
          "content: /srv: 500 MiB (55.6%) free, expected at least 501 MiB");
    query.free_below = Amount{60, true};
    CHECK(said(judge_disk(query, disk())) ==
          "content: /srv: 55.6% (500 MiB) free, expected at least 60%");
    query = {.path = "/srv"};
    query.used_above = Amount{45, true};
    CHECK(judge_disk(query, disk()).finding == Finding::passed);
    query.used_above = Amount{44, true};
    CHECK(said(judge_disk(query, disk())) ==
          "content: /srv: 44.4% (400 MiB) used, expected at most 44%");
    query = {.path = "/srv"};
    query.inodes_below = Amount{30, false};
    CHECK(judge_disk(query, disk()).finding == Finding::passed);
    query.inodes_below = Amount{5, true};
    CHECK(said(judge_disk(query, disk())) ==
          "content: /srv: 30 inodes (3%) free, expected at least 5%");
    Found<DiskFigures> uncounted = disk();
    uncounted.figures.inodes = 0;
    CHECK(judge_disk(query, uncounted).finding == Finding::passed);
}

TEST_CASE("a disk that turned read-only or is not mounted fails") {
    Found<DiskFigures> figures = disk();
    figures.figures.read_only = true;
    CHECK(said(judge_disk({.path = "/srv"}, figures)) == "content: /srv: mounted read-only");
    DiskQuery query{.path = "/srv"};
    query.read_only = Tolerance::ok;
    CHECK(judge_disk(query, figures).finding == Finding::passed);
    query.mounted = true;
    CHECK(judge_disk(query, figures).finding == Finding::passed);
    figures.figures.mounted = false;
    CHECK(said(judge_disk(query, figures)) == "content: /srv: nothing is mounted here");
}

TEST_CASE("a path that is not there fails, one that may not be looked at is our own fault") {
    CHECK(said(judge_disk({.path = "/gone"}, {{}, ENOENT})) ==
          "content: /gone: no such file or directory");
    const Outcome forbidden = judge_disk({.path = "/secret"}, {{}, EACCES});
    CHECK(forbidden.finding == Finding::errored);
    CHECK(forbidden.message == "/secret: permission denied");
}

TEST_CASE("memory is judged by what is available, swapped and waited for") {
    const MemoryFigures figures{1000ULL << 20U, 250ULL << 20U, 100ULL << 20U, 40ULL << 20U};
    MemoryQuery query;
    CHECK(said(judge_memory(query, figures, std::nullopt)) ==
          "passed: memory: 250 MiB (25%) available of 1000 MiB, swap 60 MiB used of 100 MiB");
    query.available_below = Amount{25, true};
    CHECK(judge_memory(query, figures, std::nullopt).finding == Finding::passed);
    query.available_below = Amount{26, true};
    CHECK(said(judge_memory(query, figures, std::nullopt)) ==
          "content: memory: 25% (250 MiB) available, expected at least 26%");
    query = {.swap_used_above = Amount{59 * mib, false}};
    CHECK(said(judge_memory(query, figures, std::nullopt)) ==
          "content: swap: 60 MiB (60%) used, expected at most 59 MiB");
    query.swap_used_above = Amount{60, true};
    CHECK(judge_memory(query, figures, std::nullopt).finding == Finding::passed);
    query = {.pressure_above = 10};
    CHECK(judge_memory(query, figures, 10).finding == Finding::passed);
    CHECK(said(judge_memory(query, figures, 10.5)) ==
          "content: memory pressure: tasks waited 10.5% of the last minute, expected at most 10%");
}

TEST_CASE("load is judged as it is, per core and by who waits") {
    LoadFigures figures;
    figures.averages = {8, 4, 2};
    figures.cores = 4;
    LoadQuery query;
    CHECK(said(judge_load(query, figures)) == "passed: load 8.00 4.00 2.00 on 4 cores");
    query.above = {8};
    CHECK(judge_load(query, figures).finding == Finding::passed);
    query.above = {9, 3.5};
    CHECK(said(judge_load(query, figures)) == "content: load5 is 4.00, expected at most 3.5");
    query = {.per_core_above = {1.5}};
    CHECK(said(judge_load(query, figures)) ==
          "content: load1 is 8.00 on 4 cores, 2.00 per core, expected at most 1.5");
    query = {.pressure_above = 20, .io_pressure_above = 5};
    figures.pressure = 20;
    figures.io_pressure = 6;
    CHECK(said(judge_load(query, figures)) ==
          "content: io pressure: tasks waited 6% of the last minute, expected at most 5%");
}

std::vector<ProcessFigures> processes() {
    return {
        {.pid = 10,
         .age_seconds = 100,
         .rss_bytes = 5 << 20,
         .state = 'S',
         .name = "app",
         .command = "/usr/bin/app --serve"},
        {.pid = 11,
         .age_seconds = 5,
         .rss_bytes = 9 << 20,
         .state = 'R',
         .name = "app",
         .command = "/usr/bin/app --work"},
        {.pid = 12, .age_seconds = 1, .rss_bytes = 0, .state = 'Z', .name = "app", .command = ""}};
}

TEST_CASE("processes are counted, but not those that ended already") {
    const ProcessQuery query{.name = "app"};
    CHECK(said(judge_processes(query, nullptr, processes(), 0)) ==
          "passed: 2 processes named app: app (pid 10), app (pid 11)");
    CHECK(said(judge_processes(query, nullptr, {}, 0)) ==
          "content: 0 processes named app, expected at least 1");
    const Pattern pattern("--work$");
    CHECK(said(judge_processes({.name = "app", .cmdline = "--work$", .count_min = 2}, &pattern,
                               processes(), 0)) ==
          "content: 1 process named app, like --work$, expected at least 2");
    CHECK(said(judge_processes({.name = "app", .count_max = 1}, nullptr, processes(), 0)) ==
          "content: 2 processes named app, expected at most 1");
    CHECK(
        judge_processes({.name = "app", .count_min = 0, .count_max = 0}, nullptr, {}, 0).finding ==
        Finding::passed);
}

TEST_CASE("a process that is too young, too old or too large is named") {
    CHECK(said(judge_processes({.name = "app", .age_below = 10s}, nullptr, processes(), 0)) ==
          "content: app (pid 11) runs for 5s only, expected at least 10s");
    CHECK(said(judge_processes({.name = "app", .age_above = 1min}, nullptr, processes(), 0)) ==
          "content: app (pid 10) runs for 1m40s, expected at most 1m");
    CHECK(said(judge_processes({.name = "app", .rss_above = Amount{8 * mib, false}}, nullptr,
                               processes(), 0)) ==
          "content: app (pid 11) holds 9.0 MiB (0%) of memory, expected at most 8.0 MiB");
    CHECK(said(judge_processes({.name = "app", .rss_above = Amount{50, true}}, nullptr, processes(),
                               10 << 20)) ==
          "content: app (pid 11) holds 90% (9.0 MiB) of memory, expected at most 50%");
    CHECK(judge_processes({.name = "app",
                           .age_below = 5s,
                           .age_above = 2min,
                           .rss_above = Amount{9 * mib, false}},
                          nullptr, processes(), 0)
              .finding == Finding::passed);
}

UnitProperties unit(const std::string& name, const std::string& state) {
    return {{"Id", name},
            {"LoadState", "loaded"},
            {"ActiveState", state},
            {"SubState", state == "active" ? "running" : "dead"},
            {"Result", state == "failed" ? "exit-code" : "success"},
            {"UnitFileState", "enabled"},
            {"ActiveEnterTimestampMonotonic", "60000000"}};
}

TEST_CASE("a unit passes in the states that it may have") {
    const Instant now{100s};
    UnitQuery query{.unit = "app.service"};
    CHECK(said(judge_units(query, {unit("app.service", "active")}, now)) ==
          "passed: app.service is active (running)");
    CHECK(said(judge_units(query, {unit("app.service", "failed")}, now)) ==
          "content: app.service is failed (dead, result exit-code), expected ActiveState active");
    query.active_state = {"active", "inactive"};
    query.result = {"success"};
    CHECK(judge_units(query, {unit("app.service", "inactive")}, now).finding == Finding::passed);
    query.unit_file_state = {"disabled"};
    CHECK(said(judge_units(query, {unit("app.service", "active")}, now)) ==
          "content: app.service is active (running, result success), expected UnitFileState "
          "disabled");
    query = {.unit = "app.service", .sub_state = {"exited"}};
    CHECK(said(judge_units(query, {unit("app.service", "active")}, now)) ==
          "content: app.service is active (running, result success), expected SubState exited");
    query = {.unit = "app.service", .active_below = 41s};
    CHECK(said(judge_units(query, {unit("app.service", "active")}, now)) ==
          "content: app.service is active for 40s only, expected at least 41s");
}

TEST_CASE("of several units each must pass, and one that is not known fails") {
    const UnitQuery query{.unit = "app@*.service"};
    CHECK(
        said(judge_units(query, {unit("app@1.service", "active"), unit("app@2.service", "active")},
                         Instant{})) == "passed: 2 units app@*.service are as expected");
    CHECK(
        said(judge_units(query, {unit("app@1.service", "active"), unit("app@2.service", "failed")},
                         Instant{})) ==
        "content: app@2.service is failed (dead, result exit-code), expected ActiveState active");
    CHECK(said(judge_units(query, {}, Instant{})) ==
          "content: systemd knows no unit app@*.service");
    CHECK(said(judge_units({.unit = "x"}, {{{"Id", "x.service"}, {"LoadState", "not-found"}}},
                           Instant{})) == "content: systemd knows no unit x");
}

constexpr WallTime noon{std::chrono::seconds(1'790'000'000)};

Found<FileFigures> files(std::uint64_t count) {
    const auto ago = [](Duration age) {
        return std::chrono::duration_cast<std::chrono::milliseconds>(
                   (noon - age).time_since_epoch())
            .count();
    };
    return {{.count = count,
             .bytes = 30,
             .newest = {"/b/new", ago(1min)},
             .oldest = {"/b/old", ago(1h)},
             .largest = {"/b/old", 20},
             .smallest = {"/b/new", 10}},
            0};
}

TEST_CASE("a file is missed, or missing is right") {
    CHECK(said(judge_files({.path = "/a"}, {}, noon)) == "content: /a: no such file or directory");
    CHECK(said(judge_files({.path = "/b/*"}, {}, noon)) == "content: no file is called /b/*");
    CHECK(said(judge_files({.path = "/a", .missing = Tolerance::ok}, {}, noon)) ==
          "passed: /a: not there, which is right");
    CHECK(said(judge_files({.path = "/a", .count_max = 0}, files(1), noon)) ==
          "content: 1 file /a, expected at most 0");
    CHECK(judge_files({.path = "/a", .count_max = 0}, {}, noon).finding == Finding::passed);
}

TEST_CASE("files have an age, a size and a number") {
    CHECK(said(judge_files({.path = "/b/new"}, files(1), noon)) ==
          "passed: /b/new: 30 B, written 1m ago");
    CHECK(said(judge_files({.path = "/b/*", .older_than = 1min}, files(2), noon)) ==
          "passed: /b/*: 2 files, 30 B, written 1m ago");
    CHECK(said(judge_files({.path = "/b/*", .older_than = 59s}, files(2), noon)) ==
          "content: /b/new, the newest of 2, was written 1m ago, expected within 59s");
    CHECK(said(judge_files({.path = "/b/*", .older_than = 30min, .age_of = FileOfAge::oldest},
                           files(2), noon)) ==
          "content: /b/old, the oldest of 2, was written 1h ago, expected within 30m");
    CHECK(said(judge_files({.path = "/b/new", .newer_than = 2min}, files(1), noon)) ==
          "content: /b/new, was written 1m ago, expected none within 2m");
    CHECK(said(judge_files({.path = "/b/*", .size_above = Amount{19, false}}, files(2), noon)) ==
          "content: /b/old has 20 B, expected at most 19 B");
    CHECK(said(judge_files({.path = "/b/*", .size_below = Amount{11, false}}, files(2), noon)) ==
          "content: /b/new has 10 B, expected at least 11 B");
    CHECK(said(judge_files({.path = "/b/*", .count_min = 3}, files(2), noon)) ==
          "content: 2 files /b/*, expected at least 3");
    CHECK(said(judge_files({.path = "/b/*", .count_max = 1}, files(2), noon)) ==
          "content: 2 files /b/*, expected at most 1");
    CHECK(judge_files({.path = "/b/*",
                       .older_than = 1h,
                       .newer_than = 1s,
                       .age_of = FileOfAge::oldest,
                       .size_above = Amount{20, false},
                       .size_below = Amount{10, false},
                       .count_min = 2,
                       .count_max = 2},
                      files(2), noon)
              .finding == Finding::passed);
}

}  // namespace
}  // namespace picket::checks
