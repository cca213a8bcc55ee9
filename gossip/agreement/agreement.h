// Agreement: how a mesh of agents decides what is down (agreement.md, sections 2 and 3).
//
// Every agent holds one. It is told who is there, what is checked and by whom, and what
// the mesh holds (Spread tells it); it asks when it has a seat in a check's panel, votes,
// and, as a member of the panel, writes the verdict when the votes carry it.
//
// * panel.h: who witnesses a check, and when each of them asks.
// * inquiry.h: how one witness makes its vote.
// * roll_call.h, fitness.h: whether it may accuse.
// * tally.h, judgement.h: what the votes make of the verdict.
// * Here: the parts joined for all checks; unicast between witnesses; who writes (rank j
//   waits j * 200 ms, and writes unless it has seen that version or a higher one); the
//   evidence; what is told to people when the majority is out of reach.
//
// The liveness of a host, `host/NAME`, is a check like any other, but for this: its panel
// is five other agents, nobody defines it, and it is asked about only while membership
// suspects the host or an outage of it is held.
//
// A state machine without I/O. Inputs (`on_*`, `set_*`) only note what happened; all that
// follows is done by on_tick(), which the caller calls whenever next_wakeup() is not after
// now, so also right after an input. Then it takes out what should happen (`poll_*`) until
// there is nothing. A verdict that poll_proposal() gives must be persisted before it is sent.
// What is nonsensical or of no use changes nothing, and is counted by its reason.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "agent/base/random.h"
#include "agent/base/time.h"
#include "gossip/agreement/fitness.h"
#include "gossip/agreement/inquiry.h"
#include "gossip/agreement/judgement.h"
#include "gossip/agreement/no_quorum.h"
#include "gossip/agreement/panel.h"
#include "gossip/agreement/roll_call.h"
#include "gossip/agreement/tally.h"
#include "gossip/agreement/verdict.h"
#include "gossip/membership/node.h"
#include "gossip/spread/record.h"

namespace picket::gossip {

// One of picket's agents other than this one, as membership and its Presence tell.
struct Peer {
    std::string name;
    std::string zone{};
    Liveness liveness = Liveness::alive;
    bool fit = true;
    bool draining = false;

    bool operator==(const Peer&) const = default;
};

enum class PartitionPolicy : std::uint8_t { freeze, local, page };  // As `on_partition`.

// A check of the mesh in the definition that is active.
struct MeshCheck {
    CheckKey key{};
    std::string name;
    Fingerprint fingerprint{};
    Duration interval{};
    Duration timeout{};
    std::optional<std::size_t> witnesses = 5;  // Absent: all.
    std::optional<std::size_t> quorum{};       // Absent: the majority.
    std::uint32_t fail_after = 1;
    std::uint32_t recover_after = 1;
    PartitionPolicy on_partition = PartitionPolicy::freeze;
    std::string target_zone{};  // Where the target stands, if that is known.
    bool ours = false;          // This agent carries this very definition.
    // Who declares it and matches its `from`, we included; whether they live is not asked.
    std::vector<AgentId> carriers{};

