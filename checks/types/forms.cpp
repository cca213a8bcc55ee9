#include "checks/types/forms.h"

#include <cctype>
#include <cmath>

namespace picket::checks {
namespace {

constexpr double number_max = 1e15;

std::string in_capitals(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return result;
}

}  // namespace

Result<Amount> as_amount(const Value& value, Measure measure, Shares shares) {
    const std::string_view text = value.kind == Value::Kind::string ? trim(value.text) : "";
    if (text.ends_with('%')) {
        if (shares == Shares::refused) {
            return failure(Code::invalid, fmt::format("'{}' is not a size such as \"1MiB\"", text));
        }
        return Amount{PICKET_TRY(as_percent(value)), true};
    }
    if (measure == Measure::items) return Amount{PICKET_TRY(as_number(value)), false};
    const std::uint64_t bytes = PICKET_TRY(as_size(value));
    return Amount{static_cast<double>(bytes), false};
}

std::string write_amount(const Amount& amount, Measure measure) {
    if (amount.percent) return write_percent(amount.value);
    if (measure == Measure::items) return fmt::format("{}", amount.value);
    return write_size(static_cast<std::uint64_t>(amount.value));
}

Result<double> as_number(const Value& value) {
    double number = 0;
    if (value.kind == Value::Kind::integer) {
        number = static_cast<double>(value.integer);
    } else if (value.kind == Value::Kind::floating) {
        number = value.floating;
    } else if (value.substituted && value.kind == Value::Kind::string) {
        const char* end = value.text.data() + value.text.size();
        const auto [at, error] = std::from_chars(value.text.data(), end, number);
        if (error != std::errc{} || at != end) number = -1;
    } else {
        return tl::make_unexpected(wrong_kind("a number", value));
    }
    if (!std::isfinite(number) || number < 0 || number > number_max) {
        return failure(Code::invalid, fmt::format("{} is not a number from 0 on", number));
    }
    return number;
}

namespace forms {

Result<std::vector<std::string>> as_words(const Value& value,
                                          std::span<const std::string_view> words) {
    const bool capitals = std::isupper(static_cast<unsigned char>(words[0][0])) != 0;
    const bool several = value.kind == Value::Kind::array;
    const auto items = several ? std::span(value.items) : std::span(&value, 1);
    std::vector<std::string> chosen;
    for (const Value& item : items) {
        if (item.kind != Value::Kind::string) {
            return tl::make_unexpected(wrong_kind("a word or an array of words", item));
        }
        const std::string word = capitals ? in_capitals(item.text) : item.text;
        if (std::ranges::find(words, word) == words.end()) {
            const std::string_view meant = closest(word, words);
            return failure(Code::invalid,
                           meant.empty()
                               ? fmt::format("'{}' is none of {}", word, fmt::join(words, ", "))
                               : fmt::format("'{}' is not known{}", word, did_you_mean(meant)));
        }
        chosen.push_back(word);
    }
    if (chosen.empty()) return failure(Code::invalid, "nothing could pass");
    std::ranges::sort(chosen);
    chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
    return chosen;
}

std::optional<std::string> write_words(const std::vector<std::string>& words) {
    if (words.empty()) return std::nullopt;
    std::vector<std::string> quoted;
    for (const std::string& word : words) quoted.push_back(quote(word));
    return quoted.size() == 1 ? quoted[0] : fmt::format("[{}]", fmt::join(quoted, ", "));
}

}  // namespace forms
}  // namespace picket::checks
