// Definition: what one check asks, how often, and what it expects.
//
// A value, made by the parser from a drop-in file and never changed afterwards.
// The keys of the files, their defaults and their meaning are in
// docs/CHECKS.md; each member here carries the name of its key.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agent/base/time.h"

namespace picket::checks {

enum class Type : std::uint8_t { http, tcp, dns, icmp, command };
enum class Scope : std::uint8_t { mesh, host };
enum class Family : std::uint8_t { any, v4, v6 };
enum class Severity : std::uint8_t { page, ticket, info };
enum class OnPartition : std::uint8_t { freeze, local, page };

std::string_view to_text(Type type);
std::string_view to_text(Scope scope);

// Identity of a check in the mesh: SHA-256("ck1", name)[0:8], where a host check
// is named "root@web-03".
enum class CheckKey : std::uint64_t {};
CheckKey check_key(std::string_view name);

// A value in which ${env:X}, ${file:/path} and ${credential:X} were replaced.
// Only a probe looks at `value`. All that is shown, logged, compared across
// agents or fingerprinted is `shown`, the text as it stands in the file.
struct Text {
    std::string value;
    std::string shown;

    bool operator==(const Text&) const = default;
};

// A range of HTTP status codes, both ends included: "2xx" is 200-299.
struct StatusRange {
    std::uint16_t first = 200;
    std::uint16_t last = 299;

    bool operator==(const StatusRange&) const = default;
};

struct HttpQuery {
    Text url;
    std::string method = "GET";
    std::vector<std::pair<std::string, Text>> headers;  // Sorted by name.
    Text body;
    bool follow_redirects = true;
    std::uint32_t redirects_max = 10;
    std::vector<StatusRange> status{{200, 299}};
    std::string body_matches;      // RE2, anywhere in the first body_size_max bytes; empty: any.
    std::string body_not_matches;  // RE2.
    std::map<std::string, std::string> header_matches;      // Name -> RE2; missing header fails.
    std::map<std::string, std::string> header_not_matches;  // Name -> RE2.
    std::uint32_t body_size_max = 1024 * 1024;              // Bytes read; the rest is not fetched.
    std::uint32_t certificate_days = 0;                     // Least days left; 0: not expected.
    bool tls_verify = true;
    std::string tls_server_name;  // SNI and name to verify; empty: the URL's host.
    std::string ca_file;          // PEM; empty: the system's store.

    bool operator==(const HttpQuery&) const = default;
};

struct TcpQuery {
    Text address;        // HOST:PORT, [V6]:PORT
    Text send;           // Sent once connected; empty: nothing.
    std::string expect;  // RE2 over what comes back; empty: the connection is enough.

    bool operator==(const TcpQuery&) const = default;
};

enum class DnsTransport : std::uint8_t { udp, tcp };

struct DnsQuery {
    Text name;
    std::string record_type = "A";  // key `type`
    Text server;                    // HOST or HOST:PORT; empty: the system's resolvers.
    DnsTransport transport = DnsTransport::udp;
    std::string rcode = "NOERROR";
    std::vector<std::string> answers;  // Each must be among the answers, in presentation form.
    std::string answers_match;         // RE2 that every answer must match.
    bool recursion = true;

    bool operator==(const DnsQuery&) const = default;
};

struct IcmpQuery {
    Text address;  // A name or an address.
    std::uint32_t packets = 3;
    Duration packet_interval = std::chrono::milliseconds(100);
    std::uint32_t size = 56;  // Payload bytes.
    double loss_above = 50;   // Percent; failed when more is lost.

    bool operator==(const IcmpQuery&) const = default;
};

enum class PluginState : std::uint8_t { warning, critical };

struct CommandQuery {
    std::vector<Text> command;  // Absolute path and arguments; no shell.
    std::vector<std::pair<std::string, Text>>
        env;  // Sorted by name. All that it gets beside PATH and LC_ALL=C.
    std::string working_directory = "/";
    PluginState fail_on = PluginState::critical;  // The least state held against the target.

    bool operator==(const CommandQuery&) const = default;
};

using Query = std::variant<HttpQuery, TcpQuery, DnsQuery, IcmpQuery, CommandQuery>;

// Where a definition stands, for messages. Lines and columns count from 1.
struct Origin {
    std::string file;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

struct Definition {
    std::string name;  // In the mesh: "homepage", of a host check "root@web-03".
    Scope scope = Scope::mesh;
    Query query;

    Duration interval = std::chrono::seconds(30);
    Duration timeout = std::chrono::seconds(3);  // Less than the interval.
    std::optional<Duration> latency;             // A right answer later than this fails.
    std::uint32_t fail_after = 1;
    std::uint32_t recover_after = 1;
    bool expect_failure = false;
    bool enabled = true;

    std::optional<std::uint32_t> witnesses = 5;  // Absent: "all".
    std::optional<std::uint32_t> quorum;         // Absent: "majority".
    std::string from;                            // Label selector; empty: every agent.
    OnPartition on_partition = OnPartition::freeze;

    Family family = Family::any;
    std::string source;    // Local address to ask from; empty: the kernel's choice.
    std::string resolver;  // ADDRESS or ADDRESS:PORT for names; empty: the system's.

    std::map<std::string, std::string> labels;
    std::string runbook;
    std::string owner;
    std::vector<std::string> depends_on;
    std::string escalate;       // Name of an escalation policy.
    std::optional<double> slo;  // Percent.
    Severity severity = Severity::page;

    Origin origin;
    // How a key stands in the file, as TOML, where a substitution fed a member that
    // is no Text. It is shown and fingerprinted in place of the member.
    std::map<std::string, std::string> as_written;
    // Every value that a substitution brought in, longest first, for redact().
    std::vector<std::string> secrets;

    Type type() const { return static_cast<Type>(query.index()); }
};

// Equal in everything but where it stands: an edit that changes nothing is no edit.
bool same_definition(const Definition& a, const Definition& b);

// `text` with every secret of the definition replaced by "***".
std::string redact(std::string text, const Definition& definition);

}  // namespace picket::checks
