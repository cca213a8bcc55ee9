#include "checks/host_judgement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string>
#include <utility>

#include "agent/base/errno_text.h"
#include "agent/base/text.h"
#include "checks/amount.h"

namespace picket::checks {
namespace {

// Of a list of names in a message.
constexpr std::size_t named_max = 3;

Judgement judged(std::string what, std::string found, bool met, std::string message) {
    Judgement result{{std::move(what), std::move(found), met}, FailureClass::none, {}};
    if (!met) {
        result.failure_class = FailureClass::content;
        result.message = std::move(message);
    }
    return result;
}

// A look that the kernel refused. What is not there is the target's fault, what may
// not be looked at is ours.
Outcome refused_look(std::string_view subject, int error_number) {
    const std::string message = fmt::format("{}: {}", subject, errno_text(error_number));
    const bool gone = error_number == ENOENT || error_number == ENOTDIR || error_number == EIO ||
                      error_number == ESTALE || error_number == ENOTCONN ||
                      error_number == EHOSTDOWN || error_number == ELOOP;
    return gone ? failed(FailureClass::content, Duration{0}, message) : errored(message);
}

double share(double part, double whole) {
    return whole > 0 ? 100 * part / whole : 0;
}

// "8.1 GiB (12%)" in the form of the limit it is held against, the other one behind.
std::string figure_text(double bytes, double whole, bool percent_first) {
    const std::string size = spoken_bytes(bytes);
    const std::string percent = spoken_percent(share(bytes, whole));
    return percent_first ? fmt::format("{} ({})", percent, size)
                         : fmt::format("{} ({})", size, percent);
}

std::string limit_text(const Amount& limit) {
    return limit.percent ? spoken_percent(limit.value) : spoken_bytes(limit.value);
}

std::string age_text(Duration age) {
    return format_duration(std::chrono::floor<std::chrono::seconds>(age));
}

// ---- Units -------------------------------------------------------------------------------------

std::string_view property(const UnitProperties& unit, std::string_view name) {
    const auto found = unit.find(name);
    return found == unit.end() ? std::string_view() : std::string_view(found->second);
}

std::string joined(const std::vector<std::string>& words) {
    return fmt::format("{}", fmt::join(words, " or "));
}

void judge_property(std::vector<Judgement>& judgements, const UnitProperties& unit,
                    std::string_view name, const std::vector<std::string>& expected) {
    if (expected.empty()) return;
    const std::string_view value = property(unit, name);
    const std::string shown = printable_line(value, 64);
    judgements.push_back(
        judged(fmt::format("{} {}", name, joined(expected)), shown,
               std::ranges::find(expected, value) != expected.end(),
               fmt::format("{} is {} ({}, result {}), expected {} {}", property(unit, "Id"),
                           property(unit, "ActiveState"), property(unit, "SubState"),
                           property(unit, "Result"), name, joined(expected))));
}

// Since a unit entered its state, on the clock that CLOCK_MONOTONIC counts.
std::optional<Duration> active_for(const UnitProperties& unit, Instant now) {
    const std::string_view text = property(unit, "ActiveEnterTimestampMonotonic");
    std::int64_t microseconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), microseconds);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return now.time_since_epoch() - Duration(microseconds);
}

void judge_unit(std::vector<Judgement>& judgements, const UnitQuery& query,
                const UnitProperties& unit, Instant now) {
    judge_property(judgements, unit, "ActiveState", query.active_state);
    judge_property(judgements, unit, "SubState", query.sub_state);
    judge_property(judgements, unit, "Result", query.result);
    judge_property(judgements, unit, "UnitFileState", query.unit_file_state);
    const auto age = active_for(unit, now);
    if (!query.active_below || !age) return;
    judgements.push_back(
        judged(fmt::format("active for {}", format_duration(*query.active_below)), age_text(*age),
               *age >= *query.active_below,
               fmt::format("{} is active for {} only, expected at least {}", property(unit, "Id"),
                           age_text(*age), format_duration(*query.active_below))));
}

// ---- Processes ---------------------------------------------------------------------------------

