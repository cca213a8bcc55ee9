// RecordViews: what the mesh's records say, as the API shows it.
//
// Pure, and used by the agent and by the command line that reads the database where no
// agent answers: both say the same of the same verdict.

#pragma once

#include <string>
#include <string_view>

#include "agent/api/snapshot.h"
#include "gossip/spread/record.h"

namespace picket::api {

// `none` for a class of a newer version.
checks::FailureClass failure_class_of(gossip::FailureCode code);
Backing backing_of(gossip::Backing backing);
// "total", "partial"; empty where it is none.
std::string_view scope_text(gossip::OutageScope scope);

// What an agent last said, of whose vote the age is as of `now`.
VoteView vote_view(const gossip::VoteRecord& vote, const std::string& agent,
                   const std::string& zone, WallTime now);

EvidenceView evidence_view(const gossip::EvidenceRecord& record);

// Of an outage of which only the evidence is known: what stands behind it; how far it goes, by
// the newest evidence of it; the commonest kind of failure, of several that of the best rank;
// what the failing witnesses found, as the first of them said it, empty where none failed.
Backing backing_of(const EvidenceView& opening);
std::string_view scope_of(const EvidenceView& evidence);
checks::FailureClass failure_class_of(const EvidenceView& evidence);
std::string first_failure(const EvidenceView& evidence);

// Puts a verdict that is held into the status of its check: epoch, state, since, scope,
// zones, backing.
void show_verdict(CheckView& check, const gossip::VerdictRecord& verdict);

}  // namespace picket::api
