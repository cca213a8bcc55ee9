// Inquiry: how this agent asks about one check and makes a vote of the answers
// (agreement.md, 2.3 and 3.1).
//
// A vote takes up to two attempts, the second a second after the start of the first; in a
// panel of one three. While no outage is held, one success is OK and failures alone are
// FAIL; while one is held, successes alone are OK. So what would change the verdict must
// repeat itself, and the rest counts at once. An attempt that could not ask is ABSTAIN.
//
// * The first attempt that fails, or passes the soft timeout, raises a suspicion: the
//   panel is told and asks as well. While an outage is held it is the first success that
//   does so, unless the one before was a success too, or the outage is so young that
//   nobody could close it yet.
// * FAIL is an accusation. It needs an agent that is fit, and a roll call that began after
//   the first attempt did and had passed before the last one began; else the vote is
//   ABSTAIN and says why. So the last attempt waits for the roll call. Between the two the
//   agent was connected: neither a cut that ended while it asked nor one that began then
//   makes both attempts fail. (A pass after both, as first designed, was not enough: of
//   agents cut off, those whose attempts were in flight when the cut ended accused.)
// * An attempt that ran out of time while our loop stood still is none of the target's.
// * An attempt counts from when it was started, which the limits of the machine may make later
//   than it was wanted: what has not begun is neither slow nor proof.
// * One that never starts, or whose end nobody reports, is given up, and is ABSTAIN.
// * With fail_after = N (recover_after = N) so many of these in a row make the vote.
// * Asked by others, it asks out of turn, if the budget allows, and answers always; if it
//   may not ask, with its last vote, as that was cast.
//
// A state machine for one check. Whoever owns it carries out what poll_*() gives, and
// reports each attempt's end.

#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/random.h"
#include "agent/base/time.h"
#include "gossip/agreement/asking_budget.h"
#include "gossip/agreement/long_ago.h"
#include "gossip/agreement/soft_timeout.h"
#include "gossip/agreement/vote.h"
#include "gossip/spread/record.h"

namespace picket::gossip {

using AttemptId = std::uint64_t;

// What one attempt found, in the checks' words.
struct Answer {
    enum class Finding : std::uint8_t { passed, failed, errored };
    Finding finding = Finding::errored;
    FailureCode failure = 0;
    std::string message{};
    Duration latency{};
    // It failed for want of time: by the timeout, or by the latency allowed.
    bool out_of_time = false;
    bool by_name = false;  // A name was not found: the resolver may be at fault.
};

// A vote as it was cast, before it is given a number.
struct Ballot {
    Vote vote = Vote::abstain;
    FailureCode failure = 0;
    std::string message{};
    Instant began{};          // Its first attempt.
    std::uint32_t epoch = 0;  // The verdict's, then.
    std::uint32_t streak = 0;
    std::uint32_t round = 0;
    bool failed = false;  // What was asked failed, whatever the vote became.
};

class Inquiry {
public:
    static constexpr Duration gap = std::chrono::seconds(1);
    static constexpr Duration jitter = std::chrono::milliseconds(500);
    // A roll call begins and ends within so long of being needed, or the vote abstains.
    static constexpr Duration roll_call_patience = std::chrono::seconds(3);
    // So long an attempt may wait to be started; then it is given up.
    static constexpr Duration held_back_max = std::chrono::minutes(2);
    // Who keeps abstaining says so again: others forget what a witness said ten minutes ago.
    static constexpr Duration abstains_again_after = std::chrono::minutes(5);

    struct Settings {
        Duration interval{};
        Duration timeout{};
        int attempts = 2;  // 3 in a panel of one.
        std::uint32_t fail_after = 1;
        std::uint32_t recover_after = 1;
        bool proof_between = true;  // False for a test that shows what it is for.

        bool operator==(const Settings&) const = default;
    };

    // What the rest of the agent knows at this moment.
    struct Circumstances {
        // Of the roll call that is needed: whether one has been asked for, has passed, or is
        // under way.
        bool roll_call_asked = false;
        bool roll_call_passed = false;
        bool roll_call_pending = false;
        std::string cut_off{};  // Of the last one that failed: "cut off: 4 of 12 answered".
        std::optional<std::string> unfit{};
        std::optional<std::string> unfit_for_names{};  // To accuse by what a resolver said.
    };

    struct Suspicion {
        SuspicionRecord::Direction direction;
        std::uint32_t round = 0;
        Instant began{};  // The attempt that raised it.
    };

    Inquiry(const Settings& settings, std::uint64_t seed);

    void set_settings(const Settings& settings) { settings_ = settings; }

