// Every case of three scribes that write one outage at about the same time, played in full
// by the shipping Agreement and Registry of four agents: each of the six ways between them
// carries a record at once, later than the next scribe's turn, or never; and one of them
// crashes at any moment, or is cut off. The small model (agreement_model.h) shows that it
// does no harm whoever writes when; this shows who does.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gossip/agreement/agreement.h"
#include "gossip/agreement/scribe.h"
#include "gossip/spread/registry.h"

namespace picket::testing {
namespace {

using namespace gossip;
using namespace std::chrono_literals;

constexpr std::size_t agents = 4;
constexpr std::size_t seats = 3;
constexpr CheckKey check{1};
constexpr Instant start{1h};
constexpr WallTime wall_start{std::chrono::hours(24 * 365 * 50)};
constexpr Duration tick = 50ms;
constexpr Duration length = 1s;

// A record on its way takes so long; absent: it is lost.
constexpr std::array<std::optional<Duration>, 3> delays{50ms, 250ms, std::nullopt};
constexpr std::size_t ways = seats * (seats - 1);

struct Fate {
    std::array<std::optional<Duration>, ways> delay{};
    std::optional<std::size_t> crashes{};  // A scribe, by rank,
    Duration at{};                         // and when.
    std::optional<std::size_t> cut_off{};
};

struct Result {
    std::vector<std::size_t> writers{};  // In the order of writing.
    bool order_kept = true;  // Each wrote in its turn, if it had heard of no version, or not.
    bool went_back = false;  // S2
    bool parted = false;     // S3
    std::optional<VerdictRecord> united{};  // What all hold in the end.
};

class Scribes {
public:
    explicit Scribes(const Fate& fate) : fate_(fate) {
        std::vector<Carrier> carriers;
        for (std::size_t i = 0; i < agents; ++i) {
            carriers.push_back({agent_id(name(i)), zone_id(i % 2 == 0 ? "a" : "b")});
        }
        const auto order = ranking(check, carriers, seats, agents).order;
        for (const AgentId id : order) {
            for (std::size_t i = 0; i < agents; ++i) {
                if (carriers[i].agent == id) by_rank_.push_back(i);
            }
        }
        VerdictRecord up{.check = check, .sub = 1};
        for (std::size_t rank = 0; rank < agents; ++rank) {
            agents_[rank].disk = up;
            begin(rank);
            run_agreement(rank);
        }
    }

    Result play() {
        now_ = start;
        for (std::size_t rank = 0; rank < agents; ++rank) {
            for (std::size_t voter = 0; voter < seats; ++voter) hear_vote(rank, voter);
        }
        for (; now_ <= start + length; now_ += tick) {
            if (fate_.crashes.has_value() && now_ == start + fate_.at) crash(*fate_.crashes);
            deliver();
            for (std::size_t rank = 0; rank < agents; ++rank) run(rank);
            look();
        }
        unite();
        return result_;
    }

private:
    struct Agent {
        std::unique_ptr<Agreement> agreement{};
        std::unique_ptr<Registry> registry{};
        std::optional<VerdictRecord> disk{};
        std::optional<VerdictVersion> shown{};
        std::optional<Instant> turn{};  // Its roll call has passed: when it is to write.
        bool wrote = false;
    };
    struct Mail {
        std::size_t to;
        VerdictRecord verdict;
    };

    static std::string name(std::size_t agent) { return "a" + std::to_string(agent); }
    std::string name_of(std::size_t rank) const { return name(by_rank_[rank]); }
    WallTime wall() const { return wall_start + (now_ - start); }
    bool reaches(std::size_t from, std::size_t to) const {
        return now_ < start || (from != fate_.cut_off && to != fate_.cut_off);
    }

