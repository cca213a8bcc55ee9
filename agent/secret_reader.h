// Where substitutions read from: the environment, files, systemd's credentials.

#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "checks/substitution.h"

namespace picket {

// A checks::SecretReader. Waits for the disk. Errors say why in words that can be
// shown, and never what was read.
Result<std::string> read_secret(checks::Source source, std::string_view name);

}  // namespace picket
