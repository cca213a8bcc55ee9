// What this host's figures are worth, held against a definition. Pure.
//
// Each function gives the outcome of a run: a passed one says the figures that
// matter, a failed one which expectation was not met; all figures are metrics.

#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/base/time.h"
#include "checks/expectation.h"
#include "checks/host_figures.h"
#include "checks/outcome.h"
#include "checks/types/disk.h"
#include "checks/types/file.h"
#include "checks/types/load.h"
#include "checks/types/memory.h"
#include "checks/types/process.h"
#include "checks/types/unit.h"

namespace picket::checks {

Outcome judge_disk(const DiskQuery& query, const Found<DiskFigures>& found);

// `pressure` is absent where the kernel keeps none, or nobody asked.
Outcome judge_memory(const MemoryQuery& query, const MemoryFigures& figures,
                     std::optional<double> pressure);

struct LoadFigures {
    std::array<double, 3> averages{};  // Over 1, 5 and 15 minutes.
    std::uint32_t cores = 1;
    std::optional<double> pressure;  // Of the CPU; absent as above.
    std::optional<double> io_pressure;
};
Outcome judge_load(const LoadQuery& query, const LoadFigures& figures);

// `processes` are those of the query's name, user and pidfile; `pattern` is its
// cmdline. `memory_total` is for a share of it.
Outcome judge_processes(const ProcessQuery& query, const Pattern* pattern,
                        std::vector<ProcessFigures> processes, std::uint64_t memory_total);

Outcome judge_units(const UnitQuery& query, const std::vector<UnitProperties>& units, Instant now);

Outcome judge_files(const FileQuery& query, const Found<FileFigures>& found, WallTime now);

}  // namespace picket::checks