std::string subject_of(const ProcessQuery& query) {
    std::string subject;
    const auto add = [&](std::string_view what, const std::string& value) {
        if (value.empty()) return;
        subject += fmt::format("{}{} {}", subject.empty() ? "" : ", ", what, value);
    };
    add("named", query.name);
    add("like", query.cmdline);
    add("of", query.pidfile);
    add("of user", query.user);
    return subject.empty() ? subject : " " + subject;
}

std::string process_text(const ProcessFigures& process) {
    return fmt::format("{} (pid {})", printable_line(process.name, 32), process.pid);
}

void judge_each(std::vector<Judgement>& judgements, const ProcessQuery& query,
                const std::vector<ProcessFigures>& processes, std::uint64_t memory_total) {
    const auto age = [](const ProcessFigures& process) {
        return Duration(static_cast<Duration::rep>(process.age_seconds * 1e6));
    };
    const auto& youngest = std::ranges::min(processes, {}, &ProcessFigures::age_seconds);
    const auto& oldest = std::ranges::max(processes, {}, &ProcessFigures::age_seconds);
    const auto& largest = std::ranges::max(processes, {}, &ProcessFigures::rss_bytes);
    if (query.age_below) {
        judgements.push_back(
            judged(fmt::format("each running for {}", format_duration(*query.age_below)),
                   age_text(age(youngest)), age(youngest) >= *query.age_below,
                   fmt::format("{} runs for {} only, expected at least {}", process_text(youngest),
                               age_text(age(youngest)), format_duration(*query.age_below))));
    }
    if (query.age_above) {
        judgements.push_back(
            judged(fmt::format("each running for at most {}", format_duration(*query.age_above)),
                   age_text(age(oldest)), age(oldest) <= *query.age_above,
                   fmt::format("{} runs for {}, expected at most {}", process_text(oldest),
                               age_text(age(oldest)), format_duration(*query.age_above))));
    }
    if (query.rss_above) {
        const auto rss = static_cast<double>(largest.rss_bytes);
        const auto total = static_cast<double>(memory_total);
        const std::string limit = limit_text(*query.rss_above);
        const std::string found = figure_text(rss, total, query.rss_above->percent);
        judgements.push_back(judged(fmt::format("each resident in at most {}", limit), found,
                                    rss <= query.rss_above->of(total),
                                    fmt::format("{} holds {} of memory, expected at most {}",
                                                process_text(largest), found, limit)));
    }
}

// ---- Files -------------------------------------------------------------------------------------

Duration age_of(const NamedFigure& file, WallTime now) {
    return now - WallTime(std::chrono::milliseconds(file.value));
}

void judge_age(std::vector<Judgement>& judgements, const FileQuery& query, const FileFigures& files,
               WallTime now) {
    const bool newest = query.age_of == FileOfAge::newest;
    const NamedFigure& file = newest ? files.newest : files.oldest;
    const Duration age = age_of(file, now);
    const std::string path = printable_line(file.path, 100);
    const std::string which =
        files.count == 1
            ? path
            : fmt::format("{}, the {} of {}", path, newest ? "newest" : "oldest", files.count);
    if (query.older_than) {
        const std::string limit = format_duration(*query.older_than);
        judgements.push_back(judged(fmt::format("written within {}", limit), age_text(age) + " ago",
                                    age <= *query.older_than,
                                    fmt::format("{}, was written {} ago, expected within {}", which,
                                                age_text(age), limit)));
    }
    if (query.newer_than) {
        const std::string limit = format_duration(*query.newer_than);
        judgements.push_back(judged(fmt::format("not written within {}", limit),
                                    age_text(age) + " ago", age >= *query.newer_than,
                                    fmt::format("{}, was written {} ago, expected none within {}",
                                                which, age_text(age), limit)));
    }
}

void judge_size(std::vector<Judgement>& judgements, const FileQuery& query,
                const FileFigures& files) {
    const auto judge = [&](const NamedFigure& file, const Amount& limit, bool met,
                           std::string_view bound) {
        const std::string found = spoken_bytes(static_cast<double>(file.value));
        const std::string expected = fmt::format("{} {}", bound, spoken_bytes(limit.value));
        judgements.push_back(judged("size " + expected, found, met,
                                    fmt::format("{} has {}, expected {}",
                                                printable_line(file.path, 100), found, expected)));
    };
    if (query.size_above) {
        judge(files.largest, *query.size_above,
              static_cast<double>(files.largest.value) <= query.size_above->value, "at most");
    }
    if (query.size_below) {
        judge(files.smallest, *query.size_below,
              static_cast<double>(files.smallest.value) >= query.size_below->value, "at least");
    }
}

