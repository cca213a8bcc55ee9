#pragma once

#include <string_view>

namespace picket {

// The release; the one place where it is written.
constexpr std::string_view version = "0.1.0";

}  // namespace picket
