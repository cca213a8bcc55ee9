// What the API shows of the mesh's agreement, made of what the Council holds.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/api/snapshot.h"
#include "agent/council.h"

namespace picket {

// Roll call, quorum and zones; the counts of members are MeshNode's.
void add_quorum(api::MeshView& view, const Council& council, const Config& config);

// Of a check that the mesh judges, `own` where this agent carries it. `name` is its name in
// the mesh.
api::CheckView mesh_check_view(const Council& council, std::string_view name,
                               const CarriedCheck* own);

// The panel by rank, then whoever else votes.
std::vector<api::WitnessView> witness_views(const Council& council, std::string_view name,
                                            const CarriedCheck* own, const Config& config);

// Fitness, and how many checks of the mesh each agent carries.
void add_presence(std::vector<api::MemberView>& members, const Council& council,
                  const Config& config);

}  // namespace picket
