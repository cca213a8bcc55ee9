#include "checks/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace picket::checks {

std::string_view describe(Value::Kind kind) {
    constexpr std::array<std::string_view, 7> names{
        "a string", "an integer", "a number", "a boolean", "a date or time", "an array", "a table"};
    return names[static_cast<std::size_t>(kind)];
}

bool substituted_within(const Value& value) {
    return value.substituted || std::ranges::any_of(value.items, substituted_within) ||
           std::ranges::any_of(value.members, [](const Member& member) {
               return substituted_within(member.value);
           });
}

std::string quote(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        switch (c) {
            case '"':
                quoted += "\\\"";
                break;
            case '\\':
                quoted += "\\\\";
                break;
            case '\n':
                quoted += "\\n";
                break;
            case '\r':
                quoted += "\\r";
                break;
            case '\t':
                quoted += "\\t";
                break;
            default:
                if (static_cast<std::uint8_t>(c) < 0x20 || c == 0x7f) {
                    quoted += fmt::format("\\u{:04x}", static_cast<std::uint8_t>(c));
                } else {
                    quoted += c;
                }
        }
    }
    return quoted + '"';
}

std::string write_value(const Value& value) {
    std::vector<std::string> parts;
    switch (value.kind) {
        case Value::Kind::string:
            return quote(value.written);
        case Value::Kind::integer:
            return fmt::format("{}", value.integer);
        case Value::Kind::floating:
            return fmt::format("{}", value.floating);
        case Value::Kind::boolean:
            return value.boolean ? "true" : "false";
        case Value::Kind::time:
            return {};  // No key takes one.
        case Value::Kind::array:
            for (const Value& item : value.items) parts.push_back(write_value(item));
            return fmt::format("[{}]", fmt::join(parts, ", "));
        case Value::Kind::table:
            for (const Member& member : value.members) {
                parts.push_back(
                    fmt::format("{} = {}", quote(member.name), write_value(member.value)));
            }
            return fmt::format("{{ {} }}", fmt::join(parts, ", "));
    }
    return {};
}

}  // namespace picket::checks
