// HistoryAnswers: what the API says of what is stored, read from the database.
//
// Used by the agent and by the command line that reads the file where no agent answers: both
// give the same answer. `name` is a check as it is stored, "root@web-03". Each waits for the
// disk. Errors are storage's: not_found (no such check), io, corrupt.

#pragma once

#include <string>

#include "agent/api/availability.h"
#include "agent/api/history_views.h"
#include "agent/base/result.h"
#include "storage/history_reader.h"

namespace picket::api {

// The length of the slots into which a window is cut: of a ladder of whole units, the finest
// that is not below `least` and makes at most `slots_max` of it.
Duration slot_length(Duration window, Duration least, std::size_t slots_max);

// Single outcomes where there are at most history_points_max of them, else slots.
Result<HistoryView> read_history(storage::HistoryReader& reader, const std::string& name,
                                 const HistoryQuery& query);

Result<AvailabilityView> read_availability(storage::HistoryReader& reader, const std::string& name,
                                           const AvailabilityQuery& query);

// Of a check that nothing is stored of yet.
AvailabilityView never_observed(const std::string& name, const AvailabilityQuery& query);

// Who decided the outages that are stored of it.
Result<Judge> judge_of(storage::HistoryReader& reader, const std::string& name);

// Those that touch the window, oldest first.
Result<std::vector<storage::Outage>> outages_in(storage::HistoryReader& reader,
                                                const std::string& name, WallTime from,
                                                WallTime to);

// All of the window, oldest first.
Result<std::vector<storage::Transition>> transitions_in(storage::HistoryReader& reader,
                                                        const std::string& name, WallTime from,
                                                        WallTime to);

}  // namespace picket::api
