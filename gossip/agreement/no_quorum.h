// NoQuorum: what people are told while the majority of the mesh is out of reach
// (agreement.md, 3.5).
//
// Names that differ by their number alone are shown as a range, "c1..c6"; a zone of
// which nobody answers can be forgotten as a whole, everybody else by name. Pure.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "agent/base/time.h"

namespace picket::gossip {

struct NoQuorum {
    struct Missing {
        std::string name;
        std::string zone{};
    };

    std::size_t answered = 0;  // Counts include the agent that asked.
    std::size_t known = 0;
    std::size_t needed = 0;
    WallTime since{};
    std::vector<Missing> missing{};
    std::vector<std::string> zones_answering{};  // Of everybody who does answer.
};

// Names and ranges beyond this many are only counted.
constexpr std::size_t missing_shown_max = 12;

// "NO QUORUM: 6 of 12 known agents answer, 7 needed; no outage opens or closes since
// 03:12. Missing: c1..c6 (zone c). If they are gone for good: picket forget --zone c"
std::string no_quorum_text(const NoQuorum& lost);

}  // namespace picket::gossip
