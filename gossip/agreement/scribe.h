// Scribe: when it is this agent's turn to write the version that the votes carry
// (agreement.md, 3.4).
//
// Every member of a panel judges. The first by rank writes at once, and each later one
// `delay` after the one before it, unless what it holds has changed by then. So a scribe
// that is dead, cut off or late costs 200 ms; and where two write, they have written the
// same but for their names.
//
// The wait begins when the votes carry a change and a roll call proves it. It begins anew
// when either ends, and when the votes come to carry another change.

#pragma once

#include <cstddef>
#include <optional>

#include "agent/base/time.h"
#include "gossip/agreement/judgement.h"

namespace picket::gossip {

class Scribe {
public:
    static constexpr Duration delay = std::chrono::milliseconds(200);
    // Later ranks write with this one: the proof lasts two seconds.
    static constexpr std::size_t last_turn = 8;

    // The votes carry this, whether or not it may be written yet.
    void on_change(const Change& change);
    // A roll call proves it, or none does. Returns when it may be written by the member of
    // this rank. Requires on_change().
    std::optional<Instant> on_proof(Instant now, bool proven, std::size_t rank);
    // The votes carry nothing, or another version is held.
    void rest();

    bool busy() const { return change_.has_value(); }

private:
    std::optional<Change> change_;
    std::optional<Instant> ready_at_;  // Since when it could have been written.
};

}  // namespace picket::gossip
