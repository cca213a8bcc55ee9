// Drop-in files: which of several directories' files count.
//
// systemd's rule. Only visible files named *.toml count. A file replaces one of
// the same name in an earlier directory; an empty one, or a link to /dev/null,
// masks it and counts for nothing itself. What is left is ordered by name,
// whatever directory it comes from. Pure: reading is agent/io/drop_in_directory.

#pragma once

#include <vector>

#include "agent/base/drop_in_file.h"

namespace picket::checks {

// The files that count, ordered by name. `directories` come in the order in which
// later ones replace earlier ones.
std::vector<DropInFile> effective_files(std::vector<std::vector<DropInFile>> directories);

}  // namespace picket::checks
