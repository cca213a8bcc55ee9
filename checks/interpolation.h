// Interpolation: {{name}} in a text stands for what was captured before.
//
// For texts that a check sends: a later step of a dialogue or a journey repeats
// what an earlier answer said. Names are letters, digits, '_' and '-'. A text
// without {{ is itself. Pure.

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/result.h"

namespace picket::checks {

using Captures = std::vector<std::pair<std::string, std::string>>;  // The last of a name counts.

// Returns not_found for a name that nothing was captured under.
Result<std::string> interpolate(std::string_view text, const Captures& captures);

// The names in `text`, in order; invalid where a {{ has no }} or no name.
Result<std::vector<std::string>> interpolated_names(std::string_view text);

}  // namespace picket::checks
