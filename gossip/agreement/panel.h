// Panel: which carriers of a check are its witnesses, and when each of them asks
// (agreement.md, 2.1 and 2.2).
//
// Rendezvous hashing: each carrier gets a score from the check and its own id, and the
// best come first. So every agent finds the same panel without a word, one that leaves
// moves one seat, and a check costs its target k questions an interval however large the
// mesh is. Seats are spread over zones first: no zone gets more than its share while
// another has a carrier left.
//
// Pure functions of who is eligible. Agents that do not hold the same carriers for a
// moment find panels that differ in a seat; that is why votes are accepted from a few
// ranks beyond the panel.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "agent/base/time.h"
#include "gossip/spread/ids.h"

namespace picket::gossip {

struct Carrier {
    AgentId agent{};
    ZoneId zone{};
};

// How many sit in a panel, and how many of them must agree.
struct PanelSize {
    std::size_t seats = 0;   // k; 0 where nobody is eligible.
    std::size_t quorum = 0;  // q; at most k, at least 1 where k is.

    // Votes are accepted from so many ranks.
    std::size_t accepted_ranks() const { return std::max(seats + 4, 2 * seats); }
    bool operator==(const PanelSize&) const = default;
};

// The least of what is asked for, of the carriers there are and of panel_max; without a
// quorum of its own the majority. `witnesses` absent is "all": the jury has the default
// number of seats.
PanelSize panel_size(std::optional<std::size_t> witnesses, std::optional<std::size_t> quorum,
                     std::size_t carriers);

// What puts carriers of a check in order; the highest come first.
std::uint64_t score(CheckKey check, AgentId agent);

struct Ranking {
    std::vector<AgentId> order;
    // One more carrier would come after all of them if its score is lower than this and its zone
    // has a seat. One less changes nothing unless it is among them. 0 where anybody would come in.
    std::uint64_t bar = 0;
};

// The carriers by rank, the first `seats` of them spread over the zones, at most `ranks`
// of them in all.
Ranking ranking(CheckKey check, const std::vector<Carrier>& carriers, std::size_t seats,
                std::size_t ranks);

// Where in each interval the witness of `rank` among `witnesses` asks: h(check) mod I +
// rank * I/k, moved by up to 5 % of I/k, which is its own for each agent. One that is the
// only witness, or takes itself for that, asks at a moment of its own: many that lost each
// other do not ask together.
Duration slot_offset(CheckKey check, Duration interval, AgentId agent, std::size_t rank,
                     std::size_t witnesses);

}  // namespace picket::gossip
