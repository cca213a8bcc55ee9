// Export: what is stored, as JSON lines or as tables of SQLite, for other programs.
//
// Straight from the database, read-only, beside an agent or without one; one check after the
// other, and in memory never more than a part of one. Nothing is thinned out: each outcome, the
// time that nobody observed, verdicts, outages, and sums by the hour, which reach back further
// than outcomes do. docs/HISTORY.md has the formats.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace picket::cli {

struct ExportOptions {
    std::vector<std::string> checks;  // Empty: all that are stored.
    std::optional<WallTime> from;     // Absent: from the beginning, or to the end.
    std::optional<WallTime> to;
    std::string file;    // Must not exist; empty: standard output, as JSON lines.
    std::string format;  // jsonl or sqlite; empty: by the file's name.
};

struct Exported {
    std::uint64_t checks = 0;
    std::uint64_t outcomes = 0;
    std::uint64_t hours = 0;
    std::uint64_t outages = 0;
};

// `print` takes what goes to standard output, and returns false where nobody reads any more.
// A file that could not be written as a whole is removed. Returns invalid for a file that
// exists, or a format that needs one.
Result<Exported> export_history(const std::string& database, const ExportOptions& options,
                                const std::function<bool(std::string_view)>& print);

// "picket: 12 checks, 1000 outcomes, 24 hours, 1 outage in homepage.jsonl\n"
std::string export_summary(const Exported& exported, const std::string& file);

}  // namespace picket::cli
