#include "checks/probes/kinds.h"

#include <algorithm>

#include "agent/base/assert.h"
#include "checks/probes/command.h"
#include "checks/probes/dns.h"
#include "checks/probes/http.h"
#include "checks/probes/icmp.h"
#include "checks/probes/tcp.h"

namespace picket::checks {
namespace {

struct Kind {
    Type type;
    std::unique_ptr<Probe> (*make)(const Definition& definition, ProbeServices services);
};

constexpr Kind kinds[] = {
    {Type::http, make_http_probe}, {Type::tcp, make_tcp_probe},         {Type::dns, make_dns_probe},
    {Type::icmp, make_icmp_probe}, {Type::command, make_command_probe},
};

}  // namespace

std::unique_ptr<Probe> make_probe(const Definition& definition, ProbeServices services) {
    const auto* kind = std::ranges::find(kinds, definition.type(), &Kind::type);
    PICKET_ASSERT(kind != std::ranges::end(kinds));
    return kind->make(definition, services);
}

}  // namespace picket::checks
