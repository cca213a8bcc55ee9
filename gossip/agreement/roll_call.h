// RollCall: the proof that we are with the majority (agreement.md, 3.5).
//
// Every member of the reference is asked whether it answers; above 256 of them 256 drawn
// by lot, of which 141 must. A question is asked up to four times, 250 ms apart, and the
// call is over after a second, or as soon as enough have answered. We count ourselves.
//
// * Passed: more than half of the reference answered; or exactly half of it, where the
//   member that comes first by the hash of its name is among those. So of two equal halves
//   one is the majority, and both know which.
// * A reference of one passes at once. In one of two, whose other member has been declared
//   dead, the survivor passes if it has other evidence that it is not itself cut off; such
//   a pass is marked. (Two agents parted, one of them also cut off from one target, may so
//   be wrong; docs/AGREEMENT.md says it.)
// * An agent that waits for its mesh, because it is told to join one and has met nobody,
//   does not pass.
// * What counts is when a call began: a pass proves nothing of what was before it. Whoever
//   needs a pass says since when, and a call that began later serves all who do.
// * At most one call begins in a second. One that failed may be made again a second after
//   it began; one by lot is final for 30 s, because luck must not be tried often.
//
// Without I/O: need() and the answers in, questions and results out.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/base/random.h"
#include "agent/base/time.h"
#include "gossip/agreement/long_ago.h"

namespace picket::gossip {

// Why a call is taken to have passed, or not.
enum class RollCallGround : std::uint8_t {
    majority,  // More than half answered, or failed to.
    tie,       // Exactly half.
    alone,     // A reference of one.
    survivor,  // One of two.
    waiting,   // Waits for its mesh.
};

struct RollCallResult {
    Instant began{};
    Instant ended{};
    bool passed = false;
    RollCallGround ground = RollCallGround::majority;
    // Of the whole reference, or of the sample. We are among them.
    std::size_t asked = 0;
    std::size_t answered = 0;
    std::size_t needed = 0;
    std::vector<std::string> missing{};  // Who was asked and did not answer; sorted.
};

class RollCall {
public:
    static constexpr std::size_t full_max = 256;
    static constexpr std::size_t sample_needed = 141;
    static constexpr int tries = 4;
    static constexpr Duration try_gap = std::chrono::milliseconds(250);
    static constexpr Duration length = std::chrono::seconds(1);
    static constexpr Duration apart = std::chrono::seconds(1);
    static constexpr Duration sampled_final = std::chrono::seconds(30);

    // What else is known when a call begins or ends.
    struct Circumstances {
        bool waiting = false;    // For the mesh.
        bool peer_dead = false;  // In a reference of two: the other was declared dead.
        bool connected = false;  // There is other evidence that we are not cut off.
    };

    struct Question {
        std::string name;
        std::uint64_t call = 0;  // To be given back with the answer.
        Duration timeout{};
    };

    RollCall(std::string self, std::uint64_t seed);

    // Whether another counts; we always do. A call under way keeps those it began with.
    void set_counted(std::string_view name, bool counts);
    void set_circumstances(const Circumstances& now) { circumstances_ = now; }

    // A call is needed that begins at or after `since`, which is not after `now`.
    void need(Instant now, Instant since);
    void on_answer(Instant now, std::uint64_t call, std::string_view name);
    void on_tick(Instant now);

    std::optional<Question> poll_question();
    std::optional<RollCallResult> poll_result();
    // Now, while there is a result.
    Instant next_wakeup() const;

    // Whether a call that began at or after `since` has passed.
    bool passed_since(Instant since) const { return passed_began_ >= since; }
    // Whether one that began at or after `since` is under way or will be.
    bool pending_since(Instant since) const;
    const std::optional<RollCallResult>& last() const { return last_; }
    const std::optional<RollCallResult>& last_passed() const { return last_passed_; }
    const std::vector<std::string>& reference() const { return reference_; }

private:
    struct Call {
        std::uint64_t id = 0;
        Instant began{};
        Instant next_try{};
        int tries_made = 0;
        bool sampled = false;
        std::size_t reference = 0;
        std::unordered_map<std::string, bool> answered;  // Everybody asked but us.
        std::size_t answers = 0;
        bool tie_is_ours = false;  // The first by hash is we, or has answered.
        std::string first;         // The first by hash of the reference.
    };

    const std::string& tiebreaker();
    void begin(Instant now);
    void ask(Instant now);
    // Ends the call under way when what has come is enough, or its time is over.
    void conclude(Instant now, bool over);
    void finish(Instant now, bool passed, RollCallGround ground);
    bool enough(RollCallGround& ground) const;

    std::string self_;
    Random random_;
    Circumstances circumstances_;
    std::vector<std::string> reference_;     // Sorted.
    std::optional<std::string> tiebreaker_;  // The first of it by hash, once that was asked for.
    std::optional<Call> call_;
    std::uint64_t calls_ = 0;
    Instant due_ = never;  // When the next one begins, because somebody needs it.
    Instant not_before_ = long_ago;
    Instant passed_began_ = long_ago;
    std::optional<RollCallResult> last_;
    std::optional<RollCallResult> last_passed_;
    std::deque<Question> questions_;
    std::deque<RollCallResult> results_;
};

}  // namespace picket::gossip
