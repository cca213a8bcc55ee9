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
#include <vector>

#include "agent/base/time.h"
#include "checks/query.h"

namespace picket::checks {

enum class Scope : std::uint8_t { mesh, host };
enum class Family : std::uint8_t { any, v4, v6 };
enum class Severity : std::uint8_t { page, ticket, info };
enum class OnPartition : std::uint8_t { freeze, local, page };

std::string_view to_text(Scope scope);

// Identity of a check in the mesh: SHA-256("ck1", name)[0:8], where a host check
// is named "root@web-03".
enum class CheckKey : std::uint64_t {};
CheckKey check_key(std::string_view name);

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

    Type type() const { return query.type(); }
};

// Equal in everything but where it stands: an edit that changes nothing is no edit.
bool same_definition(const Definition& a, const Definition& b);

// `text` with "***" for every secret of the definition, and every word that is one in base64.
std::string redact(std::string text, const Definition& definition);

}  // namespace picket::checks
