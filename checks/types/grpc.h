// What a grpc check asks and expects; the keys are in docs/CHECKS.md.

#pragma once

#include <string>

#include "agent/base/tls_options.h"
#include "checks/grpc_health.h"
#include "checks/query.h"
#include "checks/types/addresses.h"
#include "checks/types/http.h"

namespace picket::checks {

struct GrpcQuery {
    static constexpr Type type = Type::grpc;

    Text address;         // HOST:PORT, [V6]:PORT
    std::string service;  // Empty: the server as a whole.
    ServingStatus status = ServingStatus::serving;
    TextFields metadata;  // Sorted by name.
    bool tls = false;     // Else HTTP/2 in the clear, without asking first.
    TlsOptions tls_options;
    std::uint32_t certificate_days = 0;
    Addresses addresses = Addresses::any;

    bool operator==(const GrpcQuery&) const = default;
};

const TypeEntry& grpc_type();

}  // namespace picket::checks
