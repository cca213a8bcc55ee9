// AgreementWorld: many agents' Agreement over a network that is simulated lightly.
//
// The Agreement is the shipping code. What stands around it is as simple as it may be:
// records go as values; membership is an onlooker that tells everybody, after a while, who
// does not answer; verdicts spread as gossip does, and by an exchange every five seconds.
// So a day of a mesh costs seconds, and a rule can be tried a thousand times. What the
// real membership and dissemination make of it is for accord_world.h.
//
// One seed gives one history.

#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "gossip/agreement/agreement.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/sim_targets.h"

namespace picket::testing {

class AgreementWorld {
public:
    // Nobody hears here who is unfit, so an agent that is leaves a seat that others see filled.
    static constexpr bool tells_fitness = false;

    struct Options {
        std::size_t agents = 5;
        std::size_t targets = 1;
        std::size_t zones = 3;
        std::uint64_t seed = 1;
        Weather weather{};
        Duration interval = std::chrono::seconds(10);
        Duration timeout = std::chrono::seconds(3);
        std::optional<std::size_t> witnesses = 5;
        std::optional<std::size_t> quorum{};
        std::size_t attempts_at_once = 100'000;  // Of an agent; further ones wait.
        gossip::Ablations ablations{};
        bool reference_kept = true;  // Over a restart.
    };

    explicit AgreementWorld(const Options& options);
    ~AgreementWorld();
    AgreementWorld(const AgreementWorld&) = delete;
    AgreementWorld& operator=(const AgreementWorld&) = delete;

    void run_for(Duration duration);
    Duration elapsed() const { return now_.time_since_epoch() - begins; }

    // ---- Faults
    void crash(AgentIndex agent);
    void restart(AgentIndex agent, bool memory_kept = true);
    void pause(AgentIndex agent, Duration duration);
    void partition(const std::set<AgentIndex>& side);  // Tells membership's onlooker, too.
    void cut(AgentIndex from, AgentIndex to);          // One way; the onlooker says nothing.
    void heal();
    void step_clock(AgentIndex agent, Duration by) { agents_[agent].clock += by; }
    // Which side a target stands on during a partition: with whoever is not in `side`, or in.
    std::set<std::size_t> targets_inside{};
    SimNetwork& network() { return network_; }
    SimTargets& targets() { return targets_; }

    // ---- What is believed
    std::size_t size() const { return agents_.size(); }
    bool up(AgentIndex agent) const { return agents_[agent].agreement != nullptr; }
    gossip::Agreement& agreement(AgentIndex agent) { return *agents_[agent].agreement; }
    std::optional<gossip::VerdictRecord> verdict(AgentIndex agent, std::size_t target) const;
    std::uint32_t epoch_of(AgentIndex agent, std::size_t target) const;
    gossip::State state(AgentIndex agent, std::size_t target) const;
    gossip::CheckView check_view(AgentIndex agent, std::size_t target) const;
    bool all_hold(std::size_t target, std::uint32_t epoch) const;
    static gossip::CheckKey key(std::size_t target);
    static std::string name(AgentIndex agent) { return "a" + std::to_string(agent); }
    std::string zone(AgentIndex agent) const {
        return std::string(1, static_cast<char>('a' + agent % options_.zones));
    }

    // ---- What was seen
    struct Written {
        Duration at;
        AgentIndex by;
        gossip::VerdictRecord verdict;
        std::optional<gossip::EvidenceRecord> evidence{};
    };
    const std::vector<Written>& written() const { return written_; }
    // Openings of an outage that was none: fewer than q witnesses of the side that has the
    // majority lacked an answer lately.
    std::size_t false_openings() const { return false_openings_; }
    std::size_t openings() const { return openings_; }
    std::uint64_t attempts(std::size_t target) const { return asked_[target].size(); }
    // The most attempts at a target in any window of so long.
    std::size_t attempts_peak(std::size_t target, Duration window) const;
    std::string complaints() const { return complaints_; }
    std::string trace{};
    bool tracing = false;

