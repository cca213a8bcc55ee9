#include "checks/definition_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/base/toml_bounds.h"
#include "checks/check_reader.h"
#include "checks/definition_keys.h"
#include "checks/value_forms.h"

// toml++ asserts what it believes of its input, and for some texts it is wrong:
// `[.` would stop the agent. Such a belief is the file's fault here. This throw is
// the only one in picket, and is caught where the parser is called.
namespace {

struct TomlSurprise {};

[[noreturn]] void surprised() {
    throw TomlSurprise{};
}

}  // namespace

#undef NDEBUG
#define TOML_ASSERT(condition) (static_cast<bool>(condition) ? static_cast<void>(0) : surprised())
#include <toml++/toml.h>

namespace picket::checks {
namespace {

Position position_of(const toml::source_region& region) {
    return {std::max<std::uint32_t>(region.begin.line, 1),
            std::max<std::uint32_t>(region.begin.column, 1)};
}

// Recursion is bounded: find_toml_fault() bounds how deep a text nests.
Value value_of(const toml::node& node) {
    Value value;
    value.position = position_of(node.source());
    if (const auto* table = node.as_table()) {
        value.kind = Value::Kind::table;
        value.members.reserve(table->size());
        for (const auto& [key, held] : *table) {
            value.members.push_back(
                {std::string(key.str()), position_of(key.source()), value_of(held)});
        }
    } else if (const auto* array = node.as_array()) {
        value.kind = Value::Kind::array;
        value.items.reserve(array->size());
        for (const toml::node& item : *array) value.items.push_back(value_of(item));
    } else if (const auto* string = node.as_string()) {
        value.kind = Value::Kind::string;
        value.text = value.written = string->get();
    } else if (const auto* integer = node.as_integer()) {
        value.kind = Value::Kind::integer;
        value.integer = integer->get();
    } else if (const auto* floating = node.as_floating_point()) {
        value.kind = Value::Kind::floating;
        value.floating = floating->get();
    } else if (const auto* boolean = node.as_boolean()) {
        value.kind = Value::Kind::boolean;
        value.boolean = boolean->get();
    } else {
        value.kind = Value::Kind::time;
    }
    return value;
}

// "Error while parsing table header: cannot redefine ..." without its preamble.
std::string_view explanation(std::string_view description) {
    constexpr std::string_view preamble = "Error while parsing ";
    const std::size_t colon = description.find(": ");
    if (!description.starts_with(preamble) || colon == description.npos) return description;
    return description.substr(colon + 2);
}

// The checks that a text which is not TOML seems to name: lines that look like
// [TYPE.NAME] with a valid name.
std::vector<NamedCheck> scan_names(std::string_view text, std::string_view agent) {
    std::vector<NamedCheck> names;
    std::set<std::string> seen;
    Position position;
    for (std::size_t begin = 0; begin < text.size(); ++position.line) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        std::string_view line = trim(text.substr(begin, end - begin));
        begin = end + 1;
        const std::size_t close = line.find(']');
        if (!line.starts_with('[') || close == line.npos) continue;
        line = line.substr(1, close - 1);
        const std::size_t dot = line.find('.');
        const auto type = type_from(trim(line.substr(0, dot)));
        if (!type.has_value() || dot == line.npos) continue;
        std::string_view name = trim(line.substr(dot + 1));
        const bool quoted = name.size() >= 2 && name.front() == name.back() &&
                            (name.front() == '"' || name.front() == '\'');
        if (quoted) name = name.substr(1, name.size() - 2);
        const bool valid = check_name(name).has_value() && (quoted || name.find('.') == name.npos);
        if (!valid) continue;
        const Scope scope = default_definition(*type).scope;
        std::string full =
            scope == Scope::mesh ? std::string(name) : fmt::format("{}@{}", name, agent);
        if (seen.insert(full).second) names.push_back({std::move(full), *type, scope, position});
    }
    return names;
}

}  // namespace

Document read_document(std::string_view text, std::string_view file) {
    Document document;
    if (const auto fault = find_toml_fault(text)) {
        document.problems.push_back({std::string(file), fault->position, {}, fault->message});
        return document;
    }
    try {
        const toml::parse_result result = toml::parse(text);
        if (result.succeeded()) {
            document.root = value_of(result.table());
        } else {
            const toml::parse_error& error = result.error();
            document.problems.push_back({std::string(file),
                                         position_of(error.source()),
                                         {},
                                         std::string(explanation(error.description()))});
        }
    } catch (const TomlSurprise&) {
        document.problems.push_back({std::string(file), {}, {}, "the text is not TOML"});
    }
    return document;
}

ParsedFile parse_definitions(std::string_view text, std::string_view file,
                             const ParseContext& context) {
    ParsedFile parsed;
    Document document = read_document(text, file);
    if (!document.problems.empty()) {
        parsed.problems = std::move(document.problems);
        const bool readable = text.size() <= limits::definition_file_bytes_max;
        if (readable) parsed.names = scan_names(text, context.agent);
        return parsed;
    }
    ProblemList problems{std::string(file)};
    CheckReader reader(context, problems);
    reader.read_file(std::move(document.root));
    parsed.names = reader.take_names();
    if (problems.empty()) parsed.definitions = reader.take_definitions();
    for (Definition& definition : parsed.definitions) definition.origin.file = file;
    parsed.problems = std::move(problems).take();
    return parsed;
}

}  // namespace picket::checks
