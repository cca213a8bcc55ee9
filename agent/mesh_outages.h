// MeshOutages: outages that the mesh agreed on, as storage keeps them.
//
// Of the latest outage of a check the verdict that is held tells most. How far it went and what
// failed is not in the verdict that ends it; that and older outages are told by evidence. So
// every agent comes to store the same, also of outages that it slept through. What nobody
// tells is left empty: what is stored of it stays.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/api/snapshot.h"
#include "gossip/spread/spread.h"
#include "storage/records.h"

namespace picket {

// The outage that an epoch is, or that it ended; 0 where there was none before it.
constexpr std::uint32_t outage_of_epoch(std::uint32_t epoch) {
    return epoch == 0 || epoch % 2 == 1 ? epoch : epoch - 1;
}

// When the outage `epoch` of the check was over, that `held`, a later verdict, came after. Where
// its own end is not known, it was when the next one began.
WallTime end_of_outage(const gossip::Spread& spread, const gossip::VerdictRecord& held,
                       std::uint32_t epoch);

// The outage `epoch`, an odd one, of the check named `name`. Absent where none is known of that
// number. `before`: what was held until now, if anything.
std::optional<storage::Outage> mesh_outage(const gossip::Spread& spread, const std::string& name,
                                           std::uint32_t epoch,
                                           const gossip::VerdictRecord* before = nullptr);

// The latest one as people read it, with what stands behind it.
std::optional<api::OutageView> latest_outage_view(const gossip::Spread& spread,
                                                  const std::string& name);

}  // namespace picket
