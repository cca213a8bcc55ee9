// SharedPart: a part of picket that is loaded only where it is needed.

#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace picket::io {

// Loads the shared object `name` from where parts are installed and returns what it
// exports as `symbol`; a part stays loaded for good. It must have been built together
// with this program: `version_symbol` is the name of its version's text. Errors say
// what is missing: `picket-mysql.so is not installed (/usr/lib/picket/picket-mysql.so)`.
Result<void*> load_shared_part(std::string_view name, const char* symbol,
                               const char* version_symbol);

}  // namespace picket::io