    bool operator==(const MeshCheck&) const = default;
};

// An attempt to be started now, or as soon as may be: its start is told with on_started(), its
// end with on_answer(). Of one check several may be in flight, at most three. `host`: instead
// of a definition, ask whether this agent answers (a memberlist ping over TCP, and an echo
// where that is allowed).
struct Attempt {
    CheckKey check{};
    AttemptId id = 0;
    std::string host{};
};

// A record for one agent, in one packet that may get lost.
struct Dispatch {
    std::string to;  // A peer's name.
    Record record;
};

// A version that this agent has written, and why; the first of all has no reason. The
// evidence may be too long to be told as it is: whoever encodes it shortens it, and sets
// the verdict's `evidence` to its hash.
struct Proposal {
    VerdictRecord verdict;
    std::optional<EvidenceRecord> evidence{};
};

struct AgreementEvent {
    enum class Kind : std::uint8_t {
        seat,           // Ours in `check`'s panel has come, gone or moved: see seat().
        roll_call,      // One has ended; see last_roll_call().
        no_quorum,      // For 20 s no roll call has passed.
        quorum,         // One passes again.
        fitness,        // We have become fit or unfit.
        shadow_outage,  // Cut off, we see `check` down, and its definition wants that told.
    };
    Kind kind = Kind::seat;
    CheckKey check{};
    std::string message{};  // For people.
};

// Where we sit in a check's panel, and so when we ask.
struct Seat {
    std::size_t rank = 0;
    std::size_t witnesses = 0;  // Over so many the questions of an interval are spread.
    Duration offset{};          // Of our slot in the interval, on the wall clock.
    bool operator==(const Seat&) const = default;
};

// Why an input changed nothing.
enum class Disregarded : std::uint8_t {
    unknown_check,  // Or one that we have no part in.
    unknown_agent,
    not_a_witness,  // Beyond the accepted ranks.
    wrong_definition,
    wrong_era,
    old_epoch,  // Spread answers it with the verdict.
    absurd_epoch,
    replayed,  // Not later than what we hold of that witness.
};
constexpr std::size_t disregarded_count = 8;
std::string_view to_text(Disregarded reason);

// For tests that show what each rule is for: each breaks one. Never set in an agent.
struct Ablations {
    bool no_roll_call = false;
    bool roll_call_at_any_time = false;      // Also one that began before the attempts.
    bool roll_call_beside_attempts = false;  // It need not have passed before the last one.
    bool clear_without_roll_call = false;
    bool votes_for_ever = false;  // Of any age and any epoch.
    bool one_zone_opens = false;
};

// What one witness of a check last said, as this agent knows it.
struct WitnessView {
    std::string name;
    std::string zone;
    bool fit = true;
    std::optional<VoteRecord> vote{};  // Its age is as of now.
};

struct CheckView {
    State state = State::pending;
    std::string unknown_reason{};  // Of State::unknown.
    std::optional<VerdictRecord> verdict{};
    PanelSize size{};
    std::vector<WitnessView> panel{};   // By rank.
    std::vector<WitnessView> voters{};  // Of `witnesses = "all"`: the others that voted.
    std::optional<Seat> seat{};
    bool shadow_outage = false;  // Cut off, we see it down.
    // While down: how much longer the outage lasts at least.
    std::optional<Duration> closes_in{};
};

class Agreement {
public:
    static constexpr std::size_t checks_max = 20'000;  // Further ones are not agreed upon.
    // A scribe's roll call is no older than this when it writes.
    static constexpr Duration proof_valid_for = std::chrono::seconds(2);
    static constexpr Duration unfit_keeps_seat = std::chrono::seconds(60);
    static constexpr Duration standing_roll_call = std::chrono::seconds(10);
    static constexpr Duration notice_after = std::chrono::seconds(20);
    static constexpr Duration shadow_told_after = std::chrono::minutes(10);
    static constexpr Duration dwell_calm = std::chrono::seconds(10);
    static constexpr Duration dwell_flapping = std::chrono::seconds(60);
    static constexpr std::size_t flapping_outages = 4;  // In the last hour.
    static constexpr Duration convene_after = std::chrono::seconds(30);
    static constexpr std::uint32_t epoch_step_max = 64;  // A vote further ahead is absurd.
    static constexpr Duration host_interval = std::chrono::seconds(30);
    static constexpr Duration host_timeout = std::chrono::seconds(3);
    static constexpr Duration host_rests_for = std::chrono::minutes(2);

    struct Options {
        std::string name;
        std::string zone{};
        Boot boot = 0;
        Ablations ablations{};
    };

    // The same seed and inputs give the same outputs.
    Agreement(Options options, std::uint64_t seed, Instant now);
    ~Agreement();
    Agreement(const Agreement&) = delete;
    Agreement& operator=(const Agreement&) = delete;

    // ---- Who is there

    // Whenever something of a peer changes; `gone` when membership has forgotten it.
    void on_peer(Instant now, const Peer& peer);
    void on_peer_gone(Instant now, std::string_view name);
    // Whether another counts in a roll call. Nobody does until this is said; we always do.
    void set_counted(Instant now, std::string_view name, bool counts);

    struct Standing {
        bool settled = false;   // Knows what the mesh knows, or is alone.
        bool waiting = false;   // Is to join a mesh, has met nobody and knows of nobody.
        bool arriving = false;  // Does not know yet who else is there: takes no seats.
        bool draining = false;  // Takes no seats any more.
        bool guest = false;     // Does not count yet, or not any more.
        unsigned health_score = 0;
        std::optional<bool> gateway{};   // Answers; absent: there is no such canary.
        std::optional<bool> resolver{};  // Answers something else.

