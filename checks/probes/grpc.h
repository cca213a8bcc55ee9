// The grpc probe: asks a server by the gRPC health protocol.
//
// One call over HTTP/2 (http_fetch.h). Judged are the call's status, which must be
// OK, the serving status, the days left of the certificate, and the latency.
//
//     grpc-status other than 0       failed, class status
//     another serving status         failed, class content
//     not HTTP/2, not gRPC           failed, class protocol
//     the rest as of an http check

#pragma once

#include <memory>

#include "checks/probes/kinds.h"
#include "checks/probes/probe.h"
#include "checks/types/grpc.h"

namespace picket::checks {

// Requires a definition with a GrpcQuery, as the parser makes it; it must outlive
// the probe.
std::unique_ptr<Probe> make_grpc_probe(const Definition& definition, ProbeServices services);

}  // namespace picket::checks
