// Records drawn at random, within their limits: for properties that hold of all.

#pragma once

#include <string>

#include "agent/base/random.h"
#include "gossip/spread/record.h"

namespace picket::testing {

std::string random_text(Random& random, std::size_t bytes_max);

// Few different keys and versions, so that records of one key and equal versions are
// common.
gossip::PresenceRecord random_presence(Random& random);
gossip::ReferenceRecord random_reference(Random& random);
gossip::VoteRecord random_vote(Random& random);
gossip::SuspicionRecord random_suspicion(Random& random);
gossip::VerdictRecord random_verdict(Random& random);
gossip::EvidenceRecord random_evidence(Random& random);
gossip::NoticeRecord random_notice(Random& random);

// Of any kind.
gossip::Record random_record(Random& random);

}  // namespace picket::testing
