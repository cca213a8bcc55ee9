// OutageAnswers: what is stored of outages, as the API shows it.
//
// Used by the agent and by the command line that reads the file where no agent answers: both
// give the same answer, and so does every agent of a mesh. `name` is a check as it is stored,
// "root@web-03". Each waits for the disk. Errors are storage's: not_found (no such check or
// outage), io, corrupt.

#pragma once

#include <cstdint>
#include <string>

#include "agent/api/snapshot.h"
#include "agent/base/result.h"
#include "storage/history_reader.h"

namespace picket::api {

// Who was the only witness of what no mesh decided.
struct OnlyWitness {
    std::string agent;
    std::string zone{};
};

Result<OutagesView> read_outages(storage::HistoryReader& reader, const OutagesQuery& query);

// With what was on the table when it was opened, and when it was closed.
Result<OutageDetailView> read_outage(storage::HistoryReader& reader, const std::string& name,
                                     std::uint32_t epoch, const OnlyWitness& witness);

// Into `view`, whose epoch is chosen: the outage that this is or that it ended, and the
// evidence of it where there is none yet. Nothing where nothing is stored of it.
Status add_stored(storage::HistoryReader& reader, const std::string& name,
                  const OnlyWitness& witness, WhyView& view);

}  // namespace picket::api
