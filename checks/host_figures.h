// What this host says of itself, read out of text: files of /proc, what
// picket-helper prints, what systemctl shows. Pure.
//
// Nothing here is asked of a network, but a container may show any text as /proc,
// and a file's or a process's name is anybody's: what is not of its form is an
// Error or is left out, and never believed.

#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace picket::checks {

struct MemoryFigures {
    std::uint64_t total = 0;  // Bytes, as all of them.
    std::uint64_t available = 0;
    std::uint64_t swap_total = 0;
    std::uint64_t swap_free = 0;
};

// /proc/meminfo. Fails without a total or an available figure.
Result<MemoryFigures> parse_meminfo(std::string_view text);

// The three averages of /proc/loadavg, over 1, 5 and 15 minutes.
Result<std::array<double, 3>> parse_loadavg(std::string_view text);

// "some avg60" of a file of /proc/pressure: percent of the last minute in which a
// task waited.
Result<double> parse_pressure(std::string_view text);

// The cores that are there, of /sys/devices/system/cpu/online: "0-3,6" are five.
Result<std::uint32_t> parse_core_list(std::string_view text);

struct DiskFigures {
    std::uint64_t size = 0;       // Bytes.
    std::uint64_t free = 0;       // For root.
    std::uint64_t available = 0;  // For everybody else.
    std::uint64_t inodes = 0;     // 0: of a file system that does not count them.
    std::uint64_t inodes_free = 0;
    bool read_only = false;
    bool mounted = false;  // Here, and not further up.
};

struct NamedFigure {
    std::string path;
    std::int64_t value = 0;
};

struct FileFigures {
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
    NamedFigure newest, oldest;     // Milliseconds of the wall clock; with no file, nothing.
    NamedFigure largest, smallest;  // Bytes.
};

struct ProcessFigures {
    std::uint32_t pid = 0;
    double age_seconds = 0;
    std::uint64_t rss_bytes = 0;
    char state = '?';  // As ps(1) spells it.
    std::string name;
    std::string command;  // Its words, joined by blanks; a kernel thread has none.
};

// What picket-helper found, or the errno that it met.
template <typename Figures>
struct Found {
    Figures figures;
    int error_number = 0;
};

Result<Found<DiskFigures>> parse_disk(std::string_view text);
Result<Found<FileFigures>> parse_files(std::string_view text);
Result<Found<std::vector<ProcessFigures>>> parse_processes(std::string_view text);

// What `systemctl show` prints: for each unit its properties.
using UnitProperties = std::map<std::string, std::string, std::less<>>;
std::vector<UnitProperties> parse_units(std::string_view text);

}  // namespace picket::checks
