#include "checks/definition_keys.h"

#include <algorithm>
#include <array>

#include "agent/base/assert.h"
#include "checks/types/keys.h"
#include "checks/types/table.h"

namespace picket::checks {
namespace {

using namespace words;

constexpr std::array<std::string_view, 2> scopes{"mesh", "host"};
constexpr std::array<std::string_view, 3> severities{"page", "ticket", "info"};
constexpr std::array<std::string_view, 3> partitions{"freeze", "local", "page"};
constexpr std::array<std::string_view, 3> families{"any", "4", "6"};
constexpr std::array<std::string_view, 1> all{"all"};
constexpr std::array<std::string_view, 1> majority{"majority"};

// clang-format off
constexpr std::array common{
    Key{"interval", optional, policy, in<&Definition::interval>, a_duration,
        "How often to ask.", {.min = 100, .max = 31ULL * 86'400'000}},
    Key{"timeout", optional, question, in<&Definition::timeout>, a_duration,
        "How long an answer may take; less than the interval.", {.min = 1, .max = 86'400'000}},
    Key{"latency", optional, question, in<&Definition::latency>, a_duration,
        "A right answer that takes longer than this fails; at most the timeout.", {.min = 1, .max = 86'400'000}},
    Key{"fail_after", optional, policy, in<&Definition::fail_after>, a_count,
        "How many failures in a row make this agent vote that the target is down.", {.min = 1, .max = 100}},
    Key{"recover_after", optional, policy, in<&Definition::recover_after>, a_count,
        "How many passes in a row make this agent vote that the target is up again.", {.min = 1, .max = 100}},
    Key{"expect_failure", optional, question, in<&Definition::expect_failure>, a_boolean,
        "Turns the finding round: the check passes where it would fail."},
    Key{"enabled", optional, policy, in<&Definition::enabled>, a_boolean,
        "false: the check is known and shown, but not asked."},
    Key{"scope", optional, policy, in<&Definition::scope>, "\"mesh\" or \"host\"",
        "Whether the mesh agrees on one verdict, or each host has a check of its own.", {.choices = Words(scopes)}},
    Key{"witnesses", optional, policy, in<&Definition::witnesses>, "a whole number or \"all\"",
        "How many agents ask.", {.min = 1, .max = 1000, .choices = Words(all)}},
    Key{"quorum", optional, policy, in<&Definition::quorum>, "a whole number or \"majority\"",
        "How many witnesses must agree that the target is down; at most the witnesses.", {.min = 1, .max = 1000, .choices = Words(majority)}},
    Key{"from", optional, policy, in<&Definition::from>, "a label selector such as \"role=edge\"",
        "Which agents may be witnesses, by their labels; several terms are separated by commas, up to 512 bytes in all.", {.check = check_selector}},
    Key{"on_partition", optional, policy, in<&Definition::on_partition>, "\"freeze\", \"local\" or \"page\"",
        "What an agent does that has lost the majority of the mesh.", {.choices = Words(partitions)}},
    Key{"family", optional, question, in<&Definition::family>, "\"any\", \"4\" or \"6\"",
        "The address family to ask over.", {.choices = Words(families)}},
    Key{"source", optional, question, in<&Definition::source>, "an IP address",
        "The local address to ask from.", {.check = check_ip}},
    Key{"resolver", optional, question, in<&Definition::resolver>, "an IP address such as \"192.0.2.53\"",
        "The name server that resolves the target's name, in place of the system's.", {.check = check_resolver}},
    Key{"labels", optional, policy, in<&Definition::labels>, "a table of strings such as { team = \"web\" }",
        "What people and notifications sort checks by; each up to 128 bytes.", {.check = check_label_value, .check_member = check_label}},
    Key{"runbook", optional, policy, in<&Definition::runbook>, a_string,
        "Where to read what to do; shown with every outage.", {.check = check_line}},
    Key{"owner", optional, policy, in<&Definition::owner>, a_string,
        "Whom to ask about the target.", {.check = check_line}},
    Key{"depends_on", optional, policy, in<&Definition::depends_on>, "an array of names",
        "Checks without which this target cannot work; while one is down, this one does not page.", {.check = check_dependency}},
    Key{"escalate", optional, policy, in<&Definition::escalate>, "the name of a policy",
        "The escalation policy for its outages.", {.check = check_name}},
    Key{"slo", optional, policy, in<&Definition::slo>, "a percentage such as \"99.9%\"",
        "The availability that is aimed at; error budgets are computed from it.", {.max = 100}},
    Key{"severity", optional, policy, in<&Definition::severity>, "\"page\", \"ticket\" or \"info\"",
        "How loud an outage is.", {.choices = Words(severities)}},
};
// clang-format on

const TypeEntry* entry_of(Type type) {
    const auto found = std::ranges::find(type_entries(), type, &TypeEntry::type);
    return found == type_entries().end() ? nullptr : *found;
}

}  // namespace

Status check_expression(std::string_view text) {
    if (text.size() > pattern_bytes_max) {
        return failure(Code::invalid, "a regular expression is at most 4096 bytes");
    }
    return check_pattern(text);
}

std::span<const Key> common_keys() {
    return common;
}

std::span<const Key> keys_of(Type type) {
    const TypeEntry* entry = entry_of(type);
    return entry == nullptr ? std::span<const Key>() : entry->keys;
}

const Key* find_key(std::span<const Key> keys, std::string_view name) {
    const auto key = std::ranges::find(keys, name, &Key::name);
    return key == keys.end() ? nullptr : &*key;
}

const Key* find_key(Type type, std::string_view name) {
    const Key* own = find_key(keys_of(type), name);
    return own != nullptr ? own : find_key(common_keys(), name);
}

std::optional<Type> type_from(std::string_view name) {
    for (const TypeEntry* entry : type_entries()) {
        if (to_text(entry->type) == name) return entry->type;
    }
    return std::nullopt;
}

std::span<const std::string_view> type_names() {
    static const std::vector<std::string_view> names = [] {
        std::vector<std::string_view> all_names;
        for (const TypeEntry* entry : type_entries()) all_names.push_back(to_text(entry->type));
        return all_names;
    }();
    return names;
}

Definition default_definition(Type type) {
    const TypeEntry* entry = entry_of(type);
    PICKET_ASSERT(entry != nullptr);
    Definition definition;
    definition.query = entry->query();
    definition.scope = entry->scope;
    return definition;
}

void check_whole_query(const Definition& definition, const Complain& complain) {
    const TypeEntry* entry = entry_of(definition.type());
    PICKET_ASSERT(entry != nullptr);
    if (entry->check != nullptr) entry->check(definition, complain);
}

}  // namespace picket::checks
