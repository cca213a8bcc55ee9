// HistoryReader: answers questions about what is stored.
//
// On a read-only connection of its own: beside a running agent, whose worker goes on
// writing, and on a file where no agent runs. Needs no loop. Opening costs well under
// a millisecond, so whoever asks rarely opens one for each question; one that is kept
// must be opened again after the store told of a `problem`, since it still reads the
// file that was set aside.
//
// Stretches of time are half open: from <= at < to. Answers are bounded, the newest
// first to be kept, and say when there was more; they come oldest first, outcomes in the
// order in which they came about, also where the clock stepped back. A check that the
// file does not know is not_found.
//
// Not observed is what no point speaks for (HistoryRow::interval): no agent ran, it was
// unfit, it was maintenance, or the check was not there yet.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "storage/database.h"
#include "storage/open_journal.h"
#include "storage/records.h"
#include "storage/series_reader.h"

namespace picket::storage {

struct OutcomeRange {
    std::vector<OutcomeRecord> outcomes;  // Oldest first.
    bool truncated = false;               // There were more; these are the newest.
    // From the beginning of the window, or the oldest of these where there were more, to
    // its end; oldest first, at most outcomes_max + 2.
    std::vector<Gap> gaps;
};

struct LatencySummary {
    std::uint64_t count = 0;  // Passed outcomes.
    Duration p50{0};
    Duration p95{0};
    Duration p99{0};
};

struct OutageQuery {
    std::string check;  // Empty: all checks.
    bool open_only = false;
    std::optional<WallTime> since;    // Open, or closed at or after this.
    std::optional<WallTime> until{};  // Opened before this.
};

class HistoryReader {
public:
    static constexpr std::size_t outcomes_max = 2'000;
    static constexpr std::size_t outages_max = 1'000;
    static constexpr std::size_t transitions_max = 1'000;
    static constexpr std::size_t latencies_max = 20'000;
    static constexpr std::size_t rollups_max = 20'000;
    static constexpr std::size_t messages_max = 4'096;

    // not_found where there is no file; see Database::open and check_schema.
    static Result<HistoryReader> open(const std::string& path);

    // One state of the file for all that is asked while it lives; and of the check that is
    // asked about, what is open is read once, not for each question. Must not outlive the
    // reader, which stays where it is meanwhile. Where one is held already that one counts.
    class Hold {
    public:
        Hold(Hold&& other) noexcept : reader_(std::exchange(other.reader_, nullptr)) {}
        Hold& operator=(Hold&&) = delete;
        ~Hold();

    private:
        friend class HistoryReader;
        explicit Hold(HistoryReader* reader) : reader_(reader) {}

        HistoryReader* reader_;  // Null where another one holds.
    };
    Result<Hold> hold();
    // The same for who asks about many checks: the journal, which they share, is read once.
    // Requires that none is held.
    Result<Hold> hold_all();

    Result<OutcomeRange> outcomes(const std::string& check, WallTime from, WallTime to);

    // All points, pauses too, oldest first; `visit` ends the walk with false. Memory is
    // that of one chunk, however many there are.
    Status each_point(const std::string& check, WallTime from, WallTime to,
                      const std::function<bool(const HistoryPoint&)>& visit);

    // What the window adds up to, in whole slots of the finest tier that reaches back to
    // its beginning.
    Result<WindowTotals> totals(const std::string& check, WallTime from, WallTime to);

    // Of passed outcomes; absent where there are none. Exact by nearest rank up to
    // latencies_max of them; beyond, right to 2 %, in whole hours where the single
    // outcomes are not stored any more.
    Result<std::optional<LatencySummary>> latency(const std::string& check, WallTime from,
                                                  WallTime to);

    // The slots of a tier, oldest first, without holes from the first to the last in
    // which anything was observed; the newest rollups_max of them.
    Result<std::vector<RollupPoint>> rollups(const std::string& check, WallTime from, WallTime to,
                                             Tier tier);
    // The window in slots of `length`, which is whole minutes, oldest first and without holes:
    // from the one that holds `from` to the one that holds the end, which is cut there. They
    // are as good as the coarsest tier that makes them up; percentiles of any of them are
    // right to 2 %, of parts of an hour only where the single outcomes are still stored.
    // Requires at most rollups_max of them.
    Result<std::vector<RollupPoint>> slots(const std::string& check, WallTime from, WallTime to,
                                           Duration length);
    // The finest tier that reaches back to `from` and has at most `points_max` slots in
    // the window; the coarsest where none has.
    Result<Tier> tier_for(const std::string& check, WallTime from, WallTime to,
                          std::int64_t points_max);

    Result<std::vector<Transition>> transitions(const std::string& check, WallTime from,
                                                WallTime to);

    Result<std::vector<Outage>> outages(const OutageQuery& query);

    // not_found where there is no such outage.
    Result<Outage> outage(const std::string& check, std::uint32_t epoch);

    // As they were stored last; absent where they were not.
    Result<std::optional<std::string>> mesh_record(const std::string& kind, const std::string& key);
    Result<std::optional<std::string>> agent_fact(const std::string& key);

    // Whether the mesh ever gave this agent a verdict; otherwise it was always its only witness.
    Result<bool> shares_verdicts();

    // The names of all checks that are known, sorted.
    Result<std::vector<std::string>> check_names();

private:
    // A check's series, in a view of its own or in the one that is held.
    struct Asked {
        std::optional<Transaction> view;
        std::shared_ptr<SeriesReader> series;
    };
    struct Held {
        Transaction view;
        std::string check{};  // The last that was asked about, and its series.
        std::shared_ptr<SeriesReader> series{};
        std::optional<OpenJournal> journal{};
    };

    explicit HistoryReader(Database database) : database_(std::move(database)) {}

    Result<Asked> ask(const std::string& check);
    Result<std::int64_t> check_id(const std::string& check);
    // To be used before the next call.
    Result<std::string_view> words(std::int64_t id);
    Result<LatencySummary> exact_latency(SeriesReader& series, SeriesReader::Range range,
                                         bool& too_many);
    Result<std::optional<Gap>> gap_after(const Entry& entry, std::int64_t next_ms);
    Result<Tier> finest_reaching(SeriesReader& series, std::int64_t from_ms);

    Database database_;
    std::map<std::int64_t, std::string> messages_;  // Those met; emptied at messages_max.
    std::unique_ptr<Held> held_;
};

}  // namespace picket::storage
