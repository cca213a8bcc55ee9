// Stored: what the database says where no agent answers.
//
// The same views as the agent's, read straight from its file, read-only. Errors
// are storage's: not_found (no such file or check), io, corrupt.

#pragma once

#include <string>

#include "agent/api/snapshot.h"
#include "agent/base/result.h"

namespace picket::storage {
class HistoryReader;
}  // namespace picket::storage

namespace picket::cli {

// As the file has it: `check` may leave out the agent of a host check ("root" for
// "root@web-03") where that is the only one.
Result<std::string> stored_name(storage::HistoryReader& reader, const std::string& check);

// `query.check` may leave out the agent of a host check ("root" for "root@web-03")
// where that is the only one.
Result<api::HistoryView> read_stored_history(const std::string& database,
                                             const api::HistoryQuery& query);

// Of all checks that are stored where the query names none.
Result<api::AvailabilitiesView> read_stored_availability(const std::string& database,
                                                         api::AvailabilityQuery query);

Result<api::OutagesView> read_stored_outages(const std::string& database,
                                             const api::OutagesQuery& query);

// `id` is "homepage#7".
Result<api::OutageDetailView> read_stored_outage(const std::string& database,
                                                 const std::string& id);

// What is held is the newest verdict stored. Who witnesses a check is not stored.
Result<api::WhyView> read_stored_why(const std::string& database, const api::WhyQuery& query);

}  // namespace picket::cli
