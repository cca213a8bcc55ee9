// The journey probe: several requests in a row, one outcome.
//
// Steps share one cookie jar, empty at the start, and what earlier answers gave
// (`extract`). The first step that fails decides the outcome, which names it; of
// the later ones only those with `always` are still taken, to clean up, for which
// the last fifth of the time-out is kept. The outcome carries each step's latency
// as a figure.

#pragma once

#include <memory>

#include "checks/probes/kinds.h"
#include "checks/probes/probe.h"
#include "checks/types/journey.h"

namespace picket::checks {

// Requires a definition with a JourneyQuery, as the parser makes it; it must
// outlive the probe.
std::unique_ptr<Probe> make_journey_probe(const Definition& definition, ProbeServices services);

}  // namespace picket::checks
