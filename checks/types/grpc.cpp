#include "checks/types/grpc.h"

#include <array>

#include "checks/types/connection_keys.h"
#include "checks/types/keys.h"

namespace picket::checks {
namespace {

using namespace words;

constexpr std::array<std::string_view, 4> statuses{"UNKNOWN", "SERVING", "NOT_SERVING",
                                                   "SERVICE_UNKNOWN"};

// clang-format off
constexpr std::array own{
    Key{"address", required, question, in<&GrpcQuery::address>, "HOST:PORT or [IPV6]:PORT",
        "Where to connect.", {.check = check_address}},
    Key{"service", optional, question, in<&GrpcQuery::service>, a_string,
        "The service to ask about; none: the server as a whole.", {.check = check_line}},
    Key{"status", optional, question, in<&GrpcQuery::status>, "\"SERVING\", \"NOT_SERVING\", \"SERVICE_UNKNOWN\" or \"UNKNOWN\"",
        "The serving status that passes.", {.choices = Words(statuses)}},
    Key{"metadata", optional, question, in<&GrpcQuery::metadata>, "a table of strings such as { tenant = \"a\" }",
        "Metadata of the call; an array of strings sends one name several times.", {.check = check_line, .check_member = check_header, .several = true}},
    Key{"tls", optional, question, in<&GrpcQuery::tls>, a_boolean,
        "Whether TLS is spoken."},
    Key{"certificate_days", optional, question, in<&GrpcQuery::certificate_days>, a_count,
        "Fails when the server's own certificate expires in fewer days than this; 0: not looked at.", {.max = 3650}},
};
// clang-format on

constexpr auto keys = joined(own, addresses_keys<GrpcQuery>, tls_keys<&GrpcQuery::tls_options>);

void check_query(const Definition& definition, const Complain& complain) {
    const auto& query = definition.query.as<GrpcQuery>();
    check_tls(query.tls_options, complain);
}

}  // namespace

const TypeEntry& grpc_type() {
    static const TypeEntry entry{.type = Type::grpc,
                                 .keys = keys,
                                 .query = [] { return Query(GrpcQuery{}); },
                                 .check = check_query};
    return entry;
}

}  // namespace picket::checks
