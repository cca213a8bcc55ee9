// Migration: a file of an older release becomes one of this.

#pragma once

#include <string>

#include "agent/base/result.h"

namespace picket::storage {

// Where there is a file of an older release: copies it beside itself
// (`picket.db.migrating`), brings the copy up to date, and puts it in its place. Until
// that last step, which is one rename, the file is as it was, whatever happens; a copy
// left behind by an agent that ended is removed. Needs room for the copy. Does nothing
// else. Requires that nobody else has the file open.
Status migrate_as_copy(const std::string& path);

}  // namespace picket::storage
