// An exhaustive small model: four agents, a panel of three of which two must agree, one
// check; up to two crashes and a partition. Every order of events is gone through, and in
// every state S1 to S3 are looked at (agreement.md, 3.9).
//
// What decides is the shipping code: the panel's ranking, Tally and judge() for what the
// votes carry, RollCall for who may accuse and write, Scribe for whose turn it is to write,
// next_version() for what it writes, Registry for what is accepted and which version counts.
// What is made up is what happens.
//
// * A message once sent may arrive at any time, any number of times, in any order, or never:
//   so whoever judges does it on any choice of the votes ever cast, at most one of each
//   witness, and whoever hears of a version hears of any ever told, by gossip or in an
//   exchange. That is more than a network can do, so what holds here holds there.
// * Each member of the panel is a scribe of its own. As long as it has not heard of another's
//   version it may write its own, whose turn it is or not: the others may have waited for it
//   in vain. What it writes bears its name, so that no two scribes ever write the same
//   record. It goes on from what it has written at once; others hear of it only when it is
//   on its disk.
// * A crash takes what is not on disk: the version that was just written, the choice of votes,
//   and the roll call. It is back at once: one that is down for longer is as one that nothing
//   reaches, but that it answers roll calls, with which others may do more, not less.
// * A roll call that passed may be some time ago. So an agent may accuse and write that is
//   with the majority, or has been since it started. What is sent may cross a partition: it
//   may have left before.
// * One peer tells lies (ModelVersions). It votes for nothing and is nobody's only source.
//
// Time is made up, too: at any moment an outage may or may not have lasted its least time,
// and a version may or may not be old enough to be followed by one of the same epoch. Two
// scribes that write at once may find an outage total and partial. Zones of a version are
// left out: a change of them is one of its scope.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "gossip/agreement/judgement.h"
#include "tests/sim/model_versions.h"

namespace picket::testing {

class AgreementModel {
public:
    static constexpr std::size_t agents = 4;
    static constexpr std::size_t seats = 3;   // Agents by rank; the last agent has no seat.
    static constexpr std::size_t epochs = 3;  // That are voted on: 0, 1 and 2.

    // So many of each in one history.
    static constexpr unsigned votes_max = 5;
    static constexpr unsigned writes_max = 4;
    static constexpr unsigned crashes_max = 2;

    explicit AgreementModel(Without without);

    // Through all states; with a rule taken away, until something is broken.
    void explore();

    std::size_t states() const { return seen_.size(); }
    unsigned versions() const { return versions_.count(); }
    std::size_t openings = 0;
    std::size_t rescopings = 0;
    std::size_t rivals = 0;  // States in which agents hold different records of one number.
    std::size_t s1_broken = 0;
    std::size_t s2_broken = 0;
    std::size_t s3_broken = 0;
    std::size_t apart = 0;  // States from which all that is told does not unite them.

private:
    enum Said : std::uint8_t { nothing, said_ok, said_fail };

    struct Packed {
        std::uint64_t a = 0;
        std::uint64_t b = 0;
        bool operator==(const Packed&) const = default;
    };
    struct Hash {
        std::size_t operator()(const Packed& packed) const {
            const std::uint64_t mixed = (packed.a ^ packed.b >> 29) * 0x9e37'79b9'7f4a'7c15 +
                                        packed.b * 0xc2b2'ae3d'27d4'eb4f;
            return mixed ^ mixed >> 31;
        }
    };
    struct State {
        std::array<std::array<Said, epochs>, seats> votes{};  // Of each seat on each epoch.
        std::array<unsigned, agents> disk{};                  // Versions, by their number.
        std::array<unsigned, seats> memory{};                 // As on the disk, or just written.
        unsigned told = 0;                                    // Versions, a bit for each.
        unsigned votes_cast = 0;
        unsigned writes = 0;
        unsigned crashes = 0;
        unsigned proven = 0;  // Seats that a roll call has passed for.
        unsigned side = 0;    // Of the partition, while there is one.
        unsigned parted = 0;  // 1: it is; 2: it was.

        unsigned held(std::size_t agent) const {
            return agent < seats ? memory[agent] : disk[agent];
        }
    };
    // For each seat the epoch of the vote that a scribe has of it; `epochs` for none.
    using Choice = std::array<std::size_t, seats>;
    struct Voice {
        std::uint32_t epoch = 0;
        Said said = nothing;
    };
    using Voices = std::array<Voice, seats>;

    static Packed pack(const State& state);
    static State unpack(const Packed& packed);
    static void forget_votes(State& state, std::size_t before);

    bool passes(std::size_t agent, unsigned answering) const;
    bool quorate(const State& state, std::size_t agent) const;
    static bool proven(const State& state, std::size_t seat) {
        return (state.proven >> seat & 1) != 0;
    }
    std::uint32_t epoch(const State& state, std::size_t agent) const {
        return versions_[state.held(agent)].epoch;
    }
    // What a rule taken away is to break.
    bool broken() const {
        return (without_ == Without::tie ? apart : s1_broken + s2_broken + s3_broken) > 0;
    }

    void reach(State state);

    // agreement_model.cpp: what may happen.
    void vote(const State& state);
    void write_to_disk(const State& state);
    void hear(const State& state);
    void hear(const State& state, std::size_t agent, unsigned number);
    void go_wrong(const State& state);

    // agreement_model_scribes.cpp: what a scribe makes of votes.
    void judge_all(const State& state);
    void judge_on(const State& state, std::size_t scribe, const Choice& choice, bool later);
    static bool was_cast(const State& state, const Choice& choice, std::size_t seat);
    unsigned judge_once(unsigned held, std::size_t scribe, const Voices& voices, bool later);
    gossip::Bench bench(const gossip::VerdictRecord& held, bool later) const;
    void check_opening(std::uint32_t epoch, const Voices& voices);

    void check(const State& state);
    bool united(const State& state);

    const Without without_;
    const gossip::PanelSize size_{seats, 2};
    std::array<std::string, agents> names_{};  // By rank.
    std::array<std::string, agents> zones_{};
    std::vector<gossip::AgentId> ranks_;
    std::array<std::array<bool, 16>, agents> passes_{};
    ModelVersions versions_;
    std::vector<std::int8_t> judged_;  // Version after, by all that it depends on; -1: not yet.
    std::unordered_set<Packed, Hash> seen_;
    std::vector<Packed> open_;
};

}  // namespace picket::testing
