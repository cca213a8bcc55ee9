#include "storage/wording.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "agent/base/text.h"
#include "checks/expectation.h"

namespace picket::storage {

namespace {

constexpr std::size_t decimals_max = 9;
constexpr std::size_t digits_max = 15;

struct Number {
    std::size_t begin = 0;  // In the text.
    std::size_t length = 0;
    std::size_t decimals = 0;
    std::int64_t figure = 0;
};

bool is_digit(char letter) {
    return letter >= '0' && letter <= '9';
}

std::size_t digits_at(std::string_view text, std::size_t at) {
    std::size_t end = at;
    while (end < text.size() && is_digit(text[end])) ++end;
    return end - at;
}

// The number that begins at `at`, where there is a digit. Without digits that join() would not
// write again: no figure.
bool read_number(std::string_view text, std::size_t at, Number& number) {
    number = {.begin = at, .length = digits_at(text, at)};
    const bool leading_zero = number.length > 1 && text[at] == '0';
    const std::size_t point = at + number.length;
    if (point < text.size() && text[point] == '.') {
        number.decimals = digits_at(text, point + 1);
        if (number.decimals > 0) number.length += 1 + number.decimals;
    }
    if (leading_zero || number.decimals > decimals_max || number.length > digits_max) return false;
    for (const char letter : text.substr(at, number.length)) {
        if (letter != '.') number.figure = number.figure * 10 + (letter - '0');
    }
    return true;
}

// Where the text says its latency: the last place, as whole words.
std::size_t find_latency(std::string_view text, std::string_view spoken) {
    const std::size_t at = text.rfind(spoken);
    if (at == text.npos) return at;
    const std::size_t end = at + spoken.size();
    const bool begins = at == 0 || text[at - 1] == ' ';
    const bool ends =
        end == text.size() || text[end] == ' ' || text[end] == ',' || text[end] == ';';
    return begins && ends ? at : text.npos;
}

char mark_of(const Number& number) {
    return static_cast<char>(figure_mark + static_cast<char>(number.decimals));
}

// The text with marks in the place of those numbers whose bit is set.
std::string marked(std::string_view text, std::span<const Number> numbers, std::uint32_t bits) {
    std::string words;
    words.reserve(text.size());
    std::size_t at = 0;
    for (std::size_t each = 0; each < numbers.size(); ++each) {
        if ((bits >> each & 1u) == 0) continue;
        words += text.substr(at, numbers[each].begin - at);
        words += mark_of(numbers[each]);
        at = numbers[each].begin + numbers[each].length;
    }
    return words += text.substr(at);
}

void put_figure(std::string& text, std::int64_t figure, std::size_t decimals) {
    std::string digits = fmt::format("{:0{}}", figure, decimals + 1);
    if (decimals > 0) digits.insert(digits.size() - decimals, 1, '.');
    text += digits;
}

}  // namespace

Worded Wordings::split(std::int64_t check, std::string_view message, Duration latency) {
    std::string text(message);
    const std::string spoken = checks::spoken(latency);
    if (const std::size_t at = find_latency(text, spoken); at != text.npos) {
        text.replace(at, spoken.size(), 1, latency_mark);
    }
    std::vector<Number> numbers;
    for (std::size_t at = 0; at < text.size() && numbers.size() < figures_max;) {
        if (!is_digit(text[at])) {
            ++at;
            continue;
        }
        Number number;
        if (read_number(text, at, number)) numbers.push_back(number);
        at += number.length;
    }
    if (numbers.empty()) return {std::move(text), {}};

    const std::string skeleton = marked(text, numbers, ~0u);
    const std::uint64_t key = std::hash<std::string_view>()(skeleton) ^
                              (static_cast<std::uint64_t>(check) * 0x9e3779b97f4a7c15u);
    if (seen_.size() >= remembered_max && !seen_.contains(key)) seen_.clear();
    Seen& seen = seen_[key];
    if (seen.first.size() != numbers.size()) {
        seen = {};
        for (const Number& number : numbers) seen.first.push_back(number.figure);
    }
    Worded worded;
    for (std::size_t each = 0; each < numbers.size(); ++each) {
        if (numbers[each].figure != seen.first[each]) seen.changing |= 1u << each;
        if ((seen.changing >> each & 1u) != 0) worded.figures.push_back(numbers[each].figure);
    }
    worded.words = marked(text, numbers, seen.changing);
    return worded;
}

std::string join(std::string_view words, std::span<const std::int64_t> figures, Duration latency) {
    std::string text;
    text.reserve(words.size() + 16);
    for (const char letter : words) {
        if (letter == latency_mark) {
            text += checks::spoken(latency);
        } else if (letter >= figure_mark &&
                   letter <= figure_mark + static_cast<char>(decimals_max)) {
            if (figures.empty()) {
                text += '?';
                continue;
            }
            put_figure(text, figures.front(), static_cast<std::size_t>(letter - figure_mark));
            figures = figures.subspan(1);
        } else {
            text += letter;
        }
    }
    return printable_line(text, limits::message_bytes_max);
}

}  // namespace picket::storage
