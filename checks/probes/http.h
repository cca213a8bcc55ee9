// The http probe: fetches a URL and judges what comes back.
//
// The addresses of the URL's host are tried in order until one accepts the
// connection. Redirects are followed here, hop by hop, each looked up and pinned
// like the first: as browsers do it, 303 (and 301 and 302 after a POST) turn the
// request into a GET without a body. What is meant for one host alone (the fields
// Authorization, Proxy-Authorization, Cookie and Host, and `tls_server_name`) goes
// to no other; a host that moves from http to https on the usual ports is itself.
//
// Judged are, in this order, status, headers, body, the days left of the last
// hop's certificate, and the latency of the whole run.
//
//     refused, reset before a byte   failed, class refused
//     no answer in time              failed, class timeout; says how far it got
//     no route                       failed, class unreachable
//     name not resolved              failed, class dns
//     handshake, certificate         failed, class tls, certificate
//     not HTTP, cut short            failed, class protocol
//     too many redirects             failed, class protocol
//     no descriptor, bad ca_file     errored

#pragma once

#include <memory>
#include <string>

#include "agent/io/http_client.h"
#include "checks/definition.h"
#include "checks/probes/kinds.h"
#include "checks/probes/probe.h"

namespace picket::checks {

// Requires a definition with an HttpQuery, as the parser makes it; it must outlive
// the probe.
std::unique_ptr<Probe> make_http_probe(const Definition& definition, ProbeServices services);

// The request that follows `request`, answered with `status` and a Location. Its
// address is not yet known. Returns invalid where there is no way to go.
Result<io::HttpRequest> redirected(io::HttpRequest request, std::uint16_t status,
                                   const std::string& location);

}  // namespace picket::checks
