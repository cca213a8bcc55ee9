// What address an agent tells others to find it at.

#pragma once

#include <span>

#include "agent/base/address.h"
#include "agent/base/result.h"
#include "agent/config.h"

namespace picket {

// `advertise` where it is set, else `bind`. Where that stands for every address of
// the host, then the first private one of `interfaces` (RFC 1918, 6598 and 4193), else
// the first of any kind, as memberlist does it; IPv4 before IPv6 where both are bound.
// Fails where none fits, or where `advertise` is of a family that is not bound.
Result<SocketAddress> advertised_address(const GossipConfig& gossip,
                                         std::span<const IpAddress> interfaces);

// Requires text that the configuration has checked.
SocketAddress bind_address(const GossipConfig& gossip);

}  // namespace picket