    // The verdict has become another epoch, which is an outage or is not. What is being
    // asked belongs to no vote any more; whoever was asked for an answer is asked anew by
    // the next suspicion. `recoverable_at`: before that nobody could close the outage.
    void on_epoch(std::uint32_t epoch, Instant recoverable_at);

    // It is our turn. Nothing happens while a vote is being made.
    void on_slot();
    // Somebody saw a change, in an attempt that began at `since`.
    void on_suspicion(Instant now, SuspicionRecord::Direction direction, std::uint32_t round,
                      Instant since);
    // We should look, though it is not our turn: the panel has changed, the membership
    // suspects a host. True when the budget allows it.
    bool look(Instant now);
    // Looks, and asks the others to, though nobody saw a change.
    void convene(Instant now);
    // An attempt that poll_attempt() gave begins now. False: nobody wants it any more, and
    // its end need not be told.
    bool on_started(Instant now, AttemptId id);
    // `stalled`: for how long our loop stood still meanwhile.
    void on_answer(Instant now, AttemptId id, Answer answer, Duration stalled);
    // Roll calls, fitness and time.
    void on_tick(Instant now, const Circumstances& circumstances);

    // An attempt to be started now, or as soon as may be; see on_started().
    std::optional<AttemptId> poll_attempt(Instant now);
    std::optional<Suspicion> poll_suspicion();
    // A vote to be sent: a new one, or, `again`, the last one.
    struct Cast {
        Ballot ballot;
        bool again = false;
        bool tell = true;  // False: it says what the last one said, and nobody asked.
    };
    std::optional<Cast> poll_cast();
    // Since when a roll call is needed, if one is.
    std::optional<Instant> roll_call_needed() const;
    Instant next_wakeup() const;

    // The last vote, if there is one in this epoch.
    const std::optional<Ballot>& last() const { return last_; }
    const SoftTimeout& soft_timeout() const { return soft_timeout_; }
    bool asking() const { return asking_.has_value(); }
    // Every attempt has failed, and the roll call is awaited.
    bool accusing() const { return asking_.has_value() && asking_->accusing_since.has_value(); }
    std::size_t in_flight() const { return in_flight_.size(); }
    // When an attempt in flight began, or else was asked for.
    std::optional<Instant> began(AttemptId id) const;

private:
    // A vote in the making.
    struct Asking {
        bool scheduled = false;
        bool awaited = false;  // Somebody asked for it: it is told whatever it says.
        bool suspected = false;
        std::uint32_t round = 0;
        Instant began = never;  // The first attempt.
        Instant next_at{};      // When the next attempt is asked for; never: none is.
        int asked_for = 0;
        int ended = 0;  // Those that spoke for what must repeat itself.
        std::optional<Instant> suspected_at{};
        bool proven = false;                      // A roll call since the first attempt has passed.
        bool unproven = false;                    // It has failed, or took too long.
        bool last_proven = false;                 // It had passed when the last attempt began.
        std::optional<Instant> accusing_since{};  // All failed: the roll call is awaited.
        Answer answer{};                          // The last one that counted.
    };
    struct InFlight {
        AttemptId id = 0;
        Instant asked_for;
        Instant began = never;  // never: it waits to be started.
        bool counts = true;     // Part of the vote in the making.

        bool waits() const { return began == never; }
    };

    Instant given_up_at(const InFlight& attempt) const;
    void give_up_lost(Instant now);
    // When an attempt of this vote is suspiciously late; never while there is none.
    Instant suspicious_at() const;
    void on_resized(Instant now);
    // The last attempt waits for the roll call.
    bool held_back() const;
    void begin(Instant at, bool scheduled, std::uint32_t round);
    void suspect(Instant now);
    void on_news(Instant now, const Answer& answer);
    void settle(Instant now);
    void conclude(Instant now, Vote vote, FailureCode failure, std::string message, bool failed);
    void drop_asking();
    void repeat(Instant now);
    int attempts() const { return outage_ ? 2 : settings_.attempts; }
    Vote news() const { return outage_ ? Vote::ok : Vote::fail; }

    Settings settings_;
    Random random_;
    AskingBudget budget_;
    SoftTimeout soft_timeout_;
    std::uint32_t epoch_ = 0;
    bool outage_ = false;
    Instant recoverable_at_ = long_ago;
    Instant recheck_at_ = never;
    std::optional<Asking> asking_;
    std::vector<InFlight> in_flight_;
    std::optional<Ballot> last_;
    Instant told_at_ = long_ago;  // When a vote was last to be told.
    std::uint32_t rounds_ = 0;    // In a row that brought news, not yet enough to vote it.
    std::uint32_t answered_round_ = 0;
    std::deque<Suspicion> suspicions_;
    std::deque<Cast> casts_;
    AttemptId next_id_ = 1;
};

}  // namespace picket::gossip