        bool operator==(const Standing&) const = default;
    };
    void set_standing(Instant now, const Standing& standing);
    // Another run of this agent was ahead: votes are numbered above its own.
    void set_boot(Boot boot) { options_.boot = std::max(options_.boot, boot); }

    // ---- What is checked, and what is held of it

    void on_check(Instant now, MeshCheck check);
    void on_check_gone(Instant now, CheckKey key);
    // What the registry holds now; persisted verdicts too, before the first tick.
    void on_verdict(Instant now, const VerdictRecord& verdict);

    // From the agent that it names, which the caller has verified.
    void on_vote(Instant now, VoteRecord vote);
    void on_suspicion(Instant now, const SuspicionRecord& suspicion);

    // ---- Asking

    // Our slot of a check has come. It leads to an attempt unless a vote is being made.
    void on_slot(Instant now, CheckKey key);
    // False: nobody wants that attempt any more, and it need not be made.
    bool on_started(Instant now, CheckKey key, AttemptId id);
    void on_answer(Instant now, CheckKey key, AttemptId id, Answer answer);
    void on_roll_call_answer(Instant now, std::uint64_t call, std::string_view name);
    void on_tick(Instant now, WallTime wall);
    Instant next_wakeup() const;

    // ---- What should happen

    std::optional<Attempt> poll_attempt() { return take_front(attempts_); }
    std::optional<Dispatch> poll_dispatch() { return take_front(dispatches_); }
    // A member to be pinged, and the number to be given back with its answer.
    std::optional<RollCall::Question> poll_ping() { return roll_call_.poll_question(); }
    // To be persisted, then spread.
    std::optional<Proposal> poll_proposal() { return take_front(proposals_); }
    std::optional<NoticeRecord> poll_notice() { return take_front(notices_); }
    std::optional<AgreementEvent> poll_event() { return take_front(events_); }

    // ---- What people ask

    std::optional<CheckView> view(Instant now, CheckKey key) const;
    // As view().state, cheaply.
    State state(Instant now, CheckKey key) const;
    std::optional<Seat> seat(CheckKey key) const;
    std::optional<std::string> unfit_reason(Instant now) const {
        return fitness_.unfit_reason(now);
    }
    bool quorum() const { return !quorum_lost_at_.has_value(); }
    // In the words of agreement.md, 3.5; empty while there is a quorum, and for the first
    // 20 s without one.
    std::string no_quorum_text() const { return no_quorum_text_; }
    const std::optional<RollCallResult>& last_roll_call() const { return roll_call_.last(); }
    std::uint64_t disregarded(Disregarded reason) const {
        return disregarded_[static_cast<std::size_t>(reason)];
    }
    std::size_t checks() const { return cases_.size(); }

private:
    struct Case;
    using Cases = std::unordered_map<CheckKey, std::unique_ptr<Case>>;
    struct PeerState {
        Peer peer;
        ZoneId zone{};
        std::optional<Instant> unfit_since;
        Instant failed_at = long_ago;  // When membership last declared it so.
        CheckKey host{};
    };

    template <typename T>
    static std::optional<T> take_front(std::deque<T>& queue) {
        if (queue.empty()) return std::nullopt;
        T front = std::move(queue.front());
        queue.pop_front();
        return front;
    }

    // agreement.cpp: what is there, and its order of events.
    void awake(Instant now);
    Duration age_of(Duration told) const;
    Case* find(CheckKey key);
    const Case* find(CheckKey key) const;
    void wake(Case& item, Instant at);
    void run(Case& item);
    void remove_case(CheckKey key);
    void run_roll_call();
    void run_standing();
    RollCall::Circumstances roll_call_circumstances() const;
    bool something_answers(Instant since) const;
    void disregard(Disregarded reason) { ++disregarded_[static_cast<std::size_t>(reason)]; }
    void event(AgreementEvent::Kind kind, CheckKey check = {}, std::string message = {});
    void tell_quorum();
    NoQuorum no_quorum(const RollCallResult& call) const;
    void publish_notice(bool over);

