#include "checks/check_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/base/address.h"
#include "agent/base/text.h"
#include "checks/value_forms.h"

namespace picket::checks {
namespace {

constexpr std::string_view defaults_name = "defaults";

// A name as a person must write it between the brackets.
std::string name_in_header(std::string_view name) {
    return name.find('.') == name.npos ? std::string(name) : quote(name);
}

// The key that `name` was probably meant to be; empty where none is close.
std::string_view closest_key(std::string_view name, std::span<const Key> own) {
    std::vector<std::string_view> names;
    for (const std::span<const Key> keys : {own, common_keys()}) {
        for (const Key& key : keys) names.push_back(key.name);
    }
    return closest(name, names);
}

std::string unknown_type(std::string_view name) {
    std::vector<std::string_view> names(type_names().begin(), type_names().end());
    names.push_back(defaults_name);
    const std::string_view suggestion = closest(name, names);
    if (!suggestion.empty()) return "unknown check type" + did_you_mean(suggestion);
    return fmt::format("unknown check type; there are {}", fmt::join(type_names(), ", "));
}

}  // namespace

void CheckReader::read_file(Value root) {
    for (Member& member : root.members) {
        if (member.name == defaults_name) read_defaults(member);
    }
    for (Member& member : root.members) {
        if (member.name == defaults_name) continue;
        const bool common =
            std::ranges::find(common_keys(), member.name, &Key::name) != common_keys().end();
        if (common && member.value.kind != Value::Kind::table) {
            problems_.add(member.position, member.name,
                          "a key stands in a check, [TYPE.NAME], or in [defaults]");
        } else if (!type_from(member.name).has_value()) {
            problems_.add(member.position, member.name,
                          problems_.full() ? std::string() : unknown_type(member.name));
        } else {
            read_type(member);
        }
    }
    const auto line = [](const auto& check) { return check.position; };
    std::ranges::sort(names_, {}, line);
    std::ranges::sort(definitions_, {}, [](const Definition& definition) {
        return std::pair(definition.origin.line, definition.origin.column);
    });
}

void CheckReader::read_defaults(Member& table) {
    if (table.value.kind != Value::Kind::table) {
        problems_.add(table.position, defaults_name,
                      wrong_kind("the table [defaults]", table.value).message());
        return;
    }
    Definition scratch = default_definition(Type::http);
    for (Member& member : table.value.members) {
        const std::string key_text = fmt::format("{}.{}", defaults_name, member.name);
        const auto key = std::ranges::find(common_keys(), member.name, &Key::name);
        if (key == common_keys().end()) {
            const bool of_a_type = std::ranges::any_of(type_names(), [&](std::string_view name) {
                return find_key(*type_from(name), member.name) != nullptr;
            });
            problems_.add(member.position, key_text,
                          problems_.full() ? std::string()
                          : of_a_type ? "only keys that all types share may stand in [defaults]"
                                      : "unknown key" + did_you_mean(closest_key(member.name, {})));
            continue;
        }
        if (!substitute_all(member.value, key_text, default_secrets_)) continue;
        const std::vector<Fault> faults = read_key(*key, member.value, scratch);
        for (const Fault& fault : faults) {
            problems_.add(fault.position, key_text + fault.part, fault.message);
        }
        if (faults.empty()) defaults_.push_back(std::move(member));
    }
}

void CheckReader::read_type(Member& table) {
    const Type type = *type_from(table.name);
    if (table.value.kind != Value::Kind::table) {
        problems_.add(
            table.position, table.name,
            wrong_kind(fmt::format("a table [{}.NAME]", table.name), table.value).message());
        return;
    }
    for (Member& check : table.value.members) {
        if (check.value.kind == Value::Kind::table) {
            read_check(type, check);
        } else if (find_key(type, check.name) != nullptr) {
            problems_.add(check.position, fmt::format("{}.{}", table.name, check.name),
                          fmt::format("a check has a name: [{}.NAME]", table.name));
        } else {
            problems_.add(
                check.position, fmt::format("{}.{}", table.name, check.name),
                wrong_kind(fmt::format("a table [{}.{}]", table.name, check.name), check.value)
                    .message());
        }
    }
}

void CheckReader::read_check(Type type, Member& table) {
    const std::string prefix = fmt::format("{}.{}", to_text(type), name_in_header(table.name));
    if (report_unquoted_name(to_text(type), table)) return;
    const Status named = check_name(table.name);
    if (!named.has_value()) problems_.add(table.position, prefix, named.error().message());

    Definition definition = default_definition(type);
    definition.origin = {{}, table.position.line, table.position.column};
    Positions positions{{"", table.position}};
    apply_defaults(definition, positions);
    read_keys(type, prefix, table, definition, positions);
    check_whole(definition, prefix, positions);
    if (!named.has_value()) return;

    definition.name = definition.scope == Scope::mesh
                          ? table.name
                          : fmt::format("{}@{}", table.name, context_.agent);
    if (!seen_.insert(definition.name).second) {
        problems_.add(table.position, prefix,
                      fmt::format("another check of this file is named {} too", table.name));
        return;
    }
    names_.push_back({definition.name, type, definition.scope, table.position});
    // Longest first: a secret within another must not leave the rest of it in sight.
    std::ranges::sort(definition.secrets, [](const std::string& a, const std::string& b) {
        return a.size() != b.size() ? a.size() > b.size() : a < b;
    });
    definition.secrets.erase(std::unique(definition.secrets.begin(), definition.secrets.end()),
                             definition.secrets.end());
    if (problems_.empty()) definitions_.push_back(std::move(definition));
}

void CheckReader::apply_defaults(Definition& definition, Positions& positions) {
    for (const Member& member : defaults_) {
        const Key* key = find_key(definition.type(), member.name);
        read_key(*key, member.value, definition);
        positions[key->name] = member.position;
    }
    definition.secrets = default_secrets_;
}

void CheckReader::read_keys(Type type, const std::string& prefix, Member& table,
                            Definition& definition, Positions& positions) {
    std::set<std::string_view> misspelt;
    for (Member& member : table.value.members) {
        const std::string key_text = fmt::format("{}.{}", prefix, member.name);
        const Key* key = find_key(type, member.name);
        if (key == nullptr) {
            const std::string_view meant =
                problems_.full() ? std::string_view() : closest_key(member.name, keys_of(type));
            problems_.add(member.position, key_text, "unknown key" + did_you_mean(meant));
            misspelt.insert(meant);
            continue;
        }
        positions[key->name] = member.position;
        if (!substitute_all(member.value, key_text, definition.secrets)) continue;
        for (const Fault& fault : read_key(*key, member.value, definition)) {
            problems_.add(fault.position, key_text + fault.part, fault.message);
        }
    }
    for (const Key& key : keys_of(type)) {
        // A key that is there under a wrong name is one fault, not two.
        const bool there = positions.contains(key.name) || misspelt.contains(key.name);
        if (key.need == Need::required && !there) {
            problems_.add(table.position, prefix,
                          fmt::format("{} is missing: expected {}", key.name, key.expects));
        }
    }
}

// What no key alone can get wrong.
void CheckReader::check_whole(const Definition& definition, const std::string& prefix,
                              const Positions& positions) {
    // Of a part of a key, such as step[0].send, the position is the key's.
    const auto complain = [&](std::string_view key, std::string_view message) {
        const auto at = positions.find(key.substr(0, key.find('[')));
        problems_.add(at == positions.end() ? positions.at("") : at->second,
                      fmt::format("{}.{}", prefix, key), message);
    };
    check_times(definition, positions, complain);
    if (definition.quorum && definition.witnesses && *definition.quorum > *definition.witnesses) {
        complain("quorum", fmt::format("{} is more than the {} witnesses", *definition.quorum,
                                       *definition.witnesses));
    }
    check_whole_query(definition, complain);
    const auto source = parse_ip(definition.source);
    if (source.has_value() && definition.family != Family::any) {
        const bool v4 = source->family == IpAddress::Family::v4;
        if (v4 != (definition.family == Family::v4)) {
            complain("source",
                     fmt::format("is an IPv{} address, but family is {}", v4 ? 4 : 6, v4 ? 6 : 4));
        }
    }
}

void CheckReader::check_times(const Definition& definition, const Positions& positions,
                              const Complain& complain) {
    if (definition.timeout >= definition.interval) {
        // Blame the key that the check sets itself, else the one that [defaults] sets.
        const auto later = [&](std::string_view a, std::string_view b) {
            const auto at = positions.find(a), other = positions.find(b);
            if (at == positions.end()) return false;
            return other == positions.end() || at->second > other->second;
        };
        const bool interval = later("interval", "timeout");
        complain(interval ? "interval" : "timeout",
                 interval ? fmt::format("{} is not above the timeout of {}",
                                        format_duration(definition.interval),
                                        format_duration(definition.timeout))
                          : fmt::format("{} is not below the interval of {}",
                                        format_duration(definition.timeout),
                                        format_duration(definition.interval)));
    }
    if (definition.latency && *definition.latency > definition.timeout) {
        complain("latency", fmt::format("{} is above the timeout of {}, so it would never be seen",
                                        format_duration(*definition.latency),
                                        format_duration(definition.timeout)));
    }
}

// [http.edge.lb] is the key `lb` of the check `edge` to TOML, and to nobody else.
bool CheckReader::report_unquoted_name(std::string_view type, const Member& table) {
    std::string name = table.name;
    const Member* inner = &table;
    while (inner->value.members.size() == 1 &&
           inner->value.members.front().value.kind == Value::Kind::table &&
           find_key(*type_from(type), inner->value.members.front().name) == nullptr) {
        inner = &inner->value.members.front();
        name += "." + inner->name;
    }
    if (inner == &table) return false;
    problems_.add(inner->position, fmt::format("{}.{}", type, name),
                  fmt::format("a name with a dot is quoted: [{}.{}]", type, quote(name)));
    return true;
}

bool CheckReader::substitute_all(Value& value, const std::string& key,
                                 std::vector<std::string>& secrets) {
    bool all = true;
    if (value.kind == Value::Kind::string && value.written.find("${") != std::string::npos) {
        auto replaced = substitute(value.written, context_.reader);
        if (!replaced.has_value()) {
            problems_.add(value.position, key, replaced.error().message());
            return false;
        }
        value.text = std::move(replaced->text);
        value.substituted = !replaced->secrets.empty();
        std::ranges::move(replaced->secrets, std::back_inserter(secrets));
    }
    for (Value& item : value.items) all = substitute_all(item, key, secrets) && all;
    for (Member& member : value.members) {
        all = substitute_all(member.value, key + "." + member.name, secrets) && all;
    }
    return all;
}

}  // namespace picket::checks
