// HistoryReader: answers questions about what is stored.
//
// On a read-only connection of its own: beside a running agent, whose worker goes on
// writing, and on a file where no agent runs. Needs no loop. Opening costs well under
// a millisecond, so whoever asks rarely opens one for each question; one that is kept
// must be opened again after the store told of a `problem`, since it still reads the
// file that was set aside.
//
// Stretches of time are half open: from <= at < to. Answers are bounded, the newest
// first to be kept, and say when there was more; they come oldest first. A check that
// the file does not know is not_found.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "storage/database.h"
#include "storage/records.h"

namespace picket::storage {

struct OutcomeRange {
    std::vector<OutcomeRecord> outcomes;  // Oldest first.
    bool truncated = false;               // There were more; these are the newest.
};

struct LatencySummary {
    std::size_t count = 0;  // Passed outcomes looked at: the newest latencies_max of them.
    Duration p50{0};
    Duration p95{0};
    Duration p99{0};
};

struct OutageQuery {
    std::string check;  // Empty: all checks.
    bool open_only = false;
    std::optional<WallTime> since;  // Open, or closed at or after this.
};

class HistoryReader {
public:
    static constexpr std::size_t outcomes_max = 2'000;
    static constexpr std::size_t outages_max = 1'000;
    static constexpr std::size_t transitions_max = 1'000;
    static constexpr std::size_t latencies_max = 20'000;

    // not_found where there is no file; see Database::open and check_schema.
    static Result<HistoryReader> open(const std::string& path);

    Result<OutcomeRange> outcomes(const std::string& check, WallTime from, WallTime to);

    // By nearest rank over passed outcomes; absent where there are none.
    Result<std::optional<LatencySummary>> latency(const std::string& check, WallTime from,
                                                  WallTime to);

    Result<std::vector<Transition>> transitions(const std::string& check, WallTime from,
                                                WallTime to);

    Result<std::vector<Outage>> outages(const OutageQuery& query);

    // not_found where there is no such outage.
    Result<Outage> outage(const std::string& check, std::uint32_t epoch);

    // Whether the mesh ever gave this agent a verdict; otherwise it was always its only witness.
    Result<bool> shares_verdicts();

    // The names of all checks that are known, sorted.
    Result<std::vector<std::string>> check_names();

private:
    explicit HistoryReader(Database database) : database_(std::move(database)) {}

    Result<std::int64_t> check_id(const std::string& check);

    Database database_;
};

}  // namespace picket::storage
