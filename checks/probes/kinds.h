// The table of probe types: the whole list, in one place.

#pragma once

#include <memory>

#include "checks/definition.h"
#include "checks/probes/probe.h"

namespace picket::io {
class Loop;
class Resolvers;
class HttpClient;
class IcmpSockets;
}  // namespace picket::io

namespace picket::checks {

class HeartbeatBook;

// What probes share: one of each in an agent. All outlive the probes.
struct ProbeServices {
    io::Loop& loop;
    io::Resolvers& resolvers;
    io::HttpClient& http;
    io::IcmpSockets& icmp;
    HeartbeatBook* heartbeats = nullptr;  // Absent where no agent keeps one.
};

// Makes the probe for a definition, which must outlive it. What cannot fail
// while asking was checked by the parser already.
std::unique_ptr<Probe> make_probe(const Definition& definition, ProbeServices services);

}  // namespace picket::checks
