// Verdict: what is believed about one check.
//
// The epoch's parity is the state: even, no outage; odd, an outage is confirmed.
// It only ever grows, so the outage `homepage#7` is the same one everywhere and
// for ever.
//
// PanelOfOne judges where this agent is the only witness (agreement.md, 2.1): its
// own FAIL opens, its own OK clears, and the verdict is marked uncorroborated.
//
// * Opening is never delayed. Clearing waits until the outage has lasted
//   `dwell`; or `dwell_flapping`, if the one before opened less than that earlier, or
//   after `flapping_outages` of them in an hour. So a target that flaps is a few long
//   outages rather than many.
// * ABSTAIN changes nothing. When nothing else has come for `silence_max` the
//   check is shown as unknown, beside the verdict that it last had; unknown is
//   never a version of its own.
//
// Pure. What changed is returned; the caller persists it before acting on it.

#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/time.h"
#include "gossip/agreement/vote.h"

namespace picket::gossip {

// degraded and partial need more than one zone; they come with the mesh.
enum class State : std::uint8_t { pending, up, degraded, down, unknown };

std::string_view to_text(State state);
std::optional<State> state_from(std::string_view text);

struct Verdict {
    std::uint32_t epoch = 0;
    bool judged = false;  // False: no vote has ever counted; epoch is 0.
    WallTime since{};     // When this epoch began. Of no meaning while not judged.
    // Of the outage, while the epoch is odd.
    WallTime first_failure_at{};

    bool outage() const { return epoch % 2 == 1; }
};

// From one verdict to the next.
struct Transition {
    Verdict before;
    Verdict after;
};

class PanelOfOne {
public:
    struct Options {
        Duration silence_max;  // 2 x the interval.
        Duration dwell = std::chrono::seconds(10);
        Duration dwell_flapping = std::chrono::seconds(60);
        std::uint32_t flapping_outages = 4;
    };

    // `stored` is what was persisted, or a Verdict never judged.
    PanelOfOne(Options options, Verdict stored, Instant now);

    // A vote, and when the first attempt behind it began.
    std::optional<Transition> on_vote(Instant now, WallTime wall, Vote vote,
                                      WallTime first_attempt);

    // Clears what waited for dwell. Before next_wakeup() it does nothing.
    std::optional<Transition> on_tick(Instant now);
    Instant next_wakeup() const;

    const Verdict& verdict() const { return verdict_; }
    State state(Instant now) const;
    Vote last_vote() const { return last_vote_; }

private:
    Transition advance(WallTime since);
    std::optional<Transition> clear_if_due(Instant now);
    Duration dwell() const;

    Options options_;
    Verdict verdict_;
    Vote last_vote_ = Vote::abstain;
    bool abstained_ = false;  // An ABSTAIN came since the last counted vote.
    Instant counted_at_;      // Of the last vote that was not ABSTAIN.
    Instant opened_at_;
    std::optional<WallTime> clears_at_;  // First passed attempt of a clearing that waits for dwell.
    std::deque<Instant> openings_;       // In the last hour, at most flapping_outages.
};

}  // namespace picket::gossip
