// ReplayStored: definitions replayed on what a database holds.

#pragma once

#include <string>
#include <vector>

#include "agent/api/history_views.h"
#include "agent/base/result.h"
#include "checks/definition.h"

namespace picket {

// In the order of the definitions. One of a name that the file does not know is told as not
// stored. Reads only, beside an agent or without one, and in memory no more than a part of a
// check. Requires from <= to. Errors are storage's.
Result<std::vector<api::ReplayView>> replay_stored(
    const std::string& database, const std::vector<const checks::Definition*>& definitions,
    WallTime from, WallTime to);

}  // namespace picket
