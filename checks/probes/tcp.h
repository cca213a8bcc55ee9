// The tcp probe: connects, and where it is asked to, sends and expects.
//
// The addresses of the host are tried in order until one accepts. Without
// `expect` the connection is the answer. With it, the check passes once the
// expression is found in what has come back so far, of which at most
// `tcp_answer_bytes_max` bytes are read.
//
//     refused, reset before a byte   failed, class refused
//     no connection in time          failed, class timeout
//     not a byte in time             failed, class timeout
//     bytes, but no match            failed, class content: at the deadline, when
//                                    the peer closes, or at the byte limit
//     no descriptor, no such source  errored

#pragma once

#include <cstddef>
#include <memory>

#include "checks/definition.h"
#include "checks/probes/kinds.h"
#include "checks/probes/probe.h"

namespace picket::checks {

constexpr std::size_t tcp_answer_bytes_max = 65'536;

// Requires a definition with a TcpQuery, as the parser makes it; it must outlive
// the probe.
std::unique_ptr<Probe> make_tcp_probe(const Definition& definition, ProbeServices services);

}  // namespace picket::checks
