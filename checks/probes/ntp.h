// The ntp probe: asks a time server once, and once more where nothing comes.
//
// failed    no reply (timeout, refused, unreachable), a kiss of death (status), a
//           server that is not synchronised (status), more offset, stratum or
//           dispersion than allowed (content), a late answer (latency).
// errored   what stands in the way of asking on this side.

#pragma once

#include <memory>

#include "agent/io/ntp_packet.h"
#include "checks/definition.h"
#include "checks/outcome.h"
#include "checks/probes/kinds.h"
#include "checks/probes/probe.h"

namespace picket::checks {

// A reply and when, by this host's clock, it was asked for and came.
struct NtpExchange {
    io::NtpReply reply;
    WallTime asked;
    WallTime answered;
};

// What a reply of `server` is worth. Pure.
Outcome judge_ntp(const Definition& definition, std::string_view server,
                  const NtpExchange& exchange);

std::unique_ptr<Probe> make_ntp_probe(const Definition& definition, ProbeServices services);

}  // namespace picket::checks