    static constexpr Duration begins = std::chrono::hours(1);

private:
    struct Agent {
        std::unique_ptr<gossip::Agreement> agreement;
        std::map<gossip::CheckKey, gossip::VerdictRecord> store;
        std::map<gossip::CheckKey, int> hot;  // Verdicts still gossiped, so many rounds.
        std::map<AgentIndex, gossip::Liveness> view;
        std::size_t asking = 0;
        std::deque<gossip::Attempt> waiting;  // Until fewer are asked at once.
        Duration clock{};
        gossip::Boot boot = 0;
        unsigned life = 0;
        Instant paused_until{};
        Instant wakeup = never;
        Instant gossip_at = never;
    };
    struct Wake {};
    struct Slot {
        std::size_t target;
        unsigned version;
    };
    struct Gossip {};
    struct Exchange {};
    struct Done {
        gossip::CheckKey check;
        gossip::AttemptId id;
        gossip::Answer answer;
    };
    struct Mail {
        AgentIndex from;
        gossip::Record record;
    };
    struct Ping {
        AgentIndex from;
        std::uint64_t call;
    };
    struct Pong {
        AgentIndex from;
        std::uint64_t call;
    };
    struct Told {  // Membership's onlooker.
        AgentIndex of;
        gossip::Liveness liveness;
        unsigned life;
        unsigned cut;  // The partition it is about.
    };
    using What = std::variant<Wake, Slot, Gossip, Exchange, Done, Mail, Ping, Pong, Told>;
    struct Due {
        Instant at;
        std::uint64_t order;
        AgentIndex agent;
        unsigned life;
        std::uint32_t slot;
        bool operator>(const Due& other) const {
            return at != other.at ? at > other.at : order > other.order;
        }
    };

    void start(AgentIndex agent);
    void schedule(Instant at, AgentIndex agent, What what);
    void happen(AgentIndex agent, What what);
    void send(AgentIndex from, AgentIndex to, const What& what);
    void pump(AgentIndex agent);
    void ask(AgentIndex agent, const gossip::Attempt& attempt);
    void ask_waiting(AgentIndex agent);
    void take_mail(AgentIndex agent, const Mail& mail);
    void take_proposal(AgentIndex agent, const gossip::Proposal& proposal);
    bool accept(AgentIndex agent, const gossip::VerdictRecord& verdict);
    void spread(AgentIndex agent);
    void next_slot(AgentIndex agent, std::size_t target);
    void tell_liveness(AgentIndex about, gossip::Liveness liveness, Duration min, Duration max);
    void judge_opening(AgentIndex by, std::size_t target);
    void note_truth();
    WallTime wall(AgentIndex agent) const;
    gossip::MeshCheck check(std::size_t target) const;
    std::optional<std::size_t> target_of(gossip::CheckKey key) const;
    bool quorate(AgentIndex agent) const;
    void complain(const std::string& line);

    Options options_;
    Random random_;
    SimNetwork network_;
    SimTargets targets_;
    Instant now_{begins};
    std::uint64_t order_ = 0;
    std::vector<Agent> agents_;
    std::map<gossip::CheckKey, std::size_t> by_key_;
    std::vector<std::vector<unsigned>> slot_versions_;
    std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
    std::vector<What> slots_;
    std::vector<std::uint32_t> free_slots_;
    std::set<AgentIndex> side_;
    unsigned cuts_ = 0;
    Instant cut_at_ = Instant::min();
    std::vector<Instant> truly_failing_;  // When a quorum of the majority last lacked answers.
    std::vector<std::vector<Instant>> asked_;
    std::vector<Written> written_;
    std::size_t openings_ = 0;
    std::size_t notices_ = 0;
    std::size_t false_openings_ = 0;
    std::string complaints_;
};

}  // namespace picket::testing
