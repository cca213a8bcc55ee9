// What a tls check asks and expects; the keys are in docs/CHECKS.md.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/tls_options.h"
#include "checks/query.h"
#include "checks/types/addresses.h"

namespace picket::checks {

struct TypeEntry;

enum class StartTls : std::uint8_t { none, smtp, imap, pop3, ftp, ldap, xmpp, postgres };

struct TlsQuery {
    static constexpr Type type = Type::tls;

    Text address;  // HOST:PORT, [V6]:PORT
    StartTls starttls = StartTls::none;
    Addresses addresses = Addresses::any;
    TlsOptions tls;
    std::uint32_t certificate_days = 0;     // Least days left of the server's own; 0: any.
    std::uint32_t chain_days = 0;           // Of every one in the chain.
    std::vector<std::string> fingerprints;  // SHA-256 in lower-case hex; one must be the server's.
    std::string subject_matches;            // RE2; empty: any.
    std::string issuer_matches;             // RE2
    std::vector<std::string> names;         // Each must be among the certificate's.
    std::vector<std::string> alpn;          // Offered; one must be chosen.
    TlsVersion refused_version = TlsVersion::any;  // This and all older must be refused.

    bool operator==(const TlsQuery&) const = default;
};

const TypeEntry& tls_type();

}  // namespace picket::checks
