// Salvage: everything of a damaged file that can still be read, in a fresh one.
//
// Rows are copied table by table, in the order of their keys; a row on a page that is
// damaged beyond repair (page_checksums.h) is stepped over and counted. What the lost
// rows held together is made good: a check without its head gets one that is worked out
// from its chunks and the journal, so that no outcome is counted twice; a check without
// its name gets one; ids that lost rows had are not given again.

#pragma once

#include <cstdint>
#include <string>

#include "agent/base/result.h"

namespace picket::storage {

struct Salvaged {
    std::int64_t rows = 0;
    std::int64_t stretches_lost = 0;  // Each a row, or the rows of a page or more.
};

// Reads `damaged`, with the log beside it, and changes neither. Makes `fresh`, which is
// on disk when this returns, closed and without a log; on failure nothing is left of it.
// Returns corrupt where nothing can be read, or it is no file of this release.
Result<Salvaged> salvage(const std::string& damaged, const std::string& fresh);

}  // namespace picket::storage
