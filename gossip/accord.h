// Accord: one agent's whole part in what the mesh agrees on.
//
// Joins Spread (what picket's agents tell each other) with Agreement (how they decide):
// what Spread hears, Agreement is told, and what Agreement decides, Spread keeps and
// tells. It decides nothing itself. In an agent the Council drives it, in the simulator
// SimAccord does; both run this.
//
//   in   members as membership sees them, and user messages; what is stored, and that it
//        has been; the agent's own checks and surroundings; slots and answers; time
//   out  records to be persisted; messages to be told to all, or sent to one; the user
//        state of push/pulls; attempts to be made, members to be pinged; events
//
// Inputs note what happened. After each of them, and at next_wakeup(), the driver calls
// on_tick() and then takes out what the poll functions hold, until nothing is left.
// Nothing re-enters. What poll_persist() gives is held, and told, from on_persisted() on.

#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gossip/agreement/agreement.h"
#include "gossip/spread/spread.h"

namespace picket::gossip {

// What the agent's own definition of a check says beyond what it declares to others.
struct OwnCheck {
    Fingerprint fingerprint{};
    std::uint32_t fail_after = 1;
    std::uint32_t recover_after = 1;
    PartitionPolicy on_partition = PartitionPolicy::freeze;
    std::string target_zone{};  // Where the target stands, if that is known.
};

// What the agent knows of itself.
struct Surroundings {
    bool leaving = false;
    unsigned health_score = 0;
    std::optional<bool> gateway{};   // Answers; absent: there is no such canary.
    std::optional<bool> resolver{};  // Answers something else.
};

// The checks of the mesh have become others: Accord::checks().
struct ChecksChanged {};
using AccordEvent = std::variant<RecordHeld, BootRaised, ChecksChanged, AgreementEvent>;

class Accord {
public:
    // Who starts takes no seat in a panel before it knows who else is there, so that a mesh
    // that starts at once does not ask as so many lone agents would; but after so long it does.
    static constexpr Duration arrival_max = std::chrono::seconds(10);

    struct Options {
        Spread::Options spread;
        Ablations ablations{};
    };

    // The same seed and inputs give the same outputs.
    Accord(const Options& options, std::uint64_t seed, Instant now);
    Accord(const Accord&) = delete;
    Accord& operator=(const Accord&) = delete;

    // ---- In

    // What the database holds, before the first tick. False: it is malformed, or of
    // another era.
    bool restore(Instant now, WallTime wall, std::string_view payload) {
        return spread_.restore(now, wall, payload);
    }
    void on_persisted(Instant now, WallTime wall, std::uint64_t ticket) {
        spread_.on_persisted(now, wall, ticket);
    }
    void on_member(Instant now, WallTime wall, const Member& member);
    // An operator's word: the host of that name is no check any more.
    void on_forgotten(Instant now, std::string_view name);
    // False: the message is none of Spread's.
    bool on_user(Instant now, WallTime wall, std::string_view payload,
                 const std::optional<SocketAddress>& from) {
        return spread_.on_user(now, wall, payload, from);
    }
    void on_slot(Instant now, CheckKey check) { agreement_.on_slot(now, check); }
    bool on_started(Instant now, CheckKey check, AttemptId attempt) {
        return agreement_.on_started(now, check, attempt);
    }
    void on_answer(Instant now, CheckKey check, AttemptId attempt, Answer answer) {
        agreement_.on_answer(now, check, attempt, std::move(answer));
    }
    void on_member_answer(Instant now, std::uint64_t call, std::string_view name) {
        agreement_.on_roll_call_answer(now, call, name);
    }
    void set_surroundings(const Surroundings& surroundings) { surroundings_ = surroundings; }
    // The definitions in force are these now, by file, and what they say beyond that.
    void set_checks(Instant now, WallTime wall, const std::vector<FileBlob>& files,
                    std::map<CheckKey, OwnCheck> own);
    // A record of our own making that Agreement knows nothing of.
    void put(Instant now, WallTime wall, Record record) {
        spread_.put(now, wall, std::move(record));
    }
    // By an operator's word: how many no longer count.
    std::size_t forget(Instant now, WallTime wall, std::string_view name) {
        return spread_.forget(now, wall, name);
    }
    std::size_t forget_zone(Instant now, WallTime wall, std::string_view zone) {
        return spread_.forget_zone(now, wall, zone);
    }
    void leave(Instant now, WallTime wall) { spread_.leave(now, wall); }
    void on_tick(Instant now, WallTime wall);

    // ---- Out

    std::optional<PersistOrder> poll_persist() { return spread_.poll_persist(); }
    std::optional<Broadcast> poll_broadcast() { return spread_.poll_broadcast(); }
    std::optional<Letter> poll_letter() { return spread_.poll_letter(); }
    std::optional<std::string> poll_user_state() { return spread_.poll_user_state(); }
    std::optional<Attempt> poll_attempt(Instant now);
    // Whom to ping once for a roll call; those never met in this run are left out.
    struct Question {
        std::string name;
        SocketAddress address{};
        std::uint64_t call = 0;  // To be given back with the answer.
        Duration timeout{};
    };
    std::optional<Question> poll_question();
    std::optional<AccordEvent> poll_event();
    Instant next_wakeup() const;

    // ---- Reads

    const Spread& spread() const { return spread_; }
    // Why this agent counts for nothing at the moment; absent while it is fit.
    const std::optional<std::string>& unfit_reason() const { return unfit_reason_; }
    const Agreement& agreement() const { return agreement_; }
    // The checks of the mesh in the definitions that are active, as Agreement was told.
    const std::map<CheckKey, MeshCheck>& checks() const { return checks_; }
    // The name of a check that is or was one of the mesh's, or of a host, `host/NAME`, that was
    // met or counts; else the key in hex digits. A check that is gone keeps its name as long as
    // there is a verdict of it.
    std::string name_of(CheckKey key) const;
    // By key, of every check and host above.
    const std::map<CheckKey, std::string>& names() const { return names_; }

private:
    bool run_spread(Instant now, WallTime wall);
    bool run_agreement(Instant now, WallTime wall);
    void on_spread_event(Instant now, const SpreadEvent& event);
    void on_record(Instant now, const RecordHeld& change);
    void on_agreement_event(Instant now, WallTime wall, const AgreementEvent& event);
    void publish(Instant now, WallTime wall, Proposal proposal);
    void note_peer(Instant now, AgentId agent);
    void note_host(Instant now, const std::string& name);
    void on_presence(Instant now, const RecordHeld& change);
    void on_counted(Instant now, const ReferenceChanged& change);
    void update_standing(Instant now);
    bool arriving(Instant now);
    void update_checks(Instant now);
    MeshCheck mesh_check(CheckKey key, const Catalog::Definition& active) const;
    bool update_fitness(Instant now, WallTime wall);

    Spread spread_;
    Agreement agreement_;
    Surroundings surroundings_;
    Agreement::Standing standing_;
    Instant arrives_by_;  // never: it has arrived.
    std::optional<std::string> unfit_reason_;
    std::map<CheckKey, OwnCheck> own_;
    std::map<CheckKey, MeshCheck> checks_;
    std::map<CheckKey, std::string> names_;
    std::deque<AccordEvent> events_;
};

}  // namespace picket::gossip
