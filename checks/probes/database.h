// The mysql and postgres probes: log in, and ask what is to be asked.
//
// failed    not reached (refused, unreachable, timeout, dns), no encryption where it
//           is required (tls), not let in or a statement refused (status), an answer
//           other than expected (content), a late one (latency).
// errored   the part for this kind of database is not installed, and what else
//           stands in the way of asking on this side.

#pragma once

#include <memory>

#include "checks/definition.h"
#include "checks/probes/kinds.h"
#include "checks/probes/probe.h"

namespace picket::checks {

std::unique_ptr<Probe> make_database_probe(const Definition& definition, ProbeServices services);

}  // namespace picket::checks
