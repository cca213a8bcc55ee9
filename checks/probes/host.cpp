#include "checks/probes/host.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/io/clock.h"
#include "agent/io/installed.h"
#include "agent/io/read_file.h"
#include "checks/expectation.h"
#include "checks/host_figures.h"
#include "checks/host_judgement.h"
#include "checks/probes/local.h"

namespace picket::checks {
namespace {

constexpr std::size_t proc_file_bytes_max = std::size_t{64} * 1024;

// `parse` of what a file of /proc or /sys says; errors name the file.
template <typename Parse>
auto read_figures(const std::string& path, Parse parse) -> decltype(parse(std::string_view())) {
    auto file = io::read_file(path, proc_file_bytes_max);
    if (!file.has_value()) return tl::make_unexpected(std::move(file).error().within(path));
    return parse(file->text);
}

Result<std::optional<double>> pressure_of(const std::string& what, bool wanted) {
    if (!wanted) return std::optional<double>();
    auto pressure = read_figures("/proc/pressure/" + what, parse_pressure);
    if (!pressure.has_value()) {
        return tl::make_unexpected(
            std::move(pressure).error().within("this kernel keeps no pressure figures (PSI)"));
    }
    return std::optional<double>(*pressure);
}

Outcome read_memory(const MemoryQuery& query) {
    const auto figures = read_figures("/proc/meminfo", parse_meminfo);
    if (!figures.has_value()) return errored(figures.error().message());
    const auto pressure = pressure_of("memory", query.pressure_above.has_value());
    if (!pressure.has_value()) return errored(pressure.error().message());
    return judge_memory(query, *figures, *pressure);
}

Outcome read_load(const LoadQuery& query) {
    LoadFigures figures;
    const auto averages = read_figures("/proc/loadavg", parse_loadavg);
    if (!averages.has_value()) return errored(averages.error().message());
    figures.averages = *averages;
    const auto cores = read_figures("/sys/devices/system/cpu/online", parse_core_list);
    if (!cores.has_value()) return errored(cores.error().message());
    figures.cores = *cores;
    const auto cpu = pressure_of("cpu", query.pressure_above.has_value());
    if (!cpu.has_value()) return errored(cpu.error().message());
    figures.pressure = *cpu;
    const auto io = pressure_of("io", query.io_pressure_above.has_value());
    if (!io.has_value()) return errored(io.error().message());
    figures.io_pressure = *io;
    return judge_load(query, figures);
}

Outcome judge_process_list(const ProcessQuery& query, const Pattern* pattern,
                           std::string_view output) {
    auto found = parse_processes(output);
    if (!found.has_value()) return errored(found.error().message());
    if (found->error_number != 0 && !query.pidfile.empty() && query.count_min > 0) {
        return judge_files({.path = query.pidfile},
                           {.figures = {}, .error_number = found->error_number}, io::wall_now());
    }
    std::uint64_t memory = 0;
    if (query.rss_above && query.rss_above->percent) {
        const auto figures = read_figures("/proc/meminfo", parse_meminfo);
        if (!figures.has_value()) return errored(figures.error().message());
        memory = figures->total;
    }
    return judge_processes(query, pattern, std::move(found->figures), memory);
}

}  // namespace

std::unique_ptr<Probe> make_disk_probe(const Definition& definition, ProbeServices services) {
    const auto& query = definition.query.as<DiskQuery>();
    return std::make_unique<ProgramProbe>(
        definition, services.loop,
        ProgramProbe::Options{.program = helper({"disk", query.path}),
                              .subject = query.path,
                              .silence = "no answer from the file system"},
        [&query](std::string_view output, Instant) {
            const auto found = parse_disk(output);
            if (!found.has_value()) return errored(found.error().message());
            return judge_disk(query, *found);
        });
}

std::unique_ptr<Probe> make_file_probe(const Definition& definition, ProbeServices services) {
    const auto& query = definition.query.as<FileQuery>();
    return std::make_unique<ProgramProbe>(
        definition, services.loop,
        ProgramProbe::Options{.program = helper({"files", query.path}),
                              .subject = query.path,
                              .silence = "no answer from the file system"},
        [&query](std::string_view output, Instant) {
            const auto found = parse_files(output);
            if (!found.has_value()) return errored(found.error().message());
            return judge_files(query, *found, io::wall_now());
        });
}

std::unique_ptr<Probe> make_process_probe(const Definition& definition, ProbeServices services) {
    const auto& query = definition.query.as<ProcessQuery>();
    std::vector<std::string> arguments{"processes"};
    if (!query.name.empty()) arguments.push_back("name=" + query.name);
    if (!query.user.empty()) arguments.push_back("user=" + query.user);
    if (!query.pidfile.empty()) arguments.push_back("pidfile=" + query.pidfile);
    std::shared_ptr<const Pattern> compiled;
    if (!query.cmdline.empty()) compiled = std::make_shared<const Pattern>(query.cmdline);
    return std::make_unique<ProgramProbe>(
        definition, services.loop,
        ProgramProbe::Options{.program = helper(std::move(arguments)),
                              .subject = "processes",
                              .silence = "not looked through"},
        [&query, compiled](std::string_view output, Instant) {
            return judge_process_list(query, compiled.get(), output);
        });
}

std::unique_ptr<Probe> make_memory_probe(const Definition& definition, ProbeServices services) {
    const auto& query = definition.query.as<MemoryQuery>();
    return std::make_unique<ReadingProbe>(definition, services.loop,
                                          [&query] { return read_memory(query); });
}

std::unique_ptr<Probe> make_load_probe(const Definition& definition, ProbeServices services) {
    const auto& query = definition.query.as<LoadQuery>();
    return std::make_unique<ReadingProbe>(definition, services.loop,
                                          [&query] { return read_load(query); });
}

std::unique_ptr<Probe> make_unit_probe(const Definition& definition, ProbeServices services) {
    const auto& query = definition.query.as<UnitQuery>();
    const auto systemctl = io::find_program("systemctl");
    if (!systemctl) {
        return std::make_unique<ReadingProbe>(definition, services.loop, [] {
            return errored("no systemctl in PATH: units are for hosts that systemd runs");
        });
    }
    return std::make_unique<ProgramProbe>(
        definition, services.loop,
        ProgramProbe::Options{
            .program = {.program = *systemctl,
                        .arguments = {"show", "--no-pager",
                                      "--property=Id,LoadState,ActiveState,SubState,Result,"
                                      "UnitFileState,ActiveEnterTimestampMonotonic",
                                      "--", query.unit},
                        .environment = plain_environment()},
            .subject = query.unit,
            .silence = "no answer from systemd"},
        [&query](std::string_view output, Instant now) {
            return judge_units(query, parse_units(output), now);
        });
}

}  // namespace picket::checks
