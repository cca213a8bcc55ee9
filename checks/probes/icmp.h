// The icmp probe: sends echo requests to one address and counts the replies.
//
// Names are resolved first; the first address is asked. The run ends once every
// request is answered or known to be lost, else at the deadline. It fails
//
//   - when no request is answered (class timeout; unreachable where the network
//     said so for the last of them),
//   - when more than `loss_above` percent are lost (timeout),
//   - when the mean round trip is longer than `latency` (latency).
//
// The outcome's latency is the mean round trip where there is any: the time that
// a run takes says more about packet_interval than about the target. Metrics:
// loss (%), rtt_min, rtt_avg, rtt_max and jitter (s), which is the mean difference
// between one round trip and the next.

#pragma once

#include <memory>

#include "checks/definition.h"
#include "checks/probes/kinds.h"
#include "checks/probes/probe.h"
#include "checks/types/icmp.h"

namespace picket::checks {

// Requires a definition with an IcmpQuery.
std::unique_ptr<Probe> make_icmp_probe(const Definition& definition, ProbeServices services);

}  // namespace picket::checks
