#include "agent/api/json_writer.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <iterator>

#include "agent/base/text.h"

namespace picket::api {
namespace {

// What stands for itself: nearly all that is ever written, so it is looked up.
constexpr auto plain_bytes = [] {
    std::array<bool, 256> plain{};
    for (std::size_t byte = 0x20; byte < 0x7f; ++byte) plain[byte] = byte != '"' && byte != '\\';
    return plain;
}();

bool plain(char c) {
    return plain_bytes[static_cast<unsigned char>(c)];
}

// The well-formed UTF-8 character at the start of `text`; empty where there is none.
std::string_view character(std::string_view text) {
    for (std::size_t length = 2; length <= 4 && length <= text.size(); ++length) {
        if (valid_utf8(text.substr(0, length))) return text.substr(0, length);
    }
    return {};
}

void append_escaped(std::string& out, char c) {
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
    }
}

void append_whole(std::string& out, std::uint64_t value) {
    const fmt::format_int digits(value);
    out.append(digits.data(), digits.size());
}

}  // namespace

void JsonWriter::separate() {
    if (value_written_) text_.push_back(',');
    value_written_ = true;
}

void JsonWriter::open(char bracket) {
    separate();
    text_.push_back(bracket);
    value_written_ = false;
}

void JsonWriter::close(char bracket) {
    text_.push_back(bracket);
    value_written_ = true;
}

void JsonWriter::literal(std::string_view value) {
    separate();
    text_ += value;
}

void JsonWriter::key(std::string_view name) {
    text(name);
    text_.push_back(':');
    value_written_ = false;
}

void JsonWriter::text(std::string_view value) {
    separate();
    text_.push_back('"');
    while (!value.empty()) {
        std::size_t run = 0;
        while (run < value.size() && plain(value[run])) ++run;
        text_ += value.substr(0, run);
        value.remove_prefix(run);
        if (value.empty()) break;
        if (static_cast<unsigned char>(value.front()) < 0x80) {
            append_escaped(text_, value.front());
            value.remove_prefix(1);
        } else if (const std::string_view one = character(value); !one.empty()) {
            text_ += one;
            value.remove_prefix(one.size());
        } else {
            text_ += "\xef\xbf\xbd";
            value.remove_prefix(1);
        }
    }
    text_.push_back('"');
}

void JsonWriter::number(std::uint64_t value) {
    separate();
    append_whole(text_, value);
}

void JsonWriter::number(double value) {
    if (!std::isfinite(value)) return null();
    separate();
    fmt::format_to(std::back_inserter(text_), "{}", value);
}

void JsonWriter::time(WallTime value) {
    text(format_time(value));
}

void JsonWriter::milliseconds(Duration value) {
    thousandths(value.count());
}

void JsonWriter::seconds(Duration value) {
    thousandths(std::chrono::floor<std::chrono::milliseconds>(value).count());
}

// Exact, where a double would show 0.30000000000000004.
void JsonWriter::thousandths(std::int64_t value) {
    separate();
    if (value < 0) text_.push_back('-');
    const std::uint64_t size =
        value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    append_whole(text_, size / 1000);
    if (size % 1000 == 0) return;
    text_.push_back('.');
    append_whole(text_, 1000 + size % 1000);
    text_.erase(text_.size() - 4, 1);  // The one that kept the zeros in front.
    while (text_.back() == '0') text_.pop_back();
}

void JsonWriter::field_or_null(std::string_view name, std::string_view value) {
    key(name);
    if (value.empty()) {
        null();
    } else {
        text(value);
    }
}

void JsonWriter::field_or_null(std::string_view name, const std::optional<WallTime>& value) {
    key(name);
    if (value.has_value()) {
        time(*value);
    } else {
        null();
    }
}

void JsonWriter::end_line() {
    text_.push_back('\n');
    value_written_ = false;
}

std::string JsonWriter::take_line() {
    end_line();
    return take();
}

}  // namespace picket::api
