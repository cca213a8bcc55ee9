// Facts: what the agent believes of a check, as storage keeps it.

#pragma once

#include <optional>

#include "agent/check_table.h"
#include "storage/records.h"

namespace picket {

// Requires that the check runs.
storage::Transition verdict_fact(const CarriedCheck& check, const gossip::Verdict& verdict,
                                 WallTime at);

// `verdict` is that of the outage.
storage::Outage outage_fact(const CarriedCheck& check, const gossip::Verdict& verdict,
                            std::optional<WallTime> closed);

}  // namespace picket
