// Small things that everyone does to text.

#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace picket {

// Cuts `text` to at most `bytes_max` bytes without splitting a UTF-8 character.
std::string_view cut_text(std::string_view text, std::size_t bytes_max);

bool valid_utf8(std::string_view text);

// One line that a terminal and a log can show: control characters and bytes that
// are not UTF-8 become '?', at most `bytes_max` bytes.
std::string printable_line(std::string_view text, std::size_t bytes_max);

// RFC 4648, with padding.
std::string base64_encode(std::string_view bytes);

std::string_view trim(std::string_view text);

// The candidate that `word` was probably meant to be: at most two edits away and
// less than half of the word; empty where none is.
std::string_view closest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace picket
