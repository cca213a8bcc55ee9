#include "checks/json_value.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <charconv>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/text.h"

namespace picket::checks {
namespace {

using Json = nlohmann::json;

struct Condition {
    bool length = false;
    std::string_view comparison;  // "==", "~", "exists" ...
    std::string_view operand;
};

Condition parse_condition(std::string_view text) {
    Condition condition;
    std::string_view rest = text;
    if (rest.starts_with("length ")) {
        condition.length = true;
        rest = trim(rest.substr(7));
    }
    if (!condition.length && (rest == "exists" || rest == "absent")) return {false, rest, {}};
    for (const std::string_view comparison : {"==", "!=", "<=", ">=", "!~", "<", ">", "~"}) {
        if (!rest.starts_with(comparison)) continue;
        condition.comparison = comparison;
        condition.operand = trim(rest.substr(comparison.size()));
        return condition;
    }
    return {false, "==", text};
}

std::optional<double> number_in(std::string_view text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

bool expects_order(std::string_view comparison) {
    return comparison.starts_with('<') || comparison.starts_with('>');
}

std::string text_of(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool compares(double left, std::string_view comparison, double right) {
    if (comparison == "<") return left < right;
    if (comparison == "<=") return left <= right;
    if (comparison == ">") return left > right;
    if (comparison == ">=") return left >= right;
    return (left == right) == (comparison == "==");
}

bool holds(const Json& value, const Condition& condition) {
    const auto number = number_in(condition.operand);
    if (condition.length) {
        const double length = value.is_string()
                                  ? static_cast<double>(value.get_ref<const std::string&>().size())
                                  : static_cast<double>(value.size());
        return compares(length, condition.comparison, number.value_or(0));
    }
    const std::string text = text_of(value);
    if (condition.comparison.ends_with('~')) {
        return Pattern(condition.operand).found_in(text) == (condition.comparison == "~");
    }
    if (value.is_number() && number.has_value()) {
        return compares(value.get<double>(), condition.comparison, *number);
    }
    if (expects_order(condition.comparison)) {
        const auto left = number_in(text);
        return left.has_value() && compares(*left, condition.comparison, number.value_or(0));
    }
    return (text == condition.operand) == (condition.comparison == "==");
}

// Stops a text that nests too deep before the library builds it.
bool too_deep(std::string_view text) {
    std::size_t depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\') ++i;
            if (c == '"') quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JsonText::depth_max) return true;
        } else if ((c == '}' || c == ']') && depth > 0) {
            --depth;
        }
    }
    return false;
}

}  // namespace

struct JsonText::Document {
    Json root;
};

Status check_json(std::string_view text) {
    if (!too_deep(text) && Json::accept(text)) return {};
    return failure(Code::invalid, "is not JSON");
}

Status check_json_pointer(std::string_view text) {
    const auto wrong = [&] {
        return failure(Code::invalid,
                       fmt::format("'{}' is not a JSON pointer such as /items/0/name", text));
    };
    if (!text.empty() && text.front() != '/') return wrong();
    for (std::size_t at = text.find('~'); at != text.npos; at = text.find('~', at + 1)) {
        if (at + 1 >= text.size() || (text[at + 1] != '0' && text[at + 1] != '1')) return wrong();
    }
    return {};
}

Status check_json_condition(std::string_view text) {
    const Condition condition = parse_condition(text);
    if (condition.comparison.ends_with('~')) {
        if (condition.length) return failure(Code::invalid, "a length is compared with a number");
        return check_pattern(condition.operand);
    }
    if ((condition.length || expects_order(condition.comparison)) &&
        !number_in(condition.operand).has_value()) {
        return failure(Code::invalid, fmt::format("'{}' compares with no number", text));
    }
    return {};
}

JsonText::JsonText(std::string_view text) {
    if (too_deep(text)) return;
    Json root = Json::parse(text, nullptr, false);
    if (!root.is_discarded()) document_ = std::make_unique<Document>(Document{std::move(root)});
}
JsonText::~JsonText() = default;
JsonText::JsonText(JsonText&&) noexcept = default;

namespace {

// As RFC 6901 has it. The library's own throws where an index is no number.
const Json* value_at(const Json& root, std::string_view pointer) {
    const Json* value = &root;
    while (!pointer.empty()) {
        pointer.remove_prefix(1);
        const std::string_view written = pointer.substr(0, pointer.find('/'));
        pointer.remove_prefix(written.size());
        std::string name;
        for (std::size_t i = 0; i < written.size(); ++i) {
            const bool escaped = written[i] == '~' && i + 1 < written.size();
            name += escaped ? (written[++i] == '1' ? '/' : '~') : written[i];
        }
        if (value->is_object()) {
            const auto member = value->find(name);
            if (member == value->end()) return nullptr;
            value = &*member;
        } else if (value->is_array()) {
            std::size_t index = 0;
            const auto [end, error] =
                std::from_chars(name.data(), name.data() + name.size(), index);
            const bool whole = error == std::errc{} && end == name.data() + name.size();
            if (!whole || index >= value->size()) return nullptr;
            value = &(*value)[index];
        } else {
            return nullptr;
        }
    }
    return value;
}

}  // namespace

std::optional<std::string> JsonText::find(const std::string& pointer) const {
    if (document_ == nullptr) return std::nullopt;
    const Json* value = value_at(document_->root, pointer);
    if (value == nullptr) return std::nullopt;
    return text_of(*value);
}

Judgement JsonText::judge(const std::string& pointer, const std::string& text) const {
    const Condition condition = parse_condition(text);
    const Json* value = document_ == nullptr ? nullptr : value_at(document_->root, pointer);
    const bool wants_absent = condition.comparison == "absent";
    const bool met = value == nullptr ? wants_absent && valid()
                                      : !wants_absent && (condition.comparison == "exists" ||
                                                          holds(*value, condition));
    Judgement judged;
    const std::string shown = !valid()           ? "not JSON"
                              : value == nullptr ? "absent"
                                                 : excerpt(text_of(*value));
    judged.expectation = {fmt::format("json {} {}", pointer, text), shown, met};
    if (met) return judged;
    judged.failure_class = FailureClass::content;
    judged.message = valid()
                         ? fmt::format("json {} is {}, expected {}", pointer, shown, text)
                         : fmt::format("the body is not JSON, expected json {} {}", pointer, text);
    return judged;
}

}  // namespace picket::checks
