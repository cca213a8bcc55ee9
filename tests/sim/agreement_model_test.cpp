// An exhaustive small model: four agents, a panel of three of which two must agree, one
// check; up to two crashes and a partition. Every order of events is gone through, and in
// every state S1 to S3 are looked at (agreement.md, 3.9).
//
// What decides is the shipping code: the panel's ranking, Tally and judge() for what the
// votes carry, RollCall for who may write, join() for which version counts. What is made
// up is what happens. A message once sent may arrive at any time, any number of times, in
// any order, or never: so whoever judges does it on any choice of the votes ever cast, one
// of each witness, and whoever hears of a version hears of any ever sent. That is more
// than a network can do, so what holds here holds there. Votes may grow too old, once.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <cstring>
#include <deque>
#include <string>
#include <unordered_set>
#include <vector>

#include "gossip/agreement/judgement.h"
#include "gossip/agreement/roll_call.h"
#include "gossip/spread/record_codec.h"

namespace picket::testing {
namespace {

using namespace gossip;
using namespace std::chrono_literals;

constexpr std::size_t agents = 4;
constexpr std::size_t seats = 3;
constexpr std::size_t votes_each = 2;
constexpr std::size_t votes_max = 4;
constexpr std::size_t crashes_max = 2;
constexpr std::uint32_t epoch_max = 3;
constexpr std::size_t versions_max = 32;
constexpr Instant now{1h};
constexpr Fingerprint fingerprint{1};

// Plain bytes, so that two states are the same if their bytes are.
struct State {
    struct Cast {
        std::uint8_t fail = 0;
        std::uint8_t epoch = 0;
        std::uint8_t old = 0;  // Cast before time passed.
    };
    std::array<std::array<Cast, votes_each>, seats> votes{};  // By seat.
    std::array<std::uint8_t, seats> cast{};                   // How many of them.
    std::array<std::uint8_t, agents> held{};                  // Versions, by their number.
    std::uint8_t alive = 0xf;
    std::uint8_t crashes = 0;
    std::uint8_t side = 0;                 // Of the partition, while there is one.
    std::uint8_t parted = 0;               // 1: it is; 2: it was.
    std::uint8_t time = 0;                 // 1: what was cast before is too old.
    std::array<std::uint8_t, 2> unused{};  // What the compiler would leave unset.
    std::uint32_t sent = 0;                // Versions.
};
static_assert(std::has_unique_object_representations_v<State>);

struct Breaches {
    std::size_t s1 = 0;
    std::size_t s2 = 0;
    std::size_t s3 = 0;
    bool none() const { return s1 + s2 + s3 == 0; }
};

class Model {
public:
    // `any_epoch` takes a rule away: votes on what is over count.
    explicit Model(bool any_epoch) : any_epoch_(any_epoch) {
        std::vector<Carrier> carriers;
        for (std::size_t i = 0; i < agents; ++i) {
            names_.push_back("a" + std::to_string(i));
            carriers.push_back({agent_id(names_[i]), zone(i)});
        }
        ranks_ = ranking(CheckKey{1}, carriers, seats, size_.accepted_ranks());
        for (std::size_t seat = 0; seat < seats; ++seat) {
            for (std::size_t i = 0; i < agents; ++i) {
                if (agent_id(names_[i]) == ranks_[seat]) sitting_[seat] = i;
            }
        }
        versions_.emplace_back();  // Number 0: nothing was ever judged, but it is up.
        versions_[0].check = CheckKey{1};
        for (unsigned mask = 0; mask < 16; ++mask) {
            for (std::size_t i = 0; i < agents; ++i) majority_[i][mask] = passes(i, mask);
        }
    }

    void explore() {
        reach(State{});
        while (!open_.empty()) {
            const State state = open_.front();
            open_.pop_front();
            step(state);
        }
    }
    std::size_t states() const { return seen_.size(); }
    std::size_t openings() const { return openings_; }
    const Breaches& breaches() const { return breaches_; }

private:
    static std::string_view zone(std::size_t agent) { return agent % 2 == 0 ? "a" : "b"; }

