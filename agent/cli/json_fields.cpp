#include "agent/cli/json_fields.h"

#include <algorithm>
#include <cmath>

namespace picket::cli::fields {
namespace {

Result<json> whole(json document) {
    if (!document.is_object()) return failure(Code::corrupt, "the agent's answer is not JSON");
    return document;
}

// `scale` microseconds to the unit; more than a century is nonsense.
Duration duration(const json& object, const char* name, double scale) {
    const double micros = number(object, name) * scale;
    return std::abs(micros) < 4e15 ? Duration(std::llround(micros)) : Duration{0};
}

}  // namespace

Result<json> parse(std::string_view text) {
    return whole(json::parse(text, nullptr, false));
}

Result<json> parse_lists(std::string_view text, const TakeItem& take_item) {
    std::string list;
    const auto each = [&](int depth, json::parse_event_t event, json& parsed) {
        if (depth == 1 && event == json::parse_event_t::key) list = parsed.get<std::string>();
        if (depth != 2 || event != json::parse_event_t::object_end) return true;
        return !take_item(list, parsed);
    };
    return whole(json::parse(text, each, false));
}

const json& member(const json& object, const char* name) {
    static const json null;
    const auto found = object.is_object() ? object.find(name) : object.end();
    return found == object.end() ? null : *found;
}

std::string text_of(const json& value) {
    return value.is_string() ? value.get<std::string>() : std::string();
}
std::string text(const json& object, const char* name) {
    return text_of(member(object, name));
}

double number(const json& object, const char* name) {
    const json& value = member(object, name);
    return value.is_number() ? value.get<double>() : 0;
}

std::optional<double> number_or_none(const json& object, const char* name) {
    const json& value = member(object, name);
    return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

std::uint64_t count(const json& object, const char* name) {
    const json& value = member(object, name);
    return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}
std::uint32_t small_count(const json& object, const char* name) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(count(object, name), UINT32_MAX));
}

std::optional<std::uint32_t> count_or_none(const json& object, const char* name) {
    if (!member(object, name).is_number()) return std::nullopt;
    return small_count(object, name);
}

bool flag(const json& object, const char* name, bool absent) {
    const json& value = member(object, name);
    return value.is_boolean() ? value.get<bool>() : absent;
}

std::optional<WallTime> time_or_none(const json& object, const char* name) {
    const json& value = member(object, name);
    if (!value.is_string()) return std::nullopt;
    const auto time = parse_time(value.get_ref<const std::string&>());
    return time.has_value() ? std::optional(*time) : std::nullopt;
}
WallTime time(const json& object, const char* name) {
    return time_or_none(object, name).value_or(WallTime{});
}

Duration milliseconds(const json& object, const char* name) {
    return duration(object, name, 1e3);
}
Duration seconds(const json& object, const char* name) {
    return duration(object, name, 1e6);
}

std::vector<std::string> texts(const json& object, const char* name) {
    return list<std::string>(object, name, text_of);
}

std::vector<std::pair<std::string, std::string>> pairs(const json& object, const char* name) {
    std::vector<std::pair<std::string, std::string>> pairs;
    const json& values = member(object, name);
    if (!values.is_object()) return pairs;
    for (const auto& [key, value] : values.items()) pairs.emplace_back(key, text_of(value));
    return pairs;
}

checks::FailureClass failure_class(const json& object) {
    return checks::failure_class_from(text(object, "class")).value_or(checks::FailureClass::none);
}
checks::Finding finding(const json& object) {
    return checks::finding_from(text(object, "finding")).value_or(checks::Finding::errored);
}

}  // namespace picket::cli::fields
