// The command probe: runs a Nagios plugin and believes it.
//
// The plugin gets PATH, LC_ALL=C and the definition's `env`, no shell, and a
// session of its own. Its state becomes a finding:
//
//     OK                 passed
//     WARNING            passed, or failed where `fail_on = "warning"`
//     CRITICAL           failed, class plugin
//     UNKNOWN, others    errored: the plugin could not ask
//     died by a signal   errored
//     cannot be run      errored
//     no exit in time    failed, class timeout, as Nagios takes it; it is killed
//
// The message is the first line of its output, the detail all of it, the metrics
// its performance data; secrets of the definition are masked in each. Where stdout
// is empty stderr speaks for it.
//
// A plugin that survives its own SIGKILL (the kernel holds it, on a hung mount say)
// is not started a second time: until it is gone each run fails as the first did.

#pragma once

#include <memory>

#include "checks/definition.h"
#include "checks/probes/kinds.h"
#include "checks/probes/probe.h"
#include "checks/types/command.h"

namespace picket::checks {

// Requires that the definition's type is command; the definition outlives the probe.
std::unique_ptr<Probe> make_command_probe(const Definition& definition, ProbeServices services);

// The same: the loop is all it needs.
std::unique_ptr<Probe> make_command_probe(const Definition& definition, io::Loop& loop);

}  // namespace picket::checks
