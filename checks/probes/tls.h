// The tls probe: a handshake, and what it shows (conversation.h).
//
// With `starttls` a short dialogue asks for TLS first. Judged are, in this order,
// the days left of the server's own certificate and of its chain, fingerprint,
// subject, issuer, names, ALPN, and the latency. With `refused_version` a second
// connection then offers that version and older ones alone, which must fail.

#pragma once

#include <memory>

#include "checks/dialogue.h"
#include "checks/probes/kinds.h"
#include "checks/probes/probe.h"
#include "checks/types/tls.h"

namespace picket::checks {

// Requires a definition with a TlsQuery, as the parser makes it; it must outlive
// the probe.
std::unique_ptr<Probe> make_tls_probe(const Definition& definition, ProbeServices services);

// The dialogue that asks `host` for TLS.
std::vector<ScriptStep> starttls_script(StartTls protocol, std::string_view host);

}  // namespace picket::checks
