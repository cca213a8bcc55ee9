// Explain: the reason for a verdict, in sentences for whoever was woken by it.
//
// What the documents carry as `reason` and `outlook`, and the command line prints. Pure;
// texts that came from elsewhere are passed on as they are, for the reader to make safe.

#pragma once

#include <string>
#include <vector>

#include "agent/api/snapshot.h"
#include "agent/base/result.h"

namespace picket::api {

// The rule that wrote the verdict, with its numbers: "3 of 5 witnesses failed it, 3
// needed, in zones a, b; roll call 12 of 12 answered, 7 needed".
std::string reason_text(const EvidenceView& evidence);

// Which verdict is asked about, where `view.check` is what is held. Not found: none of the kind
// has come yet.
Status choose_version(WhyView& view, const WhyQuery& query);

// Puts into it what explains it, of all that is known of its epoch, in the order of versions.
void add_evidence(WhyView& view, const std::vector<EvidenceView>& known);

// Why the verdict asked about is, or was, held; of one that is held, also why the check
// is unknown or degraded.
std::string reason_text(const WhyView& view);

// What would change the verdict held; what came after one that is not held any more.
std::string outlook_text(const WhyView& view);

// Why a check is unknown, in a sentence's words. Empty where it is not.
std::string unknown_text(const CheckView& check);

}  // namespace picket::api
