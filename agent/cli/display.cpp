#include "agent/cli/display.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "agent/base/text.h"

namespace picket::cli {
namespace {

using namespace std::chrono_literals;

using Range = std::pair<char32_t, char32_t>;

// Approximations of Unicode 15's East_Asian_Width W and F, and of combining marks.
constexpr std::array<Range, 14> wide{{{0x1100, 0x115f},
                                      {0x2e80, 0x303e},
                                      {0x3041, 0x33ff},
                                      {0x3400, 0x4dbf},
                                      {0x4e00, 0x9fff},
                                      {0xa000, 0xa4cf},
                                      {0xac00, 0xd7a3},
                                      {0xf900, 0xfaff},
                                      {0xfe30, 0xfe6f},
                                      {0xff00, 0xff60},
                                      {0xffe0, 0xffe6},
                                      {0x1f300, 0x1f6ff},
                                      {0x1f900, 0x1f9ff},
                                      {0x20000, 0x3fffd}}};
constexpr std::array<Range, 4> combining{
    {{0x0300, 0x036f}, {0x1ab0, 0x1aff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}}};
// Invisible, or changing the direction of what follows.
constexpr std::array<Range, 6> treacherous{{{0x061c, 0x061c},
                                            {0x200b, 0x200f},
                                            {0x2028, 0x202e},
                                            {0x2060, 0x206f},
                                            {0xfeff, 0xfeff},
                                            {0xe0000, 0xe0fff}}};

template <std::size_t Size>
bool within(const std::array<Range, Size>& ranges, char32_t c) {
    return std::any_of(ranges.begin(), ranges.end(),
                       [c](const Range& range) { return c >= range.first && c <= range.second; });
}

// Takes the first character off `text`, which is well-formed UTF-8.
std::string_view take_character(std::string_view& text) {
    std::size_t length = 1;
    while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xc0u) == 0x80) {
        ++length;
    }
    const std::string_view character = text.substr(0, length);
    text.remove_prefix(length);
    return character;
}

char32_t code_point(std::string_view character) {
    const auto lead = static_cast<unsigned char>(character.front());
    if (character.size() == 1) return lead;
    char32_t value = lead & (0x7fu >> character.size());
    for (const char c : character.substr(1)) {
        value = (value << 6) | (static_cast<unsigned char>(c) & 0x3fu);
    }
    return value;
}

std::size_t width_of(std::string_view character) {
    const char32_t c = code_point(character);
    if (c < combining.front().first) return 1;
    if (within(combining, c)) return 0;
    return within(wide, c) ? 2 : 1;
}

// Nearly everything is: one column a byte, and nothing to be made safe.
bool plain_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// The longest beginning of `text` that takes at most `width` columns.
std::string_view prefix_of_width(std::string_view text, std::size_t width) {
    if (plain_ascii(text)) return text.substr(0, width);
    std::string_view rest = text;
    std::size_t used = 0;
    std::size_t bytes = 0;
    while (!rest.empty()) {
        const std::string_view character = take_character(rest);
        used += width_of(character);
        if (used > width) break;
        bytes += character.size();
    }
    return text.substr(0, bytes);
}

}  // namespace

std::string paint(const Style& style, Colour colour, std::string_view text) {
    if (!style.colour || colour == Colour::none || text.empty()) return std::string(text);
    constexpr std::array<int, 6> codes{0, 1, 2, 31, 32, 33};
    return fmt::format("\x1b[{}m{}\x1b[0m", codes.at(static_cast<std::size_t>(colour)), text);
}

std::string printable(const Style& style, std::string_view text) {
    if (plain_ascii(text)) return std::string(text);
    const std::string line = printable_line(text, std::numeric_limits<std::size_t>::max());
    std::string safe;
    for (std::string_view rest = line; !rest.empty();) {
        const std::string_view character = take_character(rest);
        const bool shown =
            character.size() == 1 || (style.unicode && !within(treacherous, code_point(character)));
        safe += shown ? character : "?";
    }
    return safe;
}

std::size_t display_width(std::string_view text) {
    if (plain_ascii(text)) return text.size();
    std::size_t width = 0;
    while (!text.empty()) width += width_of(take_character(text));
    return width;
}

std::string cut_to_width(const Style& style, std::string_view text, std::size_t width) {
    if (display_width(text) <= width) return std::string(text);
    const std::string_view ellipsis = style.unicode ? "…" : "...";
    const std::size_t kept = width - std::min(display_width(ellipsis), width);
    const std::string_view head = trim(prefix_of_width(text, kept));
    return std::string(head) + std::string(prefix_of_width(ellipsis, width));
}

std::vector<std::string> wrap(const Style& style, std::string_view text, std::size_t width) {
    std::vector<std::string> lines;
    const std::string safe = printable(style, text);
    std::string_view rest = trim(safe);
    while (!rest.empty()) {
        std::string_view line = prefix_of_width(rest, std::max<std::size_t>(width, 2));
        if (line.size() < rest.size() && rest[line.size()] != ' ') {
            const std::size_t blank = line.rfind(' ');
            if (blank != std::string_view::npos && blank > 0) line = line.substr(0, blank);
        }
        lines.emplace_back(trim(line));
        rest = trim(rest.substr(line.size()));
    }
    return lines;
}

std::string age(Duration duration) {
    const auto seconds = std::max(std::chrono::floor<std::chrono::seconds>(duration), 0s);
    if (seconds < 1min) return fmt::format("{}s", seconds.count());
    if (seconds < 1h) return fmt::format("{}m", seconds / 1min);
    const auto pair = [](std::int64_t high, char high_unit, std::int64_t low, char low_unit) {
        if (low == 0) return fmt::format("{}{}", high, high_unit);
        return fmt::format("{}{} {}{}", high, high_unit, low, low_unit);
    };
    if (seconds < 24h) return pair(seconds / 1h, 'h', seconds % 1h / 1min, 'm');
    const std::int64_t days = seconds / 24h;
    return pair(days, 'd', days < 10 ? seconds % 24h / 1h : 0, 'h');
}

std::string latency_text(Duration latency) {
    if (latency < 10ms) return fmt::format("{:.1f} ms", to_milliseconds(latency));
    if (latency < 1s) return fmt::format("{:.0f} ms", to_milliseconds(latency));
    return fmt::format("{:.1f} s", to_seconds(latency));
}

std::string time_text(WallTime time) {
    std::string text = format_time(time).substr(0, 19);
    text[10] = ' ';
    return text;
}

}  // namespace picket::cli
