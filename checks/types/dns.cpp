#include "checks/types/dns.h"

#include <array>

#include "agent/base/ip_prefix.h"
#include "checks/types/forms.h"
#include "checks/types/keys.h"

namespace picket::checks {
namespace {

using namespace words;

constexpr std::array<std::string_view, 2> transports{"udp", "tcp"};
constexpr std::array<std::string_view, 20> record_types{
    "A",  "AAAA",  "ANY", "CAA", "CNAME", "DNSKEY", "DS",   "HINFO", "HTTPS", "LOC",
    "MX", "NAPTR", "NS",  "PTR", "SOA",   "SRV",    "SVCB", "SSHFP", "TLSA",  "TXT"};
constexpr std::array<std::string_view, 11> rcodes{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                                  "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                                  "NXRRSET", "NOTAUTH", "NOTZONE"};

Status check_prefix(std::string_view text) {
    PICKET_TRY(parse_ip_prefix(text));
    return {};
}

// clang-format off
constexpr std::array keys{
    Key{"name", required, question, in<&DnsQuery::name>, "a domain name",
        "The name to ask for.", {.check = check_domain}},
    Key{"type", optional, question, in<&DnsQuery::record_type>, "a record type such as \"A\"",
        "The record type to ask for.", {.choices = Words(record_types)}},
    Key{"server", optional, question, in<&DnsQuery::server>, "HOST or HOST:PORT",
        "The name server to ask, in place of the system's.", {.check = check_server}},
    Key{"servers", optional, question, in<&DnsQuery::servers>, "an array of HOST or HOST:PORT",
        "Several name servers, each of which is asked and must pass.", {.check = check_server}},
    Key{"transport", optional, question, in<&DnsQuery::transport>, "\"udp\" or \"tcp\"",
        "How to ask.", {.choices = Words(transports)}},
    Key{"rcode", optional, question, words_among<&DnsQuery::rcode, rcodes>, "response codes such as \"NOERROR\"",
        "The response codes that pass."},
    Key{"answers", optional, question, in<&DnsQuery::answers>, "an array of strings",
        "Each must be among the answers, as dig prints them.", {.check = check_line}},
    Key{"answers_exact", optional, question, in<&DnsQuery::answers_exact>, "an array of strings",
        "The answers of the type asked for, all of them and no others.", {.check = check_line}},
    Key{"answers_within", optional, question, in<&DnsQuery::answers_within>, "an array of ranges such as [\"192.0.2.0/24\"]",
        "Every address among the answers must be in one of these.", {.check = check_prefix}},
    Key{"answers_min", optional, question, in<&DnsQuery::answers_min>, a_count,
        "How many answers of the type asked for there must be.", {.max = 1000}},
    Key{"answers_match", optional, question, in<&DnsQuery::answers_match>, a_pattern,
        "Must be found in every answer; no answer at all fails.", {.check = check_expression}},
    Key{"answers_any_match", optional, question, in<&DnsQuery::answers_any_match>, a_pattern,
        "Must be found in one of the answers.", {.check = check_expression}},
    Key{"answers_not_match", optional, question, in<&DnsQuery::answers_not_match>, a_pattern,
        "Must be found in none of the answers.", {.check = check_expression}},
    Key{"ttl_below", optional, question, in<&DnsQuery::ttl_below>, a_duration,
        "Fails when an answer may be kept for less.", {.max = 366ULL * 86'400'000}},
    Key{"ttl_above", optional, question, in<&DnsQuery::ttl_above>, a_duration,
        "Fails when an answer may be kept for longer.", {.max = 366ULL * 86'400'000}},
    Key{"authoritative", optional, question, in<&DnsQuery::authoritative>, a_boolean,
        "Whether the answer must come from a server that is responsible for the name."},
    Key{"serial_equal", optional, question, in<&DnsQuery::serial_equal>, a_boolean,
        "Whether all servers must have the same serial number in their SOA record."},
    Key{"recursion", optional, question, in<&DnsQuery::recursion>, a_boolean,
        "Whether the server is asked to recurse."},
};
// clang-format on

void check_servers(const Definition& definition, const Complain& complain) {
    const auto& query = definition.query.as<DnsQuery>();
    if (!query.server.value.empty() && !query.servers.empty()) {
        complain("servers", "server and servers exclude each other");
    }
    if (!query.serial_equal) return;
    if (query.record_type != "SOA") {
        complain("serial_equal", "only an SOA record has a serial: set type = \"SOA\"");
    } else if (query.servers.size() < 2) {
        complain("serial_equal", "needs servers to compare, at least two of them");
    }
}

}  // namespace

const TypeEntry& dns_type() {
    static const TypeEntry entry{.type = Type::dns,
                                 .keys = keys,
                                 .query = [] { return Query(DnsQuery{}); },
                                 .check = check_servers};
    return entry;
}

}  // namespace picket::checks
