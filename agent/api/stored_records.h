// StoredRecords: what the mesh agreed on, as an agent's database has it.
//
// For the command line that reads the file where no agent answers. Records are stored by the
// keys that they have in the mesh; which key a check has is a fact beside them, so that nobody
// who only reads needs to work it out. What is not stored, or is a newer version's, is absent.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/api/snapshot.h"
#include "agent/base/result.h"
#include "gossip/spread/record.h"
#include "storage/history_reader.h"
#include "storage/records.h"

namespace picket::api {

// As storage has the key of a record.
std::string storage_key(const gossip::RecordKey& key);

// That a check of this name has this key.
storage::AgentFact check_key_fact(std::string_view name, gossip::CheckKey key);

// The verdict that is held.
Result<std::optional<gossip::VerdictRecord>> read_verdict(storage::HistoryReader& reader,
                                                          const std::string& name);

// What was on the table whenever a version of the epoch was written, as far as that is known; in
// the order of versions.
Result<std::vector<EvidenceView>> read_evidence_of_epoch(storage::HistoryReader& reader,
                                                         const std::string& name,
                                                         std::uint32_t epoch);

// What was on the table when the epoch began.
Result<std::optional<EvidenceView>> read_evidence(storage::HistoryReader& reader,
                                                  const std::string& name, std::uint32_t epoch);

}  // namespace picket::api