    // agreement_panels.cpp: who witnesses what.
    Case* case_for(CheckKey key);  // Also one of a host, which is made when it is needed.
    Case& open_host(CheckKey key, const std::string& name);
    void moves(AgentId agent);
    void count_seat(const Case& item, bool sits);
    void refresh_panels();
    bool concerns(const Case& item, AgentId agent, bool seated) const;
    void refresh_panel(Case& item);
    void on_liveness(const PeerState& state, Liveness before);
    void forget_host(CheckKey host, AgentId agent);
    void close_host_at_rest(Case& item, bool waits);
    bool host_suspected(const Case& item) const;
    bool eligible(const PeerState& peer) const;
    bool eligible(AgentId agent) const;
    std::optional<Instant> unfit_since(AgentId agent) const;
    std::vector<Carrier> eligible_carriers(const Case& item);
    const std::vector<Carrier>& eligible_agents();
    std::string_view zone_of(AgentId agent) const;
    ZoneId zone_id_of(AgentId agent) const;
    std::string name_of(AgentId agent) const;
    void note_missing(AgentId agent);

    // agreement_rounds.cpp: asking and voting.
    bool plausible(const Case& item, AgentId agent, Fingerprint fingerprint, std::uint32_t era);
    bool current(const Case& item, std::uint32_t epoch);
    void run_inquiry(Case& item);
    void cast(Case& item, const Inquiry::Cast& cast);
    void tell_panel(const Case& item, const Record& record);
    void run_repeats(Case& item);
    void run_convening(Case& item);
    void run_host_schedule(Case& item);
    bool ablated() const;  // A test has switched the roll call off.
    std::string cut_off_text() const;
    void note_own_vote(Case& item, const VoteRecord& vote);
    void note_contradiction(Case& item, const VoteRecord& vote);
    void note_overruled(Case& item);
    void note_shadow(Case& item, const Ballot& ballot);

    // agreement_verdicts.cpp: judging and writing.
    void adopt(Case& item, const VerdictRecord& verdict);
    void judge_case(Case& item);
    Bench bench(const Case& item) const;
    void wake_for_time(Case& item);
    bool proven(const Change& change);
    Backing backing(const Case& item) const;
    void write(Case& item, const Change& change);
    EvidenceRecord evidence(const Case& item, const VerdictRecord& verdict,
                            const Change& change) const;
    Duration dwell(const Case& item) const;

    std::optional<Instant> thin_since(const Case& item) const;
    std::string unknown_reason(Instant now, const Case& item) const;

    Options options_;
    AgentId self_;
    ZoneId zone_;
    Random random_;
    Instant now_;
    WallTime wall_{};
    RollCall roll_call_;
    Fitness fitness_;
    Standing standing_;
    std::optional<Instant> unfit_since_;

    std::unordered_map<AgentId, PeerState> peers_;
    std::set<AgentId> unfit_;                          // Of those, by their own word.
    std::unordered_map<CheckKey, std::string> hosts_;  // Whoever was met, or counts.
    Cases cases_;
    std::size_t seats_ = 0;  // Of ours, in checks.
    std::set<std::pair<Instant, CheckKey>> due_;
    std::set<CheckKey> open_;               // Those that may wait for a roll call.
    std::unordered_set<AgentId> counted_;   // The reference.
    std::set<AgentId> missing_;             // Of those, who is not there.
    std::set<AgentId> moved_;               // Since panels were last refreshed.
    std::vector<Carrier> eligible_agents_;  // Empty: to be found anew.
    Instant panels_at_ = never;
    Instant refreshed_at_;
    Instant seats_at_ = never;     // When somebody's unfitness costs it its seat.
    Instant standing_at_ = never;  // Of the next roll call nobody needs but we.
    Instant heartbeat_at_;
    Duration waited_{};                // For so long we stood still the last time,
    Instant waited_until_ = long_ago;  // and until then read what came meanwhile.
    std::uint32_t vote_seq_ = 0;
    std::uint32_t notice_revision_ = 0;

    bool passed_once_ = false;  // A roll call, in this run: before that we are a guest.
    std::optional<Instant> quorum_lost_at_;
    WallTime quorum_lost_wall_{};
    std::string no_quorum_text_;
    AgentId notice_side_{};

    std::deque<Attempt> attempts_;
    std::deque<Dispatch> dispatches_;
    std::deque<Proposal> proposals_;
    std::deque<NoticeRecord> notices_;
    std::deque<AgreementEvent> events_;
    std::array<std::uint64_t, disregarded_count> disregarded_{};
};

}  // namespace picket::gossip
