#include "checks/types/table.h"

#include <array>

#include "checks/types/command.h"
#include "checks/types/database.h"
#include "checks/types/disk.h"
#include "checks/types/dns.h"
#include "checks/types/file.h"
#include "checks/types/grpc.h"
#include "checks/types/heartbeat.h"
#include "checks/types/http.h"
#include "checks/types/icmp.h"
#include "checks/types/journey.h"
#include "checks/types/load.h"
#include "checks/types/memory.h"
#include "checks/types/ntp.h"
#include "checks/types/process.h"
#include "checks/types/tcp.h"
#include "checks/types/tls.h"
#include "checks/types/unit.h"

namespace picket::checks {

std::span<const TypeEntry* const> type_entries() {
    static const std::array entries{
        &http_type(),    &tcp_type(),       &tls_type(),  &dns_type(),    &icmp_type(),
        &grpc_type(),    &journey_type(),   &ntp_type(),  &mysql_type(),  &postgres_type(),
        &command_type(), &heartbeat_type(), &disk_type(), &memory_type(), &load_type(),
        &process_type(), &unit_type(),      &file_type(),
    };
    return entries;
}

}  // namespace picket::checks
