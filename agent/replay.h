// Replay: what a definition would have decided of the outcomes that are stored.
//
// The code that decides is the agent's own: the limits judge each outcome as a probe does, a
// Witness makes opinions, votes and verdicts of them. What was stored is taken in order, as if
// it came now:
//
// * Each outcome is held against the definition's limits again (judge_again.h).
// * A failure is asked about again a second later. Where that was not done then, since nobody
//   suspected anything, the attempt is taken to find what the next one found: a single slow
//   answer is no outage, two in a row are.
// * Where nobody looked, nothing is assumed, as after a restart: the verdict holds, and what
//   was under way begins anew. That time counts as not observed, and as no downtime.
// * The window begins with nothing judged.
//
// What is stored is what one agent saw. Where a mesh decided, others saw it too: the replay
// then says what this agent would have decided alone.
//
// Pure. Points must come in the order in which they were stored.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/api/history_views.h"
#include "agent/judge_again.h"
#include "agent/witness.h"
#include "checks/definition.h"
#include "storage/records.h"

namespace picket {

class Replay {
public:
    // Beyond these, gaps and outages are not told apart any more: the last one grows.
    static constexpr std::size_t gaps_max = 100'000;
    static constexpr std::size_t outages_max = 10'000;

    // Requires from <= to. The definition must outlive it.
    Replay(const checks::Definition& definition, WallTime from, WallTime to);

    void on_point(const storage::HistoryPoint& point);

    // What came of it, beside the outages that were decided, oldest first. Call once, last.
    api::ReplayView finish(const std::vector<api::DecidedSpan>& decided);

private:
    struct Gap {
        WallTime from;
        WallTime to;
    };

    void settle(const storage::HistoryPoint* next);
    void ask(const storage::HistoryPoint& point, const storage::HistoryPoint* next);
    Witness::Effects run(Instant started, WallTime at, checks::Outcome outcome);
    void tick(Instant now);
    void take(const gossip::Transition& transition);
    void add_gap(WallTime from, WallTime to);
    Duration interval_of(const storage::HistoryPoint& point) const;
    Duration down_in(const std::vector<api::DecidedSpan>& spans) const;

    const checks::Definition& definition_;
    JudgeAgain judge_;
    api::ReplayView view_;
    Instant now_{std::chrono::hours(1)};  // As the witness has it; never goes back.
    Witness witness_;
    std::optional<storage::HistoryPoint> pending_;  // Taken once the next one is known.
    WallTime seen_to_;                              // Observed, or told as a gap, up to here.
    std::vector<api::DecidedSpan> outages_;
    std::vector<Gap> gaps_;
    std::map<std::string_view, std::uint64_t> untold_;  // By key, how many outcomes.
};

// Pairs of outages that overlap, and those that stand alone; by their begin. An outage that
// overlaps several is in several rows.
std::vector<api::ReplayRow> match_outages(const std::vector<api::DecidedSpan>& decided,
                                          const std::vector<api::DecidedSpan>& replayed);

}  // namespace picket