void judge_count(std::vector<Judgement>& judgements, std::string_view what, std::uint64_t count,
                 std::optional<std::uint32_t> least, std::optional<std::uint32_t> most) {
    const std::string found = fmt::format("{}", count);
    if (least) {
        judgements.push_back(
            judged(fmt::format("at least {}", *least), found, count >= *least,
                   fmt::format("{} {}, expected at least {}", count, what, *least)));
    }
    if (most) {
        judgements.push_back(judged(fmt::format("at most {}", *most), found, count <= *most,
                                    fmt::format("{} {}, expected at most {}", count, what, *most)));
    }
}

}  // namespace

Outcome judge_disk(const DiskQuery& query, const Found<DiskFigures>& found) {
    const std::string& path = query.path;
    if (found.error_number != 0) return refused_look(path, found.error_number);
    const DiskFigures& disk = found.figures;
    // As df(1) counts: what is kept for root is neither used nor free.
    const auto used = static_cast<double>(disk.size - std::min(disk.free, disk.size));
    const auto available = static_cast<double>(disk.available);
    const double whole = used + available;
    const auto inodes = static_cast<double>(disk.inodes);
    const auto inodes_free = static_cast<double>(disk.inodes_free);

    Outcome outcome =
        passed(Duration{0}, fmt::format("{}: {} free of {}", path,
                                        figure_text(available, whole, false), spoken_bytes(whole)));
    outcome.metrics = {{"size", whole, "B"},
                       {"used", used, "B"},
                       {"available", available, "B"},
                       {"used_share", share(used, whole), "%"},
                       {"inodes_free", inodes_free, ""}};
    std::vector<Judgement> judgements;
    if (query.mounted) {
        judgements.push_back(judged("mounted", disk.mounted ? "mounted" : "not mounted",
                                    disk.mounted,
                                    fmt::format("{}: nothing is mounted here", path)));
    }
    if (query.read_only == Tolerance::fail) {
        judgements.push_back(judged("writable", disk.read_only ? "read-only" : "writable",
                                    !disk.read_only, fmt::format("{}: mounted read-only", path)));
    }
    if (query.free_below) {
        const std::string free = figure_text(available, whole, query.free_below->percent);
        const std::string limit = limit_text(*query.free_below);
        judgements.push_back(judged(
            fmt::format("free at least {}", limit), free, available >= query.free_below->of(whole),
            fmt::format("{}: {} free, expected at least {}", path, free, limit)));
    }
    if (query.used_above) {
        const std::string text = figure_text(used, whole, query.used_above->percent);
        const std::string limit = limit_text(*query.used_above);
        judgements.push_back(
            judged(fmt::format("used at most {}", limit), text, used <= query.used_above->of(whole),
                   fmt::format("{}: {} used, expected at most {}", path, text, limit)));
    }
    if (query.inodes_below && disk.inodes > 0) {
        const Amount& least = *query.inodes_below;
        const std::string limit =
            least.percent ? spoken_percent(least.value) : fmt::format("{:.0f}", least.value);
        const std::string text = fmt::format("{} inodes ({})", disk.inodes_free,
                                             spoken_percent(share(inodes_free, inodes)));
        judgements.push_back(judged(
            fmt::format("free inodes at least {}", limit), text, inodes_free >= least.of(inodes),
            fmt::format("{}: {} free, expected at least {}", path, text, limit)));
    }
    return conclude(std::move(outcome), std::move(judgements));
}

