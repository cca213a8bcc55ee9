#include "storage/wording.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

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

// Those of a text, the first figures_max of them. Looked for in each message: on the stack.
class Numbers {
public:
    explicit Numbers(std::string_view text) {
        for (std::size_t at = 0; at < text.size() && count_ < figures_max;) {
            if (!is_digit(text[at])) {
                ++at;
                continue;
            }
            Number& number = numbers_.at(count_);
            if (read_number(text, at, number)) ++count_;
            at += number.length;
        }
    }
    bool empty() const { return count_ == 0; }
    std::size_t size() const { return count_; }
    const Number& operator[](std::size_t each) const { return numbers_.at(each); }
    const Number* begin() const { return numbers_.data(); }
    const Number* end() const { return numbers_.data() + count_; }

private:
    std::array<Number, figures_max> numbers_;
    std::size_t count_ = 0;
};

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
std::string marked(std::string_view text, const Numbers& numbers, std::uint32_t bits) {
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

// Of what a check's messages have in common, whatever their numbers are: FNV-1a.
std::uint64_t key_of(std::int64_t check, std::string_view text, const Numbers& numbers) {
    std::uint64_t key = 0xcbf29ce484222325u;
    const auto add = [&](std::uint64_t value) { key = (key ^ value) * 0x100000001b3u; };
    add(static_cast<std::uint64_t>(check));
    std::size_t at = 0;
    for (const Number& number : numbers) {
        for (const char letter : text.substr(at, number.begin - at)) {
            add(static_cast<unsigned char>(letter));
        }
        add(static_cast<unsigned char>(mark_of(number)));
        at = number.begin + number.length;
    }
    for (const char letter : text.substr(at)) add(static_cast<unsigned char>(letter));
    return key;
}

void put_figure(std::string& text, std::int64_t figure, std::size_t decimals) {
    std::string digits = fmt::format("{:0{}}", figure, decimals + 1);
    if (decimals > 0) digits.insert(digits.size() - decimals, 1, '.');
    text += digits;
}

}  // namespace

Worded Wordings::split(std::int64_t check, std::string_view message, Duration latency) {
    Worded worded{std::string(message), {}};
    std::string& text = worded.words;
    const std::string spoken = checks::spoken(latency);
    if (const std::size_t at = find_latency(text, spoken); at != text.npos) {
        text.replace(at, spoken.size(), 1, latency_mark);
    }
    const Numbers numbers(text);
    if (numbers.empty()) return worded;

    Seen& seen = seen_of(key_of(check, text, numbers));
    if (seen.first.size() != numbers.size()) {
        seen = {};
        for (const Number& number : numbers) seen.first.push_back(number.figure);
    }
    for (std::size_t each = 0; each < numbers.size(); ++each) {
        if (numbers[each].figure != seen.first[each]) seen.changing |= 1u << each;
        if ((seen.changing >> each & 1u) != 0) worded.figures.push_back(numbers[each].figure);
    }
    if (!worded.figures.empty()) text = marked(text, numbers, seen.changing);
    return worded;
}

Wordings::Seen& Wordings::seen_of(std::uint64_t key) {
    if (seen_.size() >= remembered_max && !seen_.contains(key)) seen_.clear();
    return seen_[key];
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
