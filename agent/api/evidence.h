// Evidence: what was on the table when a verdict was written, as people read it.
//
// Pure, and used by the agent and by the command line that reads the database where no
// agent answers: both say the same of the same outage.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/api/snapshot.h"
#include "gossip/agreement/verdict.h"
#include "storage/records.h"

namespace picket::api {

// "ok", "fail", "abstain"
std::string_view vote_text(gossip::Vote vote);

struct OutageId {
    std::string check;
    std::uint32_t epoch = 0;
};
// "homepage#7". Absent where it is none.
std::optional<OutageId> parse_outage_id(std::string_view id);

// What stands behind it is not stored with it.
OutageView outage_view(const storage::Outage& stored);

// Of an outage that its only witness opened and closed by itself.
EvidenceView lone_opening(const OutageView& outage, const std::string& agent,
                          const std::string& zone);
// Requires that the outage is closed.
EvidenceView lone_closing(const OutageView& outage, const std::string& agent,
                          const std::string& zone);

}  // namespace picket::api
