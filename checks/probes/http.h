// The http probe: fetches a URL (http_fetch.h) and judges what comes back
// (http_judge.h).

#pragma once

#include <memory>

#include "checks/probes/kinds.h"
#include "checks/probes/probe.h"
#include "checks/types/http.h"

namespace picket::checks {

// Requires a definition with an HttpQuery, as the parser makes it; it must outlive
// the probe.
std::unique_ptr<Probe> make_http_probe(const Definition& definition, ProbeServices services);

}  // namespace picket::checks
