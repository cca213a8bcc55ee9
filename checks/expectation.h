// Expectation: what an answer must hold.

#pragma once

#include <string_view>

#include "agent/base/result.h"

namespace picket::checks {

// Whether `pattern` is a regular expression (RE2 syntax) that picket can match
// with; invalid says what is wrong with it.
Status check_pattern(std::string_view pattern);

}  // namespace picket::checks
