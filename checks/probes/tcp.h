// The tcp probe: connects, and where it is asked to, holds a dialogue
// (conversation.h). Without `expect` and steps the connection is the answer.

#pragma once

#include <memory>

#include "checks/probes/kinds.h"
#include "checks/probes/probe.h"
#include "checks/types/tcp.h"

namespace picket::checks {

// Requires a definition with a TcpQuery, as the parser makes it; it must outlive
// the probe.
std::unique_ptr<Probe> make_tcp_probe(const Definition& definition, ProbeServices services);

}  // namespace picket::checks
