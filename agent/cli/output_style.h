// How to write for whoever reads standard output: a terminal, its width and its
// locale, or a file.

#pragma once

#include "agent/cli/display.h"

namespace picket::cli {

enum class ColourWish : std::uint8_t { fitting, none };

// Colour only on a terminal, never with NO_COLOR; Unicode where the locale has it.
// ColourWish::none asks for plain ASCII. Sets the process's LC_CTYPE.
Style output_style(ColourWish wish);

bool output_is_terminal();

}  // namespace picket::cli
