// The dns probe: asks one name server one question and judges the answer.
//
// The server is the one named, a host name being resolved first, or the system's
// first; its next is asked only where one refuses, is unreachable or is silent,
// and each gets an equal share of the time left. The probe expects, in this order:
//
//   - an answer: silence is a timeout, a closed port refused (failed);
//   - the rcode (class status);
//   - over UDP, an answer that is not truncated (protocol): write transport = "tcp";
//   - with `authoritative`, an answer that is (status);
//   - with NOERROR, at least `answers_min` records of the type asked for (content): a
//     name that exists without such a record is not what a user calls working;
//   - their TTL within ttl_below and ttl_above (content);
//   - each of `answers` among all records that came (content). Names compare without
//     regard to case and to a last dot, addresses by value, a TXT record with or
//     without its quotes;
//   - `answers_exact` and no others, addresses within `answers_within` (content);
//   - `answers_match` in every record of the type asked for, `answers_any_match` in
//     one, `answers_not_match` in none (content);
//   - with `serial_equal`, one serial on all servers (content);
//   - `latency`, for the whole run; of several servers, for the slowest.
//
// With `servers` each of them is asked, one after the other, and each must pass.

#pragma once

#include <memory>

#include "checks/definition.h"
#include "checks/probes/kinds.h"
#include "checks/probes/probe.h"
#include "checks/types/dns.h"

namespace picket::checks {

// Requires a definition with a DnsQuery.
std::unique_ptr<Probe> make_dns_probe(const Definition& definition, ProbeServices services);

}  // namespace picket::checks
