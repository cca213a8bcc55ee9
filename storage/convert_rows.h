// Convert rows: outcomes of the first releases, a row each, into series.

#pragma once

#include "agent/base/result.h"
#include "storage/database.h"

namespace picket::storage {

// Requires the tables of both, and that nobody else uses the file.
Status convert_outcome_rows(Database& database);

}  // namespace picket::storage
