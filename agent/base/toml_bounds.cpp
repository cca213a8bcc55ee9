#include "agent/base/toml_bounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>

#include "agent/base/limits.h"
#include "agent/base/text.h"

namespace picket {
namespace {

enum class State {
    plain,
    comment,
    basic,            // "..."
    literal,          // '...'
    basic_multiline,  // """..."""
    literal_multiline,
};

std::size_t count_characters(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<std::uint8_t>(c) & 0xc0) != 0x80; }));
}

Position position_of(std::string_view text, std::size_t at) {
    const std::string_view before = text.substr(0, at);
    const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0.
    return {static_cast<std::uint32_t>(std::ranges::count(before, '\n') + 1),
            static_cast<std::uint32_t>(count_characters(before.substr(line_begin)) + 1)};
}

// Where the longest valid prefix ends. `text` is not valid UTF-8.
std::size_t first_bad_byte(std::string_view text) {
    std::size_t valid = 0;
    std::size_t invalid = text.size();
    while (invalid - valid > 1) {
        const std::size_t middle = valid + (invalid - valid) / 2;
        // A cut within a character makes a valid prefix look bad: end it earlier.
        (valid_utf8(cut_text(text, middle)) ? valid : invalid) = middle;
    }
    return valid;
}

class Measure {
public:
    explicit Measure(std::string_view text) : text_(text) {}

    std::optional<TomlFault> run() {
        if (text_.starts_with("\xef\xbb\xbf")) at_ = line_begin_ = 3;  // A byte order mark.
        while (at_ < text_.size() && !fault_) step();
        return fault_;
    }

private:
    void step() {
        const char c = text_[at_];
        const bool line_end = c == '\n';
        if (line_end) {
            line_begin_ = at_ + 1;
        } else if (at_ - line_begin_ >= limits::definition_line_bytes_max) {
            return stop(
                fmt::format("the line is longer than {} bytes", limits::definition_line_bytes_max));
        }
        if (forbidden(c)) {
            return stop(fmt::format("a control character (0x{:02x}) is not allowed here",
                                    static_cast<std::uint8_t>(c)));
        }
        switch (state_) {
            case State::plain:
                return plain(c);
            case State::comment:
                if (line_end) state_ = State::plain;
                break;
            case State::basic:
                return string(c, '"');
            case State::literal:
                return string(c, '\'');
            case State::basic_multiline:
                return multiline(c, '"');
            case State::literal_multiline:
                return multiline(c, '\'');
        }
        ++at_;
    }

    bool forbidden(char c) const {
        const auto byte = static_cast<std::uint8_t>(c);
        if (c == '\r') return at_ + 1 >= text_.size() || text_[at_ + 1] != '\n';
        return (byte < 0x20 && c != '\t' && c != '\n') || byte == 0x7f;
    }

    void plain(char c) {
        switch (c) {
            case '"':
            case '\'':
                return open_string(c);
            case '#':
                state_ = State::comment;
                break;
            case '.':
                if (++dots_ >= limits::definition_key_parts_max) {
                    return stop(fmt::format("a key has more than {} dotted parts",
                                            limits::definition_key_parts_max));
                }
                break;
            case '[':
                if (begins_header() && !header_has_name()) {
                    return stop("expected a table's name after the bracket");
                }
                [[fallthrough]];
            case '{':
                dots_ = 0;
                if (++depth_ > limits::definition_depth_max) {
                    return stop(fmt::format("arrays and tables are nested more than {} deep",
                                            limits::definition_depth_max));
                }
                break;
            case ']':
            case '}':
                dots_ = 0;
                if (depth_ > 0) --depth_;
                break;
            case '\n':
            case '=':
            case ',':
                dots_ = 0;
                break;
            default:
                if (static_cast<std::uint8_t>(c) >= 0x80) {
                    return stop("a character that is not ASCII stands outside quotes");
                }
                break;
        }
        ++at_;
    }

    bool begins_header() const {
        const std::string_view before = text_.substr(line_begin_, at_ - line_begin_);
        return depth_ == 0 && before.find_first_not_of(" \t") == before.npos;
    }

    // A bare or quoted name, or the closing bracket that toml++ has an error for.
    bool header_has_name() const {
        const std::size_t name_begin =
            text_.find_first_not_of(" \t", text_.substr(at_).starts_with("[[") ? at_ + 2 : at_ + 1);
        if (name_begin == text_.npos) return true;
        const auto c = static_cast<unsigned char>(text_[name_begin]);
        return std::isalnum(c) != 0 ||
               std::string_view("_-\"'][").find(text_[name_begin]) != text_.npos;
    }

    void open_string(char quote) {
        const bool basic = quote == '"';
        if (quotes_here(quote) >= 3) {
            state_ = basic ? State::basic_multiline : State::literal_multiline;
            at_ += 3;
        } else {
            state_ = basic ? State::basic : State::literal;
            ++at_;
        }
    }

    void string(char c, char quote) {
        if (c == '\\' && quote == '"') return skip_escaped();
        // A string that its line does not end is malformed: no parser goes on.
        if (c == quote || c == '\n') state_ = State::plain;
        ++at_;
    }

    void multiline(char c, char quote) {
        if (c == '\\' && quote == '"') return skip_escaped();
        if (c != quote) {
            ++at_;
            return;
        }
        // Up to two quotes may stand before the three that close.
        const std::size_t count = std::min<std::size_t>(quotes_here(quote), 5);
        if (count >= 3) state_ = State::plain;
        at_ += count;
    }

    // The character after a backslash, unless it has a say of its own.
    void skip_escaped() {
        ++at_;
        if (at_ < text_.size() && (text_[at_] == '\\' || text_[at_] == '"')) {
            ++at_;
            return;
        }
        // toml++ takes some characters from U+FE66 for impossible where a backslash
        // at the end of a line has swallowed the space before them.
        const std::size_t next = text_.find_first_not_of(" \t\r\n", at_);
        if (next != text_.npos && text_[next] == '\xef') {
            at_ = next;
            stop("a character from U+F000 on after a backslash is written as \\uXXXX");
        }
    }

    std::size_t quotes_here(char quote) const {
        const std::size_t end = std::min(text_.find_first_not_of(quote, at_), text_.size());
        return end - at_;
    }

    void stop(std::string message) { fault_ = {position_of(text_, at_), std::move(message)}; }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t line_begin_ = 0;
    State state_ = State::plain;
    std::size_t dots_ = 0;
    std::size_t depth_ = 0;
    std::optional<TomlFault> fault_;
};

}  // namespace

std::optional<TomlFault> find_toml_fault(std::string_view text) {
    if (text.size() > limits::definition_file_bytes_max) {
        return TomlFault{{},
                         fmt::format("the file is larger than {} MiB",
                                     limits::definition_file_bytes_max / (1024UL * 1024))};
    }
    if (!valid_utf8(text)) {
        return TomlFault{position_of(text, first_bad_byte(text)), "the text is not UTF-8"};
    }
    return Measure(text).run();
}

}  // namespace picket
