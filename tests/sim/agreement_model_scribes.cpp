// The small model: what each scribe makes of the votes that it has.

#include "agent/base/assert.h"
#include "gossip/agreement/scribe.h"
#include "tests/sim/agreement_model.h"

namespace picket::testing {

using namespace gossip;
using namespace std::chrono_literals;

namespace {

constexpr Instant now{1h};
constexpr Fingerprint fingerprint{1};
constexpr std::uint32_t subs_max = 1;  // Changes within an epoch that are followed up.

}  // namespace

void AgreementModel::judge_all(const State& state) {
    if (state.writes == writes_max) return;
    for (std::size_t scribe = 0; scribe < seats; ++scribe) {
        if (!proven(state, scribe) || epoch(state, scribe) >= epochs) continue;
        Choice choice{};
        for (choice[0] = 0; choice[0] <= epochs; ++choice[0]) {
            if (!was_cast(state, choice, 0)) continue;
            for (choice[1] = 0; choice[1] <= epochs; ++choice[1]) {
                if (!was_cast(state, choice, 1)) continue;
                for (choice[2] = 0; choice[2] <= epochs; ++choice[2]) {
                    if (!was_cast(state, choice, 2)) continue;
                    for (const bool later : {false, true}) judge_on(state, scribe, choice, later);
                }
            }
        }
    }
}

bool AgreementModel::was_cast(const State& state, const Choice& choice, std::size_t seat) {
    return choice[seat] == epochs || state.votes[seat][choice[seat]] != nothing;
}

// What is judged depends on the version held, who judges, and on these votes alone.
void AgreementModel::judge_on(const State& state, std::size_t scribe, const Choice& choice,
                              bool later) {
    const unsigned held = state.memory[scribe];
    Voices voices{};
    std::size_t key = (held << 2 | scribe) << 1 | (later ? 1U : 0U);
    for (std::size_t seat = 0; seat < seats; ++seat) {
        voices[seat].epoch = static_cast<std::uint32_t>(choice[seat]);
        voices[seat].said = choice[seat] < epochs ? state.votes[seat][choice[seat]] : nothing;
        key = key << 4 | voices[seat].epoch << 2 | voices[seat].said;
    }
    std::int8_t& known = judged_[key];
    if (known < 0) known = static_cast<std::int8_t>(judge_once(held, scribe, voices, later));
    const auto number = static_cast<unsigned>(known);
    if (number == held) return;
    State next = state;
    next.memory[scribe] = number;
    ++next.writes;
    if (without_ == Without::disk) next.told |= 1U << number;
    reach(next);
}

Bench AgreementModel::bench(const VerdictRecord& held, bool later) const {
    Bench bench;
    bench.ranks = ranks_;
    bench.zone_of = [this](AgentId agent) {
        for (std::size_t i = 0; i < agents; ++i) {
            if (ranks_[i] == agent) return std::string_view(zones_[i]);
        }
        return std::string_view();
    };
    bench.rules.fingerprint = fingerprint;
    bench.rules.epoch = held.epoch;
    bench.rules.size = size_;
    bench.rules.valid_for = 12s;
    bench.rules.any_epoch = without_ == Without::epochs_of_votes;
    bench.interval = 10s;
    bench.held = &held;
    bench.dwelt = later;
    bench.changed_at = later ? now - 1h : now;
    return bench;
}

// The version that this scribe writes, or the one held. `later`: enough time has passed for
// whatever waits for nothing else.
unsigned AgreementModel::judge_once(unsigned number, std::size_t scribe, const Voices& voices,
                                    bool later) {
    Tally tally;
    for (std::size_t seat = 0; seat < seats; ++seat) {
        if (voices[seat].said == nothing) continue;
        VoteRecord vote;
        vote.agent = ranks_[seat];
        vote.check = versions_[number].check;
        vote.fingerprint = fingerprint;
        vote.epoch = voices[seat].epoch;
        vote.vote = voices[seat].said == said_fail ? Vote::fail : Vote::ok;
        vote.age = 1s;
        // It has said so before: whoever says otherwise was asked since.
        static_cast<void>(tally.put(now - 1min, vote));
        ++vote.seq;
        static_cast<void>(tally.put(now, vote));
    }
    const VerdictRecord held = versions_[number];
    const auto change = judge(tally, bench(held, later), now);
    if (!change.has_value()) return number;
    // Nobody else has written when its turn has come, and the votes still carry it.
    Scribe turn;
    turn.on_change(*change);
    const auto at = turn.on_proof(now, true, scribe);
    PICKET_ASSERT(at.has_value());
    const auto then = judge(tally, bench(held, later), *at);
    if (!then.has_value()) return number;
    turn.on_change(*then);
    if (turn.on_proof(*at, true, scribe) > *at) return number;

    if (then->rule == Rule::open) check_opening(held.epoch, voices);
    VerdictRecord verdict = next_version(held, *then);
    verdict.proposer = ranks_[scribe];
    verdict.zones_failing.clear();
    verdict.zones_passing.clear();
    if (!then->turns()) {
        if (verdict.sub > subs_max || held.scope == verdict.scope) return number;
        ++rescopings;
    }
    const unsigned written = versions_.number_of(verdict);
    if (!versions_.kept(number, written)) ++s2_broken;
    return written;
}

// A quorum of distinct witnesses said FAIL on this very epoch; of two zones, if the other
// said OK.
void AgreementModel::check_opening(std::uint32_t epoch, const Voices& voices) {
    unsigned fails = 0;
    std::array<bool, 2> failing{};
    std::array<bool, 2> passing{};
    for (std::size_t seat = 0; seat < seats; ++seat) {
        if (voices[seat].said == nothing || voices[seat].epoch != epoch) continue;
        const bool fail = voices[seat].said == said_fail;
        (fail ? failing : passing)[zones_[seat] == "a" ? 0 : 1] = true;
        fails += fail ? 1U : 0U;
    }
    ++openings;
    const bool alone =
        (failing[0] && !failing[1] && passing[1]) || (failing[1] && !failing[0] && passing[0]);
    if (fails < size_.quorum || alone) ++s1_broken;
}

}  // namespace picket::testing