    void begin(std::size_t rank) {
        Agent& self = agents_[rank];
        const auto zone = [&](std::size_t other) {
            return std::string(by_rank_[other] % 2 == 0 ? "a" : "b");
        };
        self.registry = std::make_unique<Registry>();
        self.registry->put(now_, wall(), *self.disk, {Source::stored}, agents - 1);
        self.agreement = std::make_unique<Agreement>(
            Agreement::Options{.name = name_of(rank), .zone = zone(rank), .boot = 1}, 1, now_);
        MeshCheck definition{.key = check, .name = "homepage", .fingerprint = Fingerprint{1}};
        definition.interval = 10s;
        definition.timeout = 3s;
        definition.witnesses = seats;
        definition.ours = true;
        for (std::size_t other = 0; other < agents; ++other) {
            self.agreement->set_counted(now_, name_of(other), true);
            definition.carriers.push_back(agent_id(name_of(other)));
            if (other == rank) continue;
            self.agreement->on_peer(now_, {.name = name_of(other), .zone = zone(other)});
        }
        self.agreement->set_standing(now_, {.settled = true});
        self.agreement->on_check(now_, definition);
        self.agreement->on_verdict(now_, *self.disk);
    }
    // The votes of the other two are a quorum.
    void hear_vote(std::size_t rank, std::size_t voter) {
        if (rank == voter) return;
        VoteRecord vote{.agent = agent_id(name_of(voter)), .check = check, .boot = 1, .seq = 1};
        vote.fingerprint = Fingerprint{1};
        vote.vote = Vote::fail;
        vote.age = 100ms;
        agents_[rank].agreement->on_vote(now_, vote);
    }

    void run(std::size_t rank) {
        Agent& self = agents_[rank];
        Agreement& agreement = *self.agreement;
        // What was written or heard in the tick before is on the disk now.
        while (const auto order = self.registry->poll_persist()) {
            self.registry->on_persisted(now_, order->ticket);
        }
        while (const auto change = self.registry->poll_change()) {
            const auto& held = *self.registry->find_as<VerdictRecord>(change->key);
            self.disk = held;
            agreement.on_verdict(now_, held);
            if (held.proposer == agent_id(name_of(rank))) send(rank, held);
        }
        const bool heard = agreement.view(now_, check)->verdict->epoch > 0;
        run_agreement(rank);
        const auto& call = agreement.last_roll_call();
        const bool proven = call.has_value() && call->passed && call->began >= start;
        if (proven && rank < seats && !self.turn.has_value()) {
            self.turn = now_ + static_cast<Duration::rep>(rank) * Scribe::delay;
        }
        bool writes = false;
        while (const auto proposal = agreement.poll_proposal()) {
            writes = true;
            self.registry->put(now_, wall(), proposal->verdict, {Source::own}, agents - 1);
            result_.writers.push_back(rank);
        }
        const bool should = !heard && self.turn == now_ && !restarted_[rank];
        result_.order_kept = result_.order_kept && writes == should;
    }

    void run_agreement(std::size_t rank) {
        Agreement& agreement = *agents_[rank].agreement;
        while (agreement.next_wakeup() <= now_) agreement.on_tick(now_, wall());
        while (const auto ping = agreement.poll_ping()) {
            for (std::size_t other = 0; other < agents; ++other) {
                if (name_of(other) != ping->name || !reaches(rank, other)) continue;
                agreement.on_roll_call_answer(now_, ping->call, ping->name);
            }
        }
        while (agreement.next_wakeup() <= now_) agreement.on_tick(now_, wall());
    }

    void send(std::size_t from, const VerdictRecord& verdict) {
        for (std::size_t to = 0; to < seats; ++to) {
            if (to == from || !reaches(from, to)) continue;
            const auto delay = fate_.delay[from * (seats - 1) + to - (to > from ? 1U : 0U)];
            if (delay.has_value()) mail_.emplace(now_ + *delay, Mail{to, verdict});
        }
    }
    void deliver() {
        while (!mail_.empty() && mail_.begin()->first <= now_) {
            const Mail mail = mail_.extract(mail_.begin()).mapped();
            agents_[mail.to].registry->put(now_, wall(), mail.verdict,
                                           {Source::gossip, mail.verdict.proposer}, agents - 1);
        }
    }
    // It is back at once, without what was not on its disk.
    void crash(std::size_t rank) {
        begin(rank);
        restarted_[rank] = true;
    }

