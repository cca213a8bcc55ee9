// Runner: asks the checks that the schedule says, and owns their time.
//
// It holds a probe for each check, starts it when its slot comes, and hands on
// the outcome. A run that has not answered `deadline_grace` after its timeout is
// cancelled and counts as a failure with class timeout: a probe promises to
// answer by itself by then, and says more about why.
//
// Of a check that a panel of the mesh witnesses it tells the slots and starts the
// attempts that it is asked for. Several of them may be under way; each has a probe of
// its own, kept for the next.
//
// Outcomes leave redacted: no value that a substitution brought in.

#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/io/deadline.h"
#include "agent/io/timer.h"
#include "checks/definition.h"
#include "checks/outcome.h"
#include "checks/probes/probe.h"
#include "checks/run.h"
#include "checks/schedule.h"

namespace picket::checks {

// How late starts were, in powers of two of a millisecond: under 1, 2, 4 ... ms.
class LatenessHistogram {
public:
    static constexpr std::size_t buckets = 20;

    void add(Duration late);
    // The least bound that `share` (0..1) of the starts stayed under; 0 for none.
    Duration quantile(double share) const;

private:
    std::array<std::uint64_t, buckets> counts_{};
    std::uint64_t total_ = 0;
};

class Runner {
public:
    using MakeProbe = std::function<std::unique_ptr<Probe>(const Definition&)>;
    using OnRun = std::function<void(CheckKey, Run)>;
    using AttemptId = Schedule::AttemptId;

    using OnSlot = std::function<void(Instant now, CheckKey)>;
    // Whether the attempt, which is about to begin, is still wanted.
    using OnStart = std::function<bool(Instant now, CheckKey, AttemptId)>;
    using OnAttempt = std::function<void(CheckKey, AttemptId, Run)>;

    static constexpr Duration deadline_grace = std::chrono::milliseconds(20);

    // `on_run` is called from the loop, never from within a call to the runner.
    Runner(io::Loop& loop, Schedule::Options options, MakeProbe make_probe, OnRun on_run);

    // Carries a check. `definition` must outlive it. Requires that `key` is free.
    void add(CheckKey key, const Definition& definition, Duration first_within);

    // Carries a check that is asked on request only (checks/schedule.h). Requires
    // on_slot(), on_start() and on_attempt(); all call from the loop, never from within a
    // call to the runner.
    void add_witnessed(CheckKey key, const Definition& definition);
    void on_slot(OnSlot on_slot) { on_slot_ = std::move(on_slot); }
    void on_start(OnStart on_start) { on_start_ = std::move(on_start); }
    void on_attempt(OnAttempt on_attempt) { on_attempt_ = std::move(on_attempt); }
    void seat(CheckKey key, std::optional<Duration> offset);
    void attempt(CheckKey key, AttemptId attempt);

    // Ends its runs in flight without an outcome.
    void remove(CheckKey key);

    // Asks once more at `at`, beside the slots.
    void ask_at(CheckKey key, Instant at) { schedule_.ask_at(key, at), arm(); }

    const Schedule& schedule() const { return schedule_; }
    const LatenessHistogram& lateness() const { return lateness_; }
    std::uint64_t deadlines_enforced() const { return deadlines_enforced_; }

private:
    struct Asking {
        CheckKey key{};
        AttemptId attempt = 0;
        std::unique_ptr<Probe> probe;
        Instant started{};
        WallTime started_at{};
        Instant cancel_at = never;  // Of the run in flight; never: there is none.
    };
    struct Carried {
        const Definition* definition = nullptr;
        std::vector<std::unique_ptr<Asking>> askings;  // One, but of a witnessed check.
    };

    void turn();
    void arm();
    void add_carried(CheckKey key, const Definition& definition);
    Asking& free_asking(CheckKey key, Carried& carried);
    void start(Instant now, const Schedule::Start& next);
    void finish(Asking& asking, Outcome outcome);
    void enforce_deadlines();

    Schedule schedule_;
    MakeProbe make_probe_;
    OnRun on_run_;
    OnSlot on_slot_;
    OnStart on_start_;
    OnAttempt on_attempt_;
    std::unordered_map<CheckKey, Carried> carried_;
    std::set<std::pair<Instant, Asking*>> deadlines_;
    LatenessHistogram lateness_;
    std::uint64_t deadlines_enforced_ = 0;
    io::Timer timer_;
    io::Deadline backstop_;
};

// What there is to say of a run that was cancelled at its deadline.
Outcome no_answer(const Definition& definition, Duration after);

// What a run's outcome means for its check: inverted where failure is expected,
// redacted, and printable.
Outcome conclude(Outcome outcome, const Definition& definition);

}  // namespace picket::checks