    // Whether a roll call of this agent passes while those of the mask answer.
    bool passes(std::size_t agent, unsigned mask) const {
        RollCall call(names_[agent], 1);
        call.set_reference(names_);
        call.need(now, now);
        std::vector<RollCall::Question> asked;
        while (const auto question = call.poll_question()) asked.push_back(*question);
        for (const RollCall::Question& question : asked) {
            for (std::size_t i = 0; i < agents; ++i) {
                if ((mask >> i & 1) != 0 && names_[i] == question.name) {
                    call.on_answer(now + 1ms, question.call, question.name);
                }
            }
        }
        call.on_tick(now + RollCall::length);
        return call.passed_since(now);
    }
    bool connected(const State& state, std::size_t a, std::size_t b) const {
        return state.parted != 1 || (state.side >> a & 1) == (state.side >> b & 1);
    }
    bool quorate(const State& state, std::size_t agent) const {
        unsigned mask = 0;
        for (std::size_t i = 0; i < agents; ++i) {
            const bool answers = (state.alive >> i & 1) != 0 && connected(state, agent, i);
            mask |= answers ? 1U << i : 0U;
        }
        return majority_[agent][mask];
    }
    static bool alive(const State& state, std::size_t agent) {
        return (state.alive >> agent & 1) != 0;
    }
    std::uint32_t epoch(const State& state, std::size_t agent) const {
        return versions_[state.held[agent]].epoch;
    }

    void reach(const State& state) {
        std::string bytes(sizeof(state), '\0');
        std::memcpy(bytes.data(), &state, sizeof(state));
        if (!seen_.insert(std::move(bytes)).second) return;
        check_s3(state);
        open_.push_back(state);
    }

    void step(const State& state) {
        vote(state);
        for (std::size_t seat = 0; seat < seats; ++seat) judge_all(state, seat);
        hear(state);
        fail(state);
    }

    void vote(const State& state) {
        if (state.cast[0] + state.cast[1] + state.cast[2] >= static_cast<int>(votes_max)) return;
        for (std::size_t seat = 0; seat < seats; ++seat) {
            const std::size_t agent = sitting_[seat];
            if (!alive(state, agent) || state.cast[seat] == votes_each) continue;
            for (const bool fails : {false, true}) {
                if (fails && !quorate(state, agent)) continue;
                State next = state;
                next.votes[seat][next.cast[seat]++] = {
                    fails, static_cast<std::uint8_t>(epoch(state, agent)), 0};
                reach(next);
            }
        }
    }

    // On any choice of votes, one of each witness: 0 is none of it.
    void judge_all(const State& state, std::size_t seat) {
        const std::size_t scribe = sitting_[seat];
        if (!alive(state, scribe) || !quorate(state, scribe)) return;
        if (epoch(state, scribe) >= epoch_max) return;
        for (unsigned a = 0; a <= state.cast[0]; ++a) {
            for (unsigned b = 0; b <= state.cast[1]; ++b) {
                for (unsigned c = 0; c <= state.cast[2]; ++c) judge_on(state, scribe, {a, b, c});
            }
        }
    }

    void judge_on(const State& state, std::size_t scribe, const std::array<unsigned, 3>& choice) {
        Tally tally;
        for (std::size_t seat = 0; seat < seats; ++seat) {
            if (choice[seat] == 0) continue;
            const State::Cast& cast = state.votes[seat][choice[seat] - 1];
            VoteRecord vote;
            vote.agent = ranks_[seat];
            vote.check = CheckKey{1};
            vote.seq = choice[seat];
            vote.fingerprint = fingerprint;
            vote.epoch = cast.epoch;
            vote.vote = cast.fail != 0 ? Vote::fail : Vote::ok;
            vote.age = cast.old != 0 ? 1h : Duration(1s);
            static_cast<void>(tally.put(now, vote));
        }
        const VerdictRecord& held = versions_[state.held[scribe]];
        Bench bench;
        bench.ranks = &ranks_;
        bench.zone_of = [this](AgentId agent) {
            for (std::size_t i = 0; i < agents; ++i) {
                if (agent_id(names_[i]) == agent) return zone(i);
            }
            return std::string_view();
        };
        bench.rules = {.fingerprint = fingerprint,
                       .epoch = held.epoch,
                       .size = size_,
                       .valid_for = 12s,
                       .any_epoch = any_epoch_};
        bench.interval = 10s;
        bench.held = &held;
        bench.dwelt = true;
        bench.changed_at = now;
        const auto change = judge(tally, bench, now);
        if (!change.has_value()) return;
        if (change->rule == Rule::open) check_s1(state, held.epoch, choice);
        VerdictRecord verdict = held;
        ++verdict.epoch;
        verdict.scope = change->scope;
        verdict.zones_failing = change->zones_failing;
        verdict.zones_passing = change->zones_passing;
        verdict.proposer = agent_id(names_[scribe]);
        State next = state;
        next.held[scribe] = number_of(verdict);  // Persisted; told in a step of its own.
        reach(next);
    }