    void look() {
        for (Agent& agent : agents_) {
            const auto& held = *agent.registry->find_as<VerdictRecord>(key_of(*agent.disk));
            const VerdictVersion version = version_of(held);
            if (agent.shown.has_value() && version < *agent.shown) result_.went_back = true;
            agent.shown = version;
            result_.parted = result_.parted || held.outage() != (held.scope != OutageScope::none);
        }
    }

    // All compare what they hold, some rounds long.
    void unite() {
        for (std::size_t round = 0; round < 2 * agents; ++round, now_ += tick) {
            for (std::size_t to = 0; to < agents; ++to) {
                for (std::size_t from = 0; from < agents; ++from) {
                    agents_[to].registry->put(now_, wall(), *agents_[from].disk,
                                              {Source::anti_entropy, agent_id(name_of(from))},
                                              agents - 1);
                }
                run(to);
            }
            look();
        }
        result_.united = agents_[0].disk;
        for (const Agent& agent : agents_) {
            if (agent.disk != result_.united) result_.united.reset();
        }
    }

    const Fate fate_;
    Instant now_ = start - 10s;  // Time enough to know each other.
    std::vector<std::size_t> by_rank_;
    std::array<Agent, agents> agents_{};
    std::array<bool, agents> restarted_{};
    std::multimap<Instant, Mail> mail_;
    Result result_;
};

std::string describe(const Fate& fate) {
    std::string text;
    for (const auto& delay : fate.delay) {
        text += delay.has_value() ? fmt::format("{} ", *delay / 1ms) : "lost ";
    }
    if (fate.crashes) text += fmt::format("{} crashes at {} ms ", *fate.crashes, fate.at / 1ms);
    if (fate.cut_off) text += fmt::format("{} is cut off", *fate.cut_off);
    return text;
}

// With each combination of what the six ways do.
template <typename Each>
void in_all_weathers(Fate fate, Each each) {
    std::size_t combinations = 1;
    for (std::size_t way = 0; way < ways; ++way) combinations *= delays.size();
    for (std::size_t number = 0; number < combinations; ++number) {
        std::size_t rest = number;
        for (auto& delay : fate.delay) {
            delay = delays[rest % delays.size()];
            rest /= delays.size();
        }
        each(fate, Scribes(fate).play());
    }
}

struct Seen {
    std::map<std::vector<std::size_t>, std::size_t> writers{};
    std::string wrong{};  // The first fate in which something was.

    void add(const Fate& fate, const Result& result) {
        ++writers[result.writers];
        const bool right = result.order_kept && !result.went_back && !result.parted &&
                           result.united.has_value() && result.united->epoch == 1;
        if (!right && wrong.empty()) wrong = describe(fate);
    }
};

using Row = std::vector<std::size_t>;

TEST_CASE("scribes write in turn, and a later one only if it has not heard of a version") {
    Seen seen;
    in_all_weathers({}, [&](const Fate& fate, const Result& result) { seen.add(fate, result); });
    CHECK(seen.wrong == "");
    CHECK(seen.writers[Row{0}] > 0);
    CHECK(seen.writers[Row{0, 1}] > 0);
    CHECK(seen.writers[Row{0, 2}] > 0);
    CHECK(seen.writers[Row{0, 1, 2}] > 0);
    CHECK(seen.writers.size() == 4);
}

TEST_CASE("where the first scribe is cut off the second takes over, and they come to agree") {
    Seen seen;
    in_all_weathers({.cut_off = 0},
                    [&](const Fate& fate, const Result& result) { seen.add(fate, result); });
    CHECK(seen.wrong == "");
    CHECK(seen.writers[Row{1}] > 0);
    CHECK(seen.writers[Row{1, 2}] > 0);
    CHECK(seen.writers.size() == 2);
}

TEST_CASE("whenever a scribe crashes, what it told stays, and the others come to agree") {
    Seen seen;
    for (std::size_t rank = 0; rank < seats; ++rank) {
        for (Duration at = tick; at <= 600ms; at += tick) {
            in_all_weathers(
                {.crashes = rank, .at = at},
                [&](const Fate& fate, const Result& result) { seen.add(fate, result); });
        }
    }
    CHECK(seen.wrong == "");
    MESSAGE(fmt::format("{} ways of writing", seen.writers.size()));
}

}  // namespace
}  // namespace picket::testing
