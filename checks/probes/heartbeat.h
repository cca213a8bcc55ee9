// The heartbeat probe: looks at what a job has said, in this agent's book.
//
// failed    the job failed (plugin), its success is overdue or its run does not end
//           (timeout).
// errored   no signal yet, and none is due; a definition that is asked from a file,
//           without an agent.

#pragma once

#include <memory>

#include "checks/definition.h"
#include "checks/probes/kinds.h"
#include "checks/probes/probe.h"

namespace picket::checks {

std::unique_ptr<Probe> make_heartbeat_probe(const Definition& definition, ProbeServices services);

}  // namespace picket::checks
