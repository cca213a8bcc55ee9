#include "checks/host_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "agent/base/text.h"

namespace picket::checks {
namespace {

tl::unexpected<Error> not_of_its_form(std::string_view what) {
    return failure(Code::corrupt, fmt::format("{} is not of its usual form", what));
}

// The text before the first `separator`; it and the separator are taken off `text`.
std::string_view take_until(std::string_view& text, char separator) {
    const std::size_t end = text.find(separator);
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return taken;
}

std::string_view take_word(std::string_view& text) {
    text = trim(text);
    return take_until(text, ' ');
}

template <typename Number>
std::optional<Number> number(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    if constexpr (std::is_floating_point_v<Number>) {
        if (!std::isfinite(value) || value < 0) return std::nullopt;
    }
    return value;
}

// "errno 2" in place of figures.
std::optional<int> error_number_of(std::string_view text) {
    std::string_view line = trim(text);
    if (take_word(line) != "errno") return std::nullopt;
    const auto error = number<int>(trim(line));
    return error && *error > 0 ? error : std::nullopt;
}

using Lines = std::map<std::string_view, std::string_view>;

// Lines of a word and its value.
Lines lines_of(std::string_view text) {
    Lines lines;
    while (!text.empty()) {
        std::string_view line = take_until(text, '\n');
        const std::string_view word = take_until(line, ' ');
        lines.emplace(word, line);
    }
    return lines;
}

bool take_figure(const Lines& lines, std::string_view name, std::uint64_t& figure) {
    const auto line = lines.find(name);
    const auto value = line == lines.end() ? std::nullopt : number<std::uint64_t>(line->second);
    if (value) figure = *value;
    return value.has_value();
}

bool take_figure(const Lines& lines, std::string_view name, NamedFigure& figure) {
    const auto line = lines.find(name);
    if (line == lines.end()) return false;
    std::string_view rest = line->second;
    const auto value = number<std::int64_t>(take_until(rest, ' '));
    if (!value) return false;
    figure = {std::string(rest), *value};
    return true;
}

std::optional<ProcessFigures> process_of(std::string_view line) {
    ProcessFigures process;
    const auto pid = number<std::uint32_t>(take_until(line, ' '));
    const auto age = number<double>(take_until(line, ' '));
    const auto rss = number<std::uint64_t>(take_until(line, ' '));
    const std::string_view state = take_until(line, ' ');
    if (!pid || !age || !rss || state.size() != 1) return std::nullopt;
    process.pid = *pid;
    process.age_seconds = *age;
    process.rss_bytes = *rss;
    process.state = state.front();
    process.name = take_until(line, '\t');
    process.command = line;
    return process;
}

}  // namespace

Result<MemoryFigures> parse_meminfo(std::string_view text) {
    std::map<std::string_view, std::uint64_t> kibibytes;
    while (!text.empty()) {
        std::string_view line = take_until(text, '\n');
        const std::string_view name = take_until(line, ':');
        // Counts without a unit (HugePages_Total) are none of ours.
        const auto value = number<std::uint64_t>(take_word(line));
        if (value && trim(line) == "kB" && *value < (std::uint64_t{1} << 50U)) {
            kibibytes.emplace(name, *value * 1024);
        }
    }
    const auto total = kibibytes.find("MemTotal");
    const auto available = kibibytes.find("MemAvailable");
    if (total == kibibytes.end() || available == kibibytes.end() || total->second == 0) {
        return not_of_its_form("/proc/meminfo");
    }
    return MemoryFigures{total->second, available->second, kibibytes["SwapTotal"],
                         kibibytes["SwapFree"]};
}

Result<std::array<double, 3>> parse_loadavg(std::string_view text) {
    std::array<double, 3> loads{};
    for (double& load : loads) {
        const auto value = number<double>(take_word(text));
        if (!value) return not_of_its_form("/proc/loadavg");
        load = *value;
    }
    return loads;
}

Result<double> parse_pressure(std::string_view text) {
    std::string_view line = take_until(text, '\n');
    if (take_word(line) == "some") {
        while (!line.empty()) {
            std::string_view word = take_word(line);
            if (take_until(word, '=') != "avg60") continue;
            const auto value = number<double>(word);
            if (value && *value <= 100) return *value;
        }
    }
    return not_of_its_form("the pressure");
}

Result<std::uint32_t> parse_core_list(std::string_view text) {
    constexpr std::uint32_t cores_max = 1U << 16U;
    std::uint32_t cores = 0;
    std::string_view list = trim(text);
    while (!list.empty()) {
        std::string_view range = take_until(list, ',');
        const auto first = number<std::uint32_t>(take_until(range, '-'));
        const auto last = range.empty() ? first : number<std::uint32_t>(range);
        if (!first || !last || *last < *first || *last >= cores_max) {
            return not_of_its_form("the list of cores");
        }
        cores += *last - *first + 1;
        if (cores > cores_max) return not_of_its_form("the list of cores");
    }
    if (cores == 0) return not_of_its_form("the list of cores");
    return cores;
}

Result<Found<DiskFigures>> parse_disk(std::string_view text) {
    if (const auto error = error_number_of(text)) return Found<DiskFigures>{{}, *error};
    const Lines lines = lines_of(text);
    DiskFigures disk;
    std::uint64_t read_only = 0;
    std::uint64_t mounted = 0;
    const bool whole =
        take_figure(lines, "size", disk.size) && take_figure(lines, "free", disk.free) &&
        take_figure(lines, "available", disk.available) &&
        take_figure(lines, "inodes", disk.inodes) &&
        take_figure(lines, "inodes_free", disk.inodes_free) &&
        take_figure(lines, "read_only", read_only) && take_figure(lines, "mounted", mounted);
    if (!whole) return not_of_its_form("what picket-helper says of the disk");
    disk.read_only = read_only != 0;
    disk.mounted = mounted != 0;
    return Found<DiskFigures>{disk, 0};
}

Result<Found<FileFigures>> parse_files(std::string_view text) {
    if (const auto error = error_number_of(text)) return Found<FileFigures>{{}, *error};
    const Lines lines = lines_of(text);
    FileFigures files;
    const bool whole = take_figure(lines, "count", files.count) &&
                       (files.count == 0 || (take_figure(lines, "bytes", files.bytes) &&
                                             take_figure(lines, "newest", files.newest) &&
                                             take_figure(lines, "oldest", files.oldest) &&
                                             take_figure(lines, "largest", files.largest) &&
                                             take_figure(lines, "smallest", files.smallest)));
    if (!whole) return not_of_its_form("what picket-helper says of the files");
    return Found<FileFigures>{std::move(files), 0};
}

Result<Found<std::vector<ProcessFigures>>> parse_processes(std::string_view text) {
    std::vector<ProcessFigures> processes;
    if (const auto error = error_number_of(text)) {
        return Found<std::vector<ProcessFigures>>{{}, *error};
    }
    while (!text.empty()) {
        auto process = process_of(take_until(text, '\n'));
        if (!process) return not_of_its_form("what picket-helper says of the processes");
        processes.push_back(*std::move(process));
    }
    return Found<std::vector<ProcessFigures>>{std::move(processes), 0};
}

std::vector<UnitProperties> parse_units(std::string_view text) {
    std::vector<UnitProperties> units;
    UnitProperties unit;
    while (!text.empty()) {
        std::string_view line = take_until(text, '\n');
        if (trim(line).empty()) {
            if (!unit.empty()) units.push_back(std::exchange(unit, {}));
            continue;
        }
        const std::string_view name = take_until(line, '=');
        unit.emplace(name, line);
    }
    if (!unit.empty()) units.push_back(std::move(unit));
    return units;
}

}  // namespace picket::checks
