#include "checks/definition_keys.h"

#include <algorithm>
#include <array>

#include "checks/expectation.h"
#include "checks/value_forms.h"

namespace picket::checks {
namespace {

template <typename T>
Slot slot_of(Definition& definition, T Definition::*member) {
    return &(definition.*member);
}

template <typename Q, typename T>
Slot slot_of(Definition& definition, T Q::*member) {
    return &(std::get<Q>(definition.query).*member);
}

template <auto member>
Slot in(Definition& definition) {
    return slot_of(definition, member);
}

Status pattern(std::string_view text) {
    if (text.size() > pattern_bytes_max) {
        return failure(Code::invalid, "a regular expression is at most 4096 bytes");
    }
    return check_pattern(text);
}

using Words = std::span<const std::string_view>;
constexpr std::array<std::string_view, 2> scopes{"mesh", "host"};
constexpr std::array<std::string_view, 3> severities{"page", "ticket", "info"};
constexpr std::array<std::string_view, 3> partitions{"freeze", "local", "page"};
constexpr std::array<std::string_view, 3> families{"any", "4", "6"};
constexpr std::array<std::string_view, 2> transports{"udp", "tcp"};
constexpr std::array<std::string_view, 2> plugin_states{"warning", "critical"};
constexpr std::array<std::string_view, 1> all{"all"};
constexpr std::array<std::string_view, 1> majority{"majority"};
constexpr std::array<std::string_view, 20> record_types{
    "A",  "AAAA",  "ANY", "CAA", "CNAME", "DNSKEY", "DS",   "HINFO", "HTTPS", "LOC",
    "MX", "NAPTR", "NS",  "PTR", "SOA",   "SRV",    "SVCB", "SSHFP", "TLSA",  "TXT"};
constexpr std::array<std::string_view, 11> rcodes{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                                  "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                                  "NXRRSET", "NOTAUTH", "NOTZONE"};

constexpr Need optional = Need::optional;
constexpr Need required = Need::required;
constexpr Part question = Part::question;
constexpr Part policy = Part::policy;

constexpr std::string_view a_boolean = "true or false";
constexpr std::string_view a_count = "a whole number";
constexpr std::string_view a_duration = "a duration such as \"10s\"";
constexpr std::string_view a_pattern = "a regular expression in quotes";
constexpr std::string_view a_string = "a string";
constexpr std::string_view patterns =
    "a table of regular expressions such as { Server = \"^nginx\" }";

using D = Definition;

// clang-format off
constexpr std::array common{
    Key{"interval", optional, policy, in<&D::interval>, a_duration,
        "How often to ask.", {.min = 100, .max = 31ULL * 86'400'000}},
    Key{"timeout", optional, question, in<&D::timeout>, a_duration,
        "How long an answer may take; less than the interval.", {.min = 1, .max = 86'400'000}},
    Key{"latency", optional, question, in<&D::latency>, a_duration,
        "A right answer that takes longer than this fails; at most the timeout.", {.min = 1, .max = 86'400'000}},
    Key{"fail_after", optional, policy, in<&D::fail_after>, a_count,
        "How many failures in a row make this agent vote that the target is down.", {.min = 1, .max = 100}},
    Key{"recover_after", optional, policy, in<&D::recover_after>, a_count,
        "How many passes in a row make this agent vote that the target is up again.", {.min = 1, .max = 100}},
    Key{"expect_failure", optional, question, in<&D::expect_failure>, a_boolean,
        "Turns the finding round: the check passes where it would fail."},
    Key{"enabled", optional, policy, in<&D::enabled>, a_boolean,
        "false: the check is known and shown, but not asked."},
    Key{"scope", optional, policy, in<&D::scope>, "\"mesh\" or \"host\"",
        "Whether the mesh agrees on one verdict, or each host has a check of its own.", {.choices = Words(scopes)}},
    Key{"witnesses", optional, policy, in<&D::witnesses>, "a whole number or \"all\"",
        "How many agents ask.", {.min = 1, .max = 1000, .choices = Words(all)}},
    Key{"quorum", optional, policy, in<&D::quorum>, "a whole number or \"majority\"",
        "How many witnesses must agree that the target is down; at most the witnesses.", {.min = 1, .max = 1000, .choices = Words(majority)}},
    Key{"from", optional, policy, in<&D::from>, "a label selector such as \"role=edge\"",
        "Which agents may be witnesses, by their labels; several terms are separated by commas.", {.check = check_selector}},
    Key{"on_partition", optional, policy, in<&D::on_partition>, "\"freeze\", \"local\" or \"page\"",
        "What an agent does that has lost the majority of the mesh.", {.choices = Words(partitions)}},
    Key{"family", optional, question, in<&D::family>, "\"any\", \"4\" or \"6\"",
        "The address family to ask over.", {.choices = Words(families)}},
    Key{"source", optional, question, in<&D::source>, "an IP address",
        "The local address to ask from.", {.check = check_ip}},
    Key{"resolver", optional, question, in<&D::resolver>, "an IP address such as \"192.0.2.53\"",
        "The name server that resolves the target's name, in place of the system's.", {.check = check_resolver}},
    Key{"labels", optional, policy, in<&D::labels>, "a table of strings such as { team = \"web\" }",
        "What people and notifications sort checks by.", {.check = check_line, .check_member = check_label}},
    Key{"runbook", optional, policy, in<&D::runbook>, a_string,
        "Where to read what to do; shown with every outage.", {.check = check_line}},
    Key{"owner", optional, policy, in<&D::owner>, a_string,
        "Whom to ask about the target.", {.check = check_line}},
    Key{"depends_on", optional, policy, in<&D::depends_on>, "an array of names",
        "Checks without which this target cannot work; while one is down, this one does not page.", {.check = check_dependency}},
    Key{"escalate", optional, policy, in<&D::escalate>, "the name of a policy",
        "The escalation policy for its outages.", {.check = check_name}},
    Key{"slo", optional, policy, in<&D::slo>, "a percentage such as \"99.9%\"",
        "The availability that is aimed at; error budgets are computed from it.", {.max = 100}},
    Key{"severity", optional, policy, in<&D::severity>, "\"page\", \"ticket\" or \"info\"",
        "How loud an outage is.", {.choices = Words(severities)}},
};

using H = HttpQuery;
constexpr std::array http{
    Key{"url", required, question, in<&H::url>, "a URL such as \"https://www.example.com/\"",
        "What to fetch, over http or https.", {.check = check_url}},
    Key{"method", optional, question, in<&H::method>, "a method such as \"GET\"",
        "The request's method.", {.check = check_method}},
    Key{"headers", optional, question, in<&H::headers>, "a table of strings such as { Accept = \"text/html\" }",
        "Headers of the request; an array of strings sends one header several times.", {.check = check_line, .check_member = check_header}},
    Key{"body", optional, question, in<&H::body>, a_string,
        "The request's body."},
    Key{"follow_redirects", optional, question, in<&H::follow_redirects>, a_boolean,
        "Whether to go where a redirect points."},
    Key{"redirects_max", optional, question, in<&H::redirects_max>, a_count,
        "How many redirects to follow; one more fails.", {.max = 50}},
    Key{"status", optional, question, in<&H::status>, "status codes such as [\"2xx\", \"300-303\", 404]",
        "The status codes that pass."},
    Key{"body_matches", optional, question, in<&H::body_matches>, a_pattern,
        "Must be found in the body.", {.check = pattern}},
    Key{"body_not_matches", optional, question, in<&H::body_not_matches>, a_pattern,
        "Must not be found in the body.", {.check = pattern}},
    Key{"header_matches", optional, question, in<&H::header_matches>, patterns,
        "Must be found in the header of that name; a missing header fails.", {.check = pattern, .check_member = check_header}},
    Key{"header_not_matches", optional, question, in<&H::header_not_matches>, patterns,
        "Must not be found in the header of that name.", {.check = pattern, .check_member = check_header}},
    Key{"body_size_max", optional, question, in<&H::body_size_max>, "a size such as \"1MiB\"",
        "How much of the body is read and looked at.", {.max = 16ULL * 1024 * 1024, .size = true}},
    Key{"certificate_days", optional, question, in<&H::certificate_days>, a_count,
        "Fails when the certificate expires in fewer days than this; 0: not looked at.", {.max = 3650}},
    Key{"tls_verify", optional, question, in<&H::tls_verify>, a_boolean,
        "Whether the certificate must be trusted and be for the host's name."},
    Key{"tls_server_name", optional, question, in<&H::tls_server_name>, "a host name",
        "The name to ask for (SNI) and to verify, in place of the URL's host.", {.check = check_host}},
    Key{"ca_file", optional, question, in<&H::ca_file>, "an absolute path",
        "The certificates to trust, as PEM, in place of the system's.", {.check = check_absolute_path}},
};

using T = TcpQuery;
constexpr std::array tcp{
    Key{"address", required, question, in<&T::address>, "HOST:PORT or [IPV6]:PORT",
        "Where to connect.", {.check = check_address}},
    Key{"send", optional, question, in<&T::send>, a_string,
        "What to send once connected."},
    Key{"expect", optional, question, in<&T::expect>, a_pattern,
        "Must be found in what comes back.", {.check = pattern}},
};

using N = DnsQuery;
constexpr std::array dns{
    Key{"name", required, question, in<&N::name>, "a domain name",
        "The name to ask for.", {.check = check_domain}},
    Key{"type", optional, question, in<&N::record_type>, "a record type such as \"A\"",
        "The record type to ask for.", {.choices = Words(record_types)}},
    Key{"server", optional, question, in<&N::server>, "HOST or HOST:PORT",
        "The name server to ask, in place of the system's.", {.check = check_server}},
    Key{"transport", optional, question, in<&N::transport>, "\"udp\" or \"tcp\"",
        "How to ask.", {.choices = Words(transports)}},
    Key{"rcode", optional, question, in<&N::rcode>, "a response code such as \"NOERROR\"",
        "The response code that passes.", {.choices = Words(rcodes)}},
    Key{"answers", optional, question, in<&N::answers>, "an array of strings",
        "Each must be among the answers, as dig prints them.", {.check = check_line}},
    Key{"answers_match", optional, question, in<&N::answers_match>, a_pattern,
        "Must be found in every answer; no answer at all fails.", {.check = pattern}},
    Key{"recursion", optional, question, in<&N::recursion>, a_boolean,
        "Whether the server is asked to recurse."},
};

using I = IcmpQuery;
constexpr std::array icmp{
    Key{"address", required, question, in<&I::address>, "a host name or an IP address",
        "Whom to ping.", {.check = check_host}},
    Key{"packets", optional, question, in<&I::packets>, a_count,
        "How many echo requests to send.", {.min = 1, .max = 100}},
    Key{"packet_interval", optional, question, in<&I::packet_interval>, a_duration,
        "The time from one request to the next; all must go out before the timeout.", {.min = 1, .max = 60'000}},
    Key{"size", optional, question, in<&I::size>, "a size in bytes",
        "The payload of a request.", {.max = 65'000, .size = true}},
    Key{"loss_above", optional, question, in<&I::loss_above>, "a percentage such as \"50%\"",
        "Fails when more than this is lost.", {.max = 100}},
};

using C = CommandQuery;
constexpr std::array command{
    Key{"command", required, question, in<&C::command>,
        "an array of the program's absolute path and its arguments (no shell is involved)",
        "The plugin to run, by the Nagios plugin rules.", {.check = check_argument}},
    Key{"env", optional, question, in<&C::env>, "a table of strings such as { HOME = \"/root\" }",
        "Its environment, beside PATH and LC_ALL=C.", {.check = check_argument, .check_member = check_variable}},
    Key{"working_directory", optional, question, in<&C::working_directory>, "an absolute path",
        "Where it runs.", {.check = check_absolute_path}},
    Key{"fail_on", optional, question, in<&C::fail_on>, "\"warning\" or \"critical\"",
        "The least state that is held against the target.", {.choices = Words(plugin_states)}},
};
// clang-format on

constexpr std::array<std::string_view, std::variant_size_v<Query>> types{"http", "tcp", "dns",
                                                                         "icmp", "command"};

}  // namespace

std::span<const Key> common_keys() {
    return common;
}

std::span<const Key> keys_of(Type type) {
    switch (type) {
        case Type::http:
            return http;
        case Type::tcp:
            return tcp;
        case Type::dns:
            return dns;
        case Type::icmp:
            return icmp;
        case Type::command:
            return command;
    }
    return {};
}

const Key* find_key(Type type, std::string_view name) {
    for (const std::span<const Key> keys : {keys_of(type), common_keys()}) {
        const auto key = std::ranges::find(keys, name, &Key::name);
        if (key != keys.end()) return &*key;
    }
    return nullptr;
}

std::optional<Type> type_from(std::string_view name) {
    const auto* found = std::ranges::find(types, name);
    if (found == types.end()) return std::nullopt;
    return static_cast<Type>(found - types.begin());
}

std::span<const std::string_view> type_names() {
    return types;
}

Definition default_definition(Type type) {
    Definition definition;
    switch (type) {
        case Type::http:
            definition.query = HttpQuery{};
            break;
        case Type::tcp:
            definition.query = TcpQuery{};
            break;
        case Type::dns:
            definition.query = DnsQuery{};
            break;
        case Type::icmp:
            definition.query = IcmpQuery{};
            break;
        case Type::command:
            definition.query = CommandQuery{};
            definition.scope = Scope::host;
            break;
    }
    return definition;
}

}  // namespace picket::checks
