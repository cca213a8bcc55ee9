// What a tcp check asks and expects; the keys are in docs/CHECKS.md.

#pragma once

#include <string>
#include <vector>

#include "agent/base/tls_options.h"
#include "checks/query.h"
#include "checks/types/addresses.h"

namespace picket::checks {

struct TypeEntry;

// One step of a dialogue: it sends, then expects, then asks for TLS.
struct TcpStep {
    std::string send;    // May hold {{name}} of what an earlier step captured.
    std::string expect;  // RE2; empty: nothing is waited for.
    bool starttls = false;

    bool operator==(const TcpStep&) const = default;
};

struct TcpQuery {
    static constexpr Type type = Type::tcp;

    Text address;               // HOST:PORT, [V6]:PORT
    Text send;                  // Sent once connected; empty: nothing.
    std::string expect;         // RE2 over what comes back; empty: the connection is enough.
    std::vector<TcpStep> step;  // In place of `send` and `expect`.
    bool tls = false;           // TLS from the beginning; key `tls`.
    TlsOptions tls_options;
    Addresses addresses = Addresses::any;

    bool operator==(const TcpQuery&) const = default;
};

const TypeEntry& tcp_type();

}  // namespace picket::checks
