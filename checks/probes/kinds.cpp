#include "checks/probes/kinds.h"

#include <algorithm>

#include "agent/base/assert.h"
#include "checks/probes/command.h"
#include "checks/probes/database.h"
#include "checks/probes/dns.h"
#include "checks/probes/grpc.h"
#include "checks/probes/heartbeat.h"
#include "checks/probes/host.h"
#include "checks/probes/http.h"
#include "checks/probes/icmp.h"
#include "checks/probes/journey.h"
#include "checks/probes/ntp.h"
#include "checks/probes/tcp.h"
#include "checks/probes/tls.h"

namespace picket::checks {
namespace {

struct Kind {
    Type type;
    std::unique_ptr<Probe> (*make)(const Definition& definition, ProbeServices services);
};

constexpr Kind kinds[] = {
    {Type::http, make_http_probe},       {Type::tcp, make_tcp_probe},
    {Type::tls, make_tls_probe},         {Type::dns, make_dns_probe},
    {Type::icmp, make_icmp_probe},       {Type::grpc, make_grpc_probe},
    {Type::journey, make_journey_probe}, {Type::ntp, make_ntp_probe},
    {Type::mysql, make_database_probe},  {Type::postgres, make_database_probe},
    {Type::command, make_command_probe}, {Type::heartbeat, make_heartbeat_probe},
    {Type::disk, make_disk_probe},       {Type::memory, make_memory_probe},
    {Type::load, make_load_probe},       {Type::process, make_process_probe},
    {Type::unit, make_unit_probe},       {Type::file, make_file_probe},
};

}  // namespace

std::unique_ptr<Probe> make_probe(const Definition& definition, ProbeServices services) {
    const auto* kind = std::ranges::find(kinds, definition.type(), &Kind::type);
    PICKET_ASSERT(kind != std::ranges::end(kinds));
    return kind->make(definition, services);
}

}  // namespace picket::checks
