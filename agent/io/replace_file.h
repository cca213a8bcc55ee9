// Replacing a small file whole: whoever reads it finds the old text or the new one.

#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace picket::io {

// Writes `path`.new, waits until it is on the disk, and puts it in the place of
// `path`. Blocks as long as the disk does. After an error (io) `path` is as it was.
Status replace_file(const std::string& path, std::string_view text, mode_t mode);

}  // namespace picket::io
