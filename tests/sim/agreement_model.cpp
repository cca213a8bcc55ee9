#include "tests/sim/agreement_model.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "agent/base/assert.h"
#include "gossip/agreement/roll_call.h"

namespace picket::testing {

using namespace gossip;

namespace {

constexpr Instant now{std::chrono::hours(1)};
constexpr CheckKey the_check{1};
constexpr std::size_t judgements = 1 << 20;  // See judge_on().
constexpr std::array ways{Source::gossip, Source::anti_entropy};

// A row of numbers in 64 bits.
class Bits {
public:
    explicit Bits(std::uint64_t bits = 0) : bits_(bits) {}
    void put(std::uint64_t value, unsigned width) {
        PICKET_ASSERT(value >> width == 0);
        bits_ |= value << at_;
        at_ += width;
        PICKET_ASSERT(at_ <= 64);
    }
    unsigned take(unsigned width) {
        const auto value = static_cast<unsigned>(bits_ >> at_ & ((std::uint64_t{1} << width) - 1));
        at_ += width;
        return value;
    }
    std::uint64_t bits() const { return bits_; }

private:
    std::uint64_t bits_;
    unsigned at_ = 0;
};

// The numbers in a set of them, a bit for each.
template <typename Each>
void each_of(unsigned set, Each each) {
    for (; set != 0; set &= set - 1) each(static_cast<unsigned>(std::countr_zero(set)));
}

constexpr unsigned number_bits = 5;
static_assert(ModelVersions::max == 1U << number_bits);

}  // namespace

AgreementModel::AgreementModel(Without without)
    : without_(without), versions_(the_check, without), judged_(judgements, std::int8_t{-1}) {
    const auto zone = [](std::size_t agent) { return agent % 2 == 0 ? "a" : "b"; };
    std::vector<Carrier> carriers;
    for (const char* name : {"a0", "a1", "a2", "a3"}) {
        carriers.push_back({agent_id(name), zone_id(zone(carriers.size()))});
    }
    ranks_ = ranking(the_check, carriers, seats, size_.accepted_ranks()).order;
    PICKET_ASSERT(ranks_.size() == agents);
    for (std::size_t i = 0; i < agents; ++i) {
        const auto rank = static_cast<std::size_t>(
            std::find(ranks_.begin(), ranks_.end(), carriers[i].agent) - ranks_.begin());
        names_[rank] = "a" + std::to_string(i);
        zones_[rank] = zone(i);
    }
    for (unsigned answering = 0; answering < 1U << agents; ++answering) {
        for (std::size_t i = 0; i < agents; ++i) passes_[i][answering] = passes(i, answering);
    }
}

// Whether a roll call of this agent passes while these answer.
bool AgreementModel::passes(std::size_t agent, unsigned answering) const {
    RollCall call(names_[agent], 1);
    for (const std::string& name : names_) call.set_counted(name, true);
    call.need(now, now);
    while (const auto question = call.poll_question()) {
        for (std::size_t i = 0; i < agents; ++i) {
            if ((answering >> i & 1) == 0 || names_[i] != question->name) continue;
            call.on_answer(now + RollCall::try_gap / 2, question->call, question->name);
        }
    }
    call.on_tick(now + RollCall::length);
    return call.passed_since(now);
}

bool AgreementModel::quorate(const State& state, std::size_t agent) const {
    unsigned answering = 0;
    for (std::size_t i = 0; i < agents; ++i) {
        const bool same_side = (state.side >> agent & 1) == (state.side >> i & 1);
        if (same_side) answering |= 1U << i;
    }
    return passes_[agent][answering];
}

// ---- States

AgreementModel::Packed AgreementModel::pack(const State& state) {
    Bits a;
    for (const auto& seat : state.votes) {
        for (const Said said : seat) a.put(said, 2);
    }
    for (const unsigned number : state.disk) a.put(number, number_bits);
    for (const unsigned number : state.memory) a.put(number, number_bits);
    a.put(state.votes_cast, 3);
    a.put(state.writes, 3);
    Bits b;
    b.put(state.told, ModelVersions::max);
    for (const unsigned set : {state.proven, state.side}) b.put(set, agents);
    b.put(state.crashes, 2);
    b.put(state.parted, 2);
    return {a.bits(), b.bits()};
}

AgreementModel::State AgreementModel::unpack(const Packed& packed) {
    State state;
    Bits a(packed.a);
    for (auto& seat : state.votes) {
        for (Said& said : seat) said = static_cast<Said>(a.take(2));
    }
    for (unsigned& number : state.disk) number = a.take(number_bits);
    for (unsigned& number : state.memory) number = a.take(number_bits);
    state.votes_cast = a.take(3);
    state.writes = a.take(3);
    Bits b(packed.b);
    state.told = b.take(ModelVersions::max);
    for (unsigned* set : {&state.proven, &state.side}) *set = b.take(agents);
    state.crashes = b.take(2);
    state.parted = b.take(2);
    return state;
}

// Votes on what is over for every scribe, also for one that returns.
void AgreementModel::forget_votes(State& state, std::size_t before) {
    for (auto& seat : state.votes) std::fill_n(seat.begin(), std::min(before, epochs), nothing);
}

// States are one whose differences cannot matter any more.
void AgreementModel::reach(State state) {
    for (std::size_t seat = 0; seat < seats; ++seat) {
        if (quorate(state, seat)) state.proven |= 1U << seat;
    }
    each_of(state.told, [&](unsigned number) {
        const bool matters = std::any_of(state.disk.begin(), state.disk.end(), [&](unsigned held) {
            return versions_.matters(held, number);
        });
        if (!matters) state.told &= ~(1U << number);
    });
    if (without_ != Without::epochs_of_votes) {
        std::uint32_t lowest = epochs;
        for (std::size_t seat = 0; seat < seats; ++seat) {
            lowest = std::min(lowest, versions_[state.disk[seat]].epoch);
        }
        forget_votes(state, lowest);
    }
    if (!seen_.insert(pack(state)).second) return;
    check(state);
    open_.push_back(pack(state));
}

void AgreementModel::explore() {
    reach(State{});
    while (!open_.empty() && !(without_ != Without::nothing && broken())) {
        const State state = unpack(open_.back());
        open_.pop_back();
        vote(state);
        judge_all(state);
        write_to_disk(state);
        hear(state);
        go_wrong(state);
    }
}

// ---- What may happen

void AgreementModel::vote(const State& state) {
    if (state.votes_cast == votes_max) return;
    for (std::size_t seat = 0; seat < seats; ++seat) {
        const std::uint32_t on = epoch(state, seat);
        if (on >= epochs || state.votes[seat][on] != nothing) continue;
        for (const Said said : {said_ok, said_fail}) {
            if (said == said_fail && !proven(state, seat)) continue;
            State next = state;
            next.votes[seat][on] = said;
            ++next.votes_cast;
            reach(next);
        }
    }
}

void AgreementModel::write_to_disk(const State& state) {
    for (std::size_t seat = 0; seat < seats; ++seat) {
        if (state.memory[seat] == state.disk[seat]) continue;
        State next = state;
        next.disk[seat] = state.memory[seat];
        next.told |= 1U << state.memory[seat];
        reach(next);
    }
}

void AgreementModel::hear(const State& state) {
    for (std::size_t agent = 0; agent < agents; ++agent) {
        each_of(state.told | ModelVersions::lies,
                [&](unsigned number) { hear(state, agent, number); });
    }
}
void AgreementModel::hear(const State& state, std::size_t agent, unsigned number) {
    const unsigned held = state.held(agent);
    for (const Source way : ways) {
        const unsigned after = versions_.after(held, number, way);
        if (after == held) continue;  // It was refused.
        if (versions_.less(after, held)) ++s2_broken;
        State next = state;
        next.disk[agent] = after;
        if (agent < seats) next.memory[agent] = after;
        reach(next);
    }
}

// Crashes, after which there is what is on disk; a partition that comes and goes.
void AgreementModel::go_wrong(const State& state) {
    for (std::size_t seat = 0; seat < seats && state.crashes < crashes_max; ++seat) {
        State next = state;
        ++next.crashes;
        next.memory[seat] = state.disk[seat];
        next.proven &= ~(1U << seat);
        // One that takes nothing is none.
        if (next.memory == state.memory && quorate(state, seat)) continue;
        // What others were told of must still be known.
        const bool told = (state.told >> state.memory[seat] & 1) != 0;
        if (told && versions_.less(state.disk[seat], state.memory[seat])) ++s2_broken;
        reach(next);
    }
    if (state.parted == 0) {
        for (const unsigned side : {1U, 2U, 4U, 8U, 3U, 5U, 9U}) {
            State next = state;
            next.parted = 1;
            next.side = side;
            reach(next);
        }
    } else if (state.parted == 1) {
        State next = state;
        next.parted = 2;
        next.side = 0;
        reach(next);
    }
}

// ---- What must hold

void AgreementModel::check(const State& state) {
    bool rival = false;
    for (std::size_t a = 0; a < agents; ++a) {
        const VerdictRecord& one = versions_[state.held(a)];
        // An outage that no scribe has opened has no votes behind it.
        if (one.outage() && ModelVersions::forged(state.held(a))) ++s1_broken;
        for (std::size_t b = 0; b < a; ++b) {
            const VerdictRecord& other = versions_[state.held(b)];
            if (one.era != other.era || one.epoch != other.epoch) continue;
            if ((one.scope == OutageScope::none) != (other.scope == OutageScope::none)) ++s3_broken;
            rival = rival || (one.sub == other.sub && one != other);
        }
    }
    if (rival) ++rivals;
    if (!united(state)) ++apart;
}

// Whether all agents come to hold one record when all that was written reaches them, in the
// order of writing or the other way round.
bool AgreementModel::united(const State& state) {
    unsigned told = state.told;
    for (const unsigned number : state.memory) told |= 1U << number;
    std::array<unsigned, ModelVersions::max> row{};
    std::size_t length = 0;
    each_of(told, [&](unsigned number) { row[length++] = number; });
    std::optional<unsigned> all;
    for (std::size_t agent = 0; agent < agents; ++agent) {
        unsigned rising = state.held(agent);
        unsigned falling = rising;
        for (std::size_t i = 0; i < length; ++i) {
            rising = versions_.after(rising, row[i], Source::anti_entropy);
            falling = versions_.after(falling, row[length - 1 - i], Source::anti_entropy);
        }
        if (rising != falling || rising != all.value_or(rising)) return false;
        all = rising;
    }
    return true;
}

}  // namespace picket::testing
