#include "agent/cli/json_fields.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace picket::cli::fields {
namespace {

// `scale` microseconds to the unit; more than a century is nonsense.
Duration duration(const Json& object, const char* name, double scale) {
    const double micros = number(object, name) * scale;
    return std::abs(micros) < 4e15 ? Duration(std::llround(micros)) : Duration{0};
}

}  // namespace

Result<Document> parse(std::string_view text) {
    // Iteratively, so that no text is too deep for the stack.
    constexpr unsigned how = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
    Document document;
    document.Parse<how>(text.data(), text.size());
    if (document.HasParseError() || !document.IsObject()) {
        return failure(Code::corrupt, "the agent's answer is not JSON");
    }
    return document;
}

const Json& member(const Json& object, const char* name) {
    static const Json null;
    if (!object.IsObject()) return null;
    const auto found = object.FindMember(name);
    return found == object.MemberEnd() ? null : found->value;
}

std::string text_of(const Json& value) {
    return value.IsString() ? std::string(value.GetString(), value.GetStringLength())
                            : std::string();
}
std::string text(const Json& object, const char* name) {
    return text_of(member(object, name));
}

double number(const Json& object, const char* name) {
    const Json& value = member(object, name);
    return value.IsNumber() ? value.GetDouble() : 0;
}

std::optional<double> number_or_none(const Json& object, const char* name) {
    const Json& value = member(object, name);
    return value.IsNumber() ? std::optional(value.GetDouble()) : std::nullopt;
}

std::uint64_t count_of(const Json& value) {
    return value.IsUint64() ? value.GetUint64() : 0;
}
std::uint64_t count(const Json& object, const char* name) {
    return count_of(member(object, name));
}
std::uint32_t small_count(const Json& object, const char* name) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(count(object, name), UINT32_MAX));
}

std::optional<std::uint32_t> count_or_none(const Json& object, const char* name) {
    if (!member(object, name).IsNumber()) return std::nullopt;
    return small_count(object, name);
}

bool flag(const Json& object, const char* name, bool absent) {
    const Json& value = member(object, name);
    return value.IsBool() ? value.GetBool() : absent;
}

std::optional<WallTime> time_or_none(const Json& object, const char* name) {
    const auto time = parse_time(text(object, name));
    return time.has_value() ? std::optional(*time) : std::nullopt;
}
WallTime time(const Json& object, const char* name) {
    return time_or_none(object, name).value_or(WallTime{});
}

Duration milliseconds(const Json& object, const char* name) {
    return duration(object, name, 1e3);
}
Duration seconds(const Json& object, const char* name) {
    return duration(object, name, 1e6);
}

std::vector<std::string> texts(const Json& object, const char* name) {
    std::vector<std::string> texts;
    const Json& values = member(object, name);
    if (!values.IsArray()) return texts;
    for (const Json& value : values.GetArray()) texts.push_back(text_of(value));
    return texts;
}

checks::FailureClass failure_class(const Json& object) {
    return checks::failure_class_from(text(object, "class")).value_or(checks::FailureClass::none);
}
checks::Finding finding(const Json& object) {
    return checks::finding_from(text(object, "finding")).value_or(checks::Finding::errored);
}

}  // namespace picket::cli::fields
