// Writing one key of a definition as TOML, the reverse of reading it.

#include <fmt/format.h>

#include <algorithm>

#include "checks/definition_keys.h"
#include "checks/value_forms.h"

namespace picket::checks {
namespace {

using Written = std::optional<std::string>;

std::string list_of(const std::vector<std::string>& items) {
    return fmt::format("[{}]", fmt::join(items, ", "));
}

std::string table_of(const std::vector<std::string>& members) {
    return fmt::format("{{ {} }}", fmt::join(members, ", "));
}

std::string member_of(std::string_view name, std::string_view value) {
    const auto bare = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; };
    return fmt::format("{} = {}", std::ranges::all_of(name, bare) ? std::string(name) : quote(name),
                       value);
}

std::string write_status(const StatusRange& range) {
    if (range.first == range.last) return fmt::format("{}", range.first);
    if (range.first % 100 == 0 && range.last == range.first + 99) {
        return fmt::format("\"{}xx\"", range.first / 100);
    }
    return fmt::format("\"{}-{}\"", range.first, range.last);
}

struct KeyWriter {
    const Key& key;
    const Definition& definition;

    Written operator()(const bool* value) const { return *value ? "true" : "false"; }
    Written operator()(const std::uint32_t* value) const {
        return key.rule.size ? write_size(*value) : fmt::format("{}", *value);
    }
    Written operator()(const std::optional<std::uint32_t>* value) const {
        return value->has_value() ? fmt::format("{}", **value) : quote(key.rule.choices.front());
    }
    Written operator()(const double* value) const { return write_percent(*value); }
    Written operator()(const std::optional<double>* value) const {
        return value->has_value() ? Written(write_percent(**value)) : std::nullopt;
    }
    Written operator()(const Duration* value) const { return quote(format_duration(*value)); }
    Written operator()(const std::optional<Duration>* value) const {
        return value->has_value() ? (*this)(&**value) : std::nullopt;
    }
    Written operator()(const std::string* value) const {
        return value->empty() ? std::nullopt : Written(quote(*value));
    }
    Written operator()(const Text* value) const {
        return value->shown.empty() ? std::nullopt : Written(quote(value->shown));
    }
    Written operator()(const std::vector<std::string>* value) const {
        std::vector<std::string> items;
        for (const std::string& item : *value) items.push_back(quote(item));
        return items.empty() ? std::nullopt : Written(list_of(items));
    }
    Written operator()(const std::vector<Text>* value) const {
        std::vector<std::string> items;
        for (const Text& item : *value) items.push_back(quote(item.shown));
        return items.empty() ? std::nullopt : Written(list_of(items));
    }
    Written operator()(const std::map<std::string, std::string>* value) const {
        std::vector<std::string> members;
        for (const auto& [name, held] : *value) members.push_back(member_of(name, quote(held)));
        return members.empty() ? std::nullopt : Written(table_of(members));
    }
    Written operator()(const std::vector<std::pair<std::string, Text>>* value) const {
        std::vector<std::string> members;
        for (auto at = value->begin(); at != value->end();) {
            std::vector<std::string> items;
            const std::string& name = at->first;
            for (; at != value->end() && at->first == name; ++at) {
                items.push_back(quote(at->second.shown));
            }
            members.push_back(member_of(name, items.size() == 1 ? items.front() : list_of(items)));
        }
        return members.empty() ? std::nullopt : Written(table_of(members));
    }
    Written operator()(const std::vector<StatusRange>* value) const {
        std::vector<std::string> items;
        for (const StatusRange& range : *value) items.push_back(write_status(range));
        return list_of(items);
    }
    Written operator()(Choice value) const { return quote(key.rule.choices[*value.number]); }
    Written operator()(const OwnForm& form) const { return form.write(definition); }
};

}  // namespace

std::optional<std::string> write_key(const Key& key, const Definition& definition) {
    const auto written = definition.as_written.find(std::string(key.name));
    if (written != definition.as_written.end()) return written->second;
    // A slot is for reading into; here it is only looked at.
    const Slot slot = key.slot(const_cast<Definition&>(definition));
    return std::visit([&](auto member) { return KeyWriter{key, definition}(member); }, slot);
}

}  // namespace picket::checks
