// Bounds on a TOML text, checked before a TOML parser sees it.
//
// A parser that recurses is brought down by 100,000 dotted parts in one key or by
// brackets nested as deep, so the text is measured first, in one pass and without
// recursion: its size, its lines, the parts of its keys, the depth of its
// brackets. Strings and comments are told apart from the rest exactly as far as a
// well-formed text needs; in a malformed one the parser stops no later than this
// reader would go astray. Characters that TOML forbids everywhere (control
// characters, bytes that are not UTF-8) are refused here, because parsers differ
// in what they take for the end of a line; so is a header without a name, which
// toml++ does not survive.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/base/problem.h"

namespace picket {

struct TomlFault {
    Position position;
    std::string message;
};

// The first reason not to hand `text` to a parser; nothing where it is bounded.
std::optional<TomlFault> find_toml_fault(std::string_view text);

}  // namespace picket