Outcome judge_memory(const MemoryQuery& query, const MemoryFigures& figures,
                     std::optional<double> pressure) {
    const auto total = static_cast<double>(figures.total);
    const auto available = static_cast<double>(figures.available);
    const auto swap = static_cast<double>(figures.swap_total);
    const double swap_used =
        swap - static_cast<double>(std::min(figures.swap_free, figures.swap_total));
    Outcome outcome =
        passed(Duration{0}, fmt::format("memory: {} available of {}, swap {} used of {}",
                                        figure_text(available, total, false), spoken_bytes(total),
                                        spoken_bytes(swap_used), spoken_bytes(swap)));
    outcome.metrics = {{"available", available, "B"},
                       {"available_share", share(available, total), "%"},
                       {"swap_used", swap_used, "B"}};
    if (pressure) outcome.metrics.push_back({"pressure", *pressure, "%"});
    std::vector<Judgement> judgements;
    if (query.available_below) {
        const std::string text = figure_text(available, total, query.available_below->percent);
        const std::string limit = limit_text(*query.available_below);
        judgements.push_back(
            judged(fmt::format("available at least {}", limit), text,
                   available >= query.available_below->of(total),
                   fmt::format("memory: {} available, expected at least {}", text, limit)));
    }
    if (query.swap_used_above) {
        const std::string text = figure_text(swap_used, swap, query.swap_used_above->percent);
        const std::string limit = limit_text(*query.swap_used_above);
        judgements.push_back(
            judged(fmt::format("swap used at most {}", limit), text,
                   swap_used <= query.swap_used_above->of(swap),
                   fmt::format("swap: {} used, expected at most {}", text, limit)));
    }
    if (query.pressure_above && pressure) {
        const std::string text = spoken_percent(*pressure);
        const std::string limit = spoken_percent(*query.pressure_above);
        judgements.push_back(judged(
            fmt::format("pressure at most {}", limit), text, *pressure <= *query.pressure_above,
            fmt::format("memory pressure: tasks waited {} of the last minute, expected at most {}",
                        text, limit)));
    }
    return conclude(std::move(outcome), std::move(judgements));
}

Outcome judge_load(const LoadQuery& query, const LoadFigures& figures) {
    constexpr std::array<std::string_view, 3> names{"load1", "load5", "load15"};
    const auto& [one, five, fifteen] = figures.averages;
    Outcome outcome =
        passed(Duration{0}, fmt::format("load {:.2f} {:.2f} {:.2f} on {} core{}", one, five,
                                        fifteen, figures.cores, figures.cores == 1 ? "" : "s"));
    std::vector<Judgement> judgements;
    const auto limit_of = [](const std::vector<double>& limits, std::size_t i) {
        if (limits.empty()) return std::optional<double>();
        return limits.size() == 1  ? limits[0]
               : i < limits.size() ? limits[i]
                                   : std::optional<double>();
    };
    for (std::size_t i = 0; i < names.size(); ++i) {
        const double load = figures.averages[i];
        const double per_core = load / figures.cores;
        outcome.metrics.push_back({std::string(names[i]), load, ""});
        if (const auto limit = limit_of(query.above, i)) {
            judgements.push_back(
                judged(fmt::format("{} at most {:g}", names[i], *limit),
                       fmt::format("{:.2f}", load), load <= *limit,
                       fmt::format("{} is {:.2f}, expected at most {:g}", names[i], load, *limit)));
        }
        if (const auto limit = limit_of(query.per_core_above, i)) {
            judgements.push_back(judged(
                fmt::format("{} per core at most {:g}", names[i], *limit),
                fmt::format("{:.2f}", per_core), per_core <= *limit,
                fmt::format("{} is {:.2f} on {} cores, {:.2f} per core, expected at most {:g}",
                            names[i], load, figures.cores, per_core, *limit)));
        }
    }
    const auto judge_pressure = [&](std::string_view what, std::optional<double> pressure,
                                    std::optional<double> limit) {
        if (pressure) outcome.metrics.push_back({fmt::format("{}_pressure", what), *pressure, "%"});
        if (!pressure || !limit) return;
        judgements.push_back(judged(
            fmt::format("{} pressure at most {}", what, spoken_percent(*limit)),
            spoken_percent(*pressure), *pressure <= *limit,
            fmt::format("{} pressure: tasks waited {} of the last minute, expected at most {}",
                        what, spoken_percent(*pressure), spoken_percent(*limit))));
    };
    judge_pressure("cpu", figures.pressure, query.pressure_above);
    judge_pressure("io", figures.io_pressure, query.io_pressure_above);
    return conclude(std::move(outcome), std::move(judgements));
}

