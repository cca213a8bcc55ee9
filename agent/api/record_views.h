// RecordViews: what the mesh's records say, as the API shows it.
//
// Pure, and used by the agent and by the command line that reads the database where no
// agent answers: both say the same of the same verdict.

#pragma once

#include <string_view>

#include "agent/api/snapshot.h"
#include "gossip/spread/record.h"

namespace picket::api {

// `none` for a class of a newer version.
checks::FailureClass failure_class_of(gossip::FailureCode code);
Backing backing_of(gossip::Backing backing);

EvidenceView evidence_view(const gossip::EvidenceRecord& record);

// What stands behind an outage of which only the evidence is known.
Backing backing_of(const EvidenceView& opening);

// The outage of a verdict: the one that it is, else the one that it ended. Requires an
// epoch above 0. The message is the opening's, where that is known.
OutageView outage_view(std::string_view check, const gossip::VerdictRecord& verdict,
                       const EvidenceView* opening);

// Puts a verdict that is held into the status of its check: epoch, state, since, scope,
// zones, backing.
void show_verdict(CheckView& check, const gossip::VerdictRecord& verdict);

}  // namespace picket::api
