// Percent-encoding, as in the paths and queries of the local API (RFC 3986).

#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace picket {

// Replaces %XX. Returns invalid for a malformed or a NUL escape, and for what is
// not UTF-8 afterwards. A plus stands for itself.
Result<std::string> percent_decode(std::string_view text);

// Escapes all but the unreserved characters.
std::string percent_encode(std::string_view text);

}  // namespace picket
