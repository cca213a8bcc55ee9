#include "checks/host_figures.h"

#include <doctest/doctest.h>

namespace picket::checks {
namespace {

template <typename T>
std::string problem(const Result<T>& result) {
    return result.has_value() ? "" : result.error().message();
}

TEST_CASE("/proc/meminfo is read in bytes, and counts without a unit are left out") {
    const auto memory = parse_meminfo(
        "MemTotal:       16310000 kB\nMemFree: 1 kB\nMemAvailable:   4096 kB\n"
        "SwapTotal:      2048 kB\nSwapFree:       1024 kB\nHugePages_Total:       0\n");
    REQUIRE(memory.has_value());
    CHECK(memory->total == 16310000ULL * 1024);
    CHECK(memory->available == 4096 * 1024);
    CHECK(memory->swap_total == 2048 * 1024);
    CHECK(memory->swap_free == 1024 * 1024);
    CHECK(problem(parse_meminfo("MemTotal: 0 kB\nMemAvailable: 1 kB\n")) ==
          "/proc/meminfo is not of its usual form");
    CHECK(problem(parse_meminfo("MemTotal: 10 kB\n")) == "/proc/meminfo is not of its usual form");
}

TEST_CASE("/proc/loadavg gives three averages or an error") {
    const auto loads = parse_loadavg("0.52 1.25 2.00 1/345 12345\n");
    REQUIRE(loads.has_value());
    CHECK((*loads)[0] == 0.52);
    CHECK((*loads)[2] == 2);
    CHECK(problem(parse_loadavg("0.52 1.25")) == "/proc/loadavg is not of its usual form");
    CHECK(problem(parse_loadavg("a b c")) == "/proc/loadavg is not of its usual form");
    CHECK(problem(parse_loadavg("nan 1 1")) == "/proc/loadavg is not of its usual form");
}

TEST_CASE("pressure is the share of the last minute in which some task waited") {
    CHECK(*parse_pressure("some avg10=0.12 avg60=3.45 avg300=1.00 total=99\n"
                          "full avg10=0.00 avg60=9.99 avg300=0.00 total=1\n") == 3.45);
    CHECK_FALSE(parse_pressure("some avg10=0.12\n").has_value());
    CHECK_FALSE(parse_pressure("some avg60=101\n").has_value());
    CHECK_FALSE(parse_pressure("").has_value());
}

TEST_CASE("a list of cores is counted") {
    CHECK(*parse_core_list("0\n") == 1);
    CHECK(*parse_core_list("0-3,6\n") == 5);
    for (const char* wrong : {"", "3-1", "x", "0-99999999", "0-"}) {
        CAPTURE(wrong);
        const bool counted = parse_core_list(wrong).has_value();
        CHECK(counted == (std::string_view(wrong) == "0-"));
    }
}

TEST_CASE("what picket-helper says of a disk is read whole or not at all") {
    const auto disk = parse_disk(
        "size 1000\nfree 300\navailable 250\ninodes 10\ninodes_free 4\nread_only 1\nmounted 0\n");
    REQUIRE(disk.has_value());
    CHECK(disk->error_number == 0);
    CHECK(disk->figures.available == 250);
    CHECK(disk->figures.read_only);
    CHECK_FALSE(disk->figures.mounted);
    CHECK(parse_disk("errno 2\n")->error_number == 2);
    CHECK(problem(parse_disk("size 1000\n")) ==
          "what picket-helper says of the disk is not of its usual form");
}

TEST_CASE("what picket-helper says of files keeps blanks in their names") {
    const auto files = parse_files(
        "count 2\nbytes 30\nnewest 2000 /a b\noldest 1000 /c\nlargest 20 /c\nsmallest 10 /a b\n");
    REQUIRE(files.has_value());
    CHECK(files->figures.newest.path == "/a b");
    CHECK(files->figures.newest.value == 2000);
    CHECK(parse_files("count 0\n")->figures.count == 0);
    CHECK_FALSE(parse_files("count 1\n").has_value());
}

TEST_CASE("a process has a number, an age, a size, a state, a name and a command") {
    const auto found = parse_processes(
        "12 3.50 4096 S nginx: worker\tnginx: worker process\n13 0.00 0 I kthreadd\t\n");
    REQUIRE(found.has_value());
    REQUIRE(found->figures.size() == 2);
    CHECK(found->figures[0].pid == 12);
    CHECK(found->figures[0].age_seconds == 3.5);
    CHECK(found->figures[0].rss_bytes == 4096);
    CHECK(found->figures[0].name == "nginx: worker");
    CHECK(found->figures[0].command == "nginx: worker process");
    CHECK(found->figures[1].command.empty());
    CHECK_FALSE(parse_processes("x 1 1 S a\tb\n").has_value());
    CHECK_FALSE(parse_processes("1 1 1 SS a\tb\n").has_value());
    CHECK(parse_processes("")->figures.empty());
}

TEST_CASE("systemctl's blocks are one unit each") {
    const auto units =
        parse_units("Id=a.service\nActiveState=active\n\nId=b.service\nResult=x=y\n");
    REQUIRE(units.size() == 2);
    CHECK(units[0].at("Id") == "a.service");
    CHECK(units[1].at("Result") == "x=y");
    CHECK(parse_units("\n\n").empty());
}

}  // namespace
}  // namespace picket::checks