Outcome judge_processes(const ProcessQuery& query, const Pattern* pattern,
                        std::vector<ProcessFigures> processes, std::uint64_t memory_total) {
    // A zombie runs no more, it only waits to be asked how it died.
    std::erase_if(processes, [&](const ProcessFigures& process) {
        return process.state == 'Z' || process.state == 'X' ||
               (pattern && !pattern->found_in(process.command));
    });
    const std::string what =
        fmt::format("process{}{}", processes.size() == 1 ? "" : "es", subject_of(query));
    std::string named;
    for (std::size_t i = 0; i < std::min(processes.size(), named_max); ++i) {
        named += fmt::format("{}{}", named.empty() ? ": " : ", ", process_text(processes[i]));
    }
    if (processes.size() > named_max) named += " ...";
    Outcome outcome = passed(Duration{0}, fmt::format("{} {}{}", processes.size(), what, named));
    outcome.metrics.push_back({"count", static_cast<double>(processes.size()), ""});
    std::vector<Judgement> judgements;
    judge_count(judgements, what, processes.size(), query.count_min, query.count_max);
    if (!processes.empty()) {
        double rss = 0;
        for (const ProcessFigures& process : processes)
            rss += static_cast<double>(process.rss_bytes);
        outcome.metrics.push_back({"rss", rss, "B"});
        judge_each(judgements, query, processes, memory_total);
    }
    return conclude(std::move(outcome), std::move(judgements));
}

Outcome judge_units(const UnitQuery& query, const std::vector<UnitProperties>& units, Instant now) {
    std::size_t found = 0;
    std::vector<Judgement> judgements;
    for (const UnitProperties& unit : units) {
        if (property(unit, "LoadState") == "not-found") continue;
        ++found;
        judge_unit(judgements, query, unit, now);
    }
    if (found == 0) {
        return failed(FailureClass::content, Duration{0},
                      fmt::format("systemd knows no unit {}", query.unit));
    }
    const UnitProperties& first = units.front();
    Outcome outcome =
        passed(Duration{0},
               found == 1 ? fmt::format("{} is {} ({})", property(first, "Id"),
                                        property(first, "ActiveState"), property(first, "SubState"))
                          : fmt::format("{} units {} are as expected", found, query.unit));
    outcome.metrics.push_back({"units", static_cast<double>(found), ""});
    return conclude(std::move(outcome), std::move(judgements));
}

Outcome judge_files(const FileQuery& query, const Found<FileFigures>& found, WallTime now) {
    if (found.error_number != 0) return refused_look(query.path, found.error_number);
    const FileFigures& files = found.figures;
    const bool pattern = query.path.find_first_of("*?[") != std::string::npos;
    std::vector<Judgement> judgements;
    if (files.count == 0 && query.missing == Tolerance::fail && query.count_min.value_or(1) > 0 &&
        query.count_max.value_or(1) > 0) {
        return failed(FailureClass::content, Duration{0},
                      pattern ? fmt::format("no file is called {}", query.path)
                              : refused_look(query.path, ENOENT).message);
    }
    std::string message;
    if (files.count == 0) {
        message = fmt::format("{}: not there, which is right", query.path);
    } else {
        message = fmt::format("{}: {}{}, written {} ago", query.path,
                              pattern ? fmt::format("{} files, ", files.count) : std::string(),
                              spoken_bytes(static_cast<double>(files.bytes)),
                              age_text(age_of(files.newest, now)));
    }
    Outcome outcome = passed(Duration{0}, message);
    outcome.metrics.push_back({"count", static_cast<double>(files.count), ""});
    judge_count(judgements, fmt::format("file{} {}", files.count == 1 ? "" : "s", query.path),
                files.count,
                files.count == 0 && query.missing == Tolerance::ok ? std::nullopt : query.count_min,
                query.count_max);
    if (files.count > 0) {
        outcome.metrics.push_back({"size", static_cast<double>(files.bytes), "B"});
        outcome.metrics.push_back({"age", to_seconds(age_of(files.newest, now)), "s"});
        judge_age(judgements, query, files, now);
        judge_size(judgements, query, files);
    }
    return conclude(std::move(outcome), std::move(judgements));
}

}  // namespace picket::checks