    void hear(const State& state) {
        for (std::size_t agent = 0; agent < agents; ++agent) {
            if (!alive(state, agent)) continue;
            if (state.held[agent] != 0) {
                State next = state;
                next.sent |= 1U << state.held[agent];
                reach(next);
            }
            for (std::uint8_t number = 1; number < versions_.size(); ++number) {
                if ((state.sent >> number & 1) == 0) continue;
                const Record joined = join(versions_[state.held[agent]], versions_[number]);
                State next = state;
                next.held[agent] = number_of(std::get<VerdictRecord>(joined));
                check_s2(state.held[agent], next.held[agent]);
                reach(next);
            }
        }
    }

    // Crashes and returns with what was persisted; a partition comes and goes; time passes.
    void fail(const State& state) {
        for (std::size_t agent = 0; agent < agents; ++agent) {
            State next = state;
            next.alive ^= static_cast<std::uint8_t>(1U << agent);
            if (alive(state, agent)) {
                if (state.crashes == crashes_max) continue;
                ++next.crashes;
            }
            reach(next);
        }
        if (state.parted == 0) {
            for (const unsigned side : {1U, 2U, 4U, 8U, 3U, 5U, 9U}) {
                State next = state;
                next.parted = 1;
                next.side = static_cast<std::uint8_t>(side);
                reach(next);
            }
        }
        if (state.parted == 1) {
            State next = state;
            next.parted = 2;
            next.side = 0;
            reach(next);
        }
        if (state.time == 0) {
            State next = state;
            next.time = 1;
            for (auto& of_seat : next.votes) {
                for (State::Cast& cast : of_seat) cast.old = 1;
            }
            for (std::size_t seat = 0; seat < seats; ++seat) {
                for (std::size_t i = next.cast[seat]; i < votes_each; ++i) {
                    next.votes[seat][i] = {};
                }
            }
            reach(next);
        }
    }

    std::uint8_t number_of(const VerdictRecord& verdict) {
        for (std::size_t i = 0; i < versions_.size(); ++i) {
            if (versions_[i] == verdict) return static_cast<std::uint8_t>(i);
        }
        REQUIRE(versions_.size() < versions_max);
        versions_.push_back(verdict);
        return static_cast<std::uint8_t>(versions_.size() - 1);
    }

    // A quorum of distinct witnesses said FAIL on this very epoch, lately; of two zones, if
    // the other said OK.
    void check_s1(const State& state, std::uint32_t epoch, const std::array<unsigned, 3>& choice) {
        std::size_t fails = 0;
        std::array<bool, 2> failing{};
        std::array<bool, 2> passing{};
        for (std::size_t seat = 0; seat < seats; ++seat) {
            if (choice[seat] == 0) continue;
            const State::Cast& cast = state.votes[seat][choice[seat] - 1];
            if (cast.epoch != epoch || cast.old != 0) continue;
            (cast.fail != 0 ? failing : passing)[sitting_[seat] % 2] = true;
            fails += cast.fail;
        }
        ++openings_;
        const bool alone = failing[0] != failing[1] &&
                           ((passing[0] && !failing[0]) || (passing[1] && !failing[1]));
        if (fails < size_.quorum || alone) ++breaches_.s1;
    }
    void check_s2(std::uint8_t before, std::uint8_t after) {
        const VerdictRecord& a = versions_[before];
        const VerdictRecord& b = versions_[after];
        if (version_of(b) < version_of(a)) ++breaches_.s2;
    }
    void check_s3(const State& state) {
        for (std::size_t a = 0; a < agents; ++a) {
            for (std::size_t b = 0; b < a; ++b) {
                const VerdictRecord& one = versions_[state.held[a]];
                const VerdictRecord& other = versions_[state.held[b]];
                const bool same =
                    (one.scope == OutageScope::none) == (other.scope == OutageScope::none);
                if (one.epoch == other.epoch && !same) ++breaches_.s3;
            }
        }
    }

    const PanelSize size_{seats, 2};
    bool any_epoch_;
    std::vector<std::string> names_;
    std::vector<AgentId> ranks_;
    std::array<std::size_t, seats> sitting_{};  // Which agent has each seat.
    std::array<std::array<bool, 16>, agents> majority_{};
    std::vector<VerdictRecord> versions_;
    std::unordered_set<std::string> seen_;
    std::deque<State> open_;
    std::size_t openings_ = 0;
    Breaches breaches_;
};

TEST_CASE("in every order of events of a small mesh S1 to S3 hold") {
    Model model(false);
    model.explore();
    MESSAGE(fmt::format("{} states, {} openings", model.states(), model.openings()));
    CHECK(model.openings() > 0);
    CHECK(model.breaches().s1 == 0);
    CHECK(model.breaches().s2 == 0);
    CHECK(model.breaches().s3 == 0);
}

TEST_CASE("without the epoch in votes the small model finds an outage that nobody saw") {
    Model model(true);
    model.explore();
    CHECK_FALSE(model.breaches().none());
}

}  // namespace
}  // namespace picket::testing
