// Scenario: one simulated mesh, one family of faults, and what must be true of it.
//
// A seed draws the size of the mesh, the family and its details. The mesh starts,
// the fault begins at 40 s and is over by 110 s; what is promised holds at the end,
// or within a bound computed from the timings.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/sim/sim_mesh.h"

namespace picket::testing {

enum class Family {
    calm,
    loss,
    duplicates,
    tails,
    one_way_cut,
    partition,
    pause,
    crash,
    restart,
    amnesia,  // Restarted without its incarnation.
    move,     // Restarted at another address.
    leave,
    deaf_joiner,  // Starts while nothing reaches it.
    long_partition,
    clock_jump,
};
constexpr std::size_t family_count = 15;

std::string_view to_text(Family family);

// By when an agent that crashed is known failed to all of a mesh of so many, while
// the network is no worse than 10 % loss.
Duration failure_bound(const gossip::Timings& timings, std::size_t agents);

struct Report {
    Family family = Family::calm;
    std::size_t agents = 0;
    std::string complaints{};  // One line for each promise that was broken.
    std::string trace{};
    std::size_t false_alarms = 0;
};

constexpr std::array<std::size_t, 8> scenario_sizes{2, 3, 5, 7, 10, 12, 20, 32};

// `agents` 0 draws the size, too.
Report run_scenario(std::uint64_t seed, std::size_t agents = 0);

// What holds of a mesh that is left alone: who runs is known to all that run, and
// nobody holds a live one failed, or one that is gone present. A line for each who does.
std::string disagreements(const SimMesh& mesh);

}  // namespace picket::testing
