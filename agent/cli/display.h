// Display: text for a terminal, or for whatever stands in for one.
//
// Everything that came from elsewhere goes through printable() before it is
// shown, so that no check's answer can move the cursor, colour the screen or turn
// the line around. Widths are in terminal columns. Pure.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/time.h"

namespace picket::cli {

// How to write for the reader at hand.
struct Style {
    bool colour = false;
    bool unicode = true;  // Otherwise ASCII only.
    std::size_t width = 100;
};

enum class Colour : std::uint8_t { none, bold, dim, red, green, yellow };

std::string paint(const Style& style, Colour colour, std::string_view text);

// One line without control characters, nor those that are invisible or change
// the direction of writing; in ASCII where the style asks for it.
std::string printable(const Style& style, std::string_view text);

// Columns that `text`, which must be printable, takes: two for wide characters,
// none for combining ones.
std::size_t display_width(std::string_view text);

// Cut to `width` columns, an ellipsis at the end where something is missing.
std::string cut_to_width(const Style& style, std::string_view text, std::size_t width);

// Printable lines of at most `width` columns, broken at blanks where there are any.
std::vector<std::string> wrap(const Style& style, std::string_view text, std::size_t width);

std::string age(Duration duration);          // "42s", "5m", "2h 5m", "3d 4h", "40d"
std::string latency_text(Duration latency);  // "0.4 ms", "12 ms", "1.2 s"
std::string time_text(WallTime time);        // "2026-11-23 03:00:00", UTC

}  // namespace picket::cli
