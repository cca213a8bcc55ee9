// What stands behind a verdict, as sections of text: votes, abstentions, the course in
// milliseconds, who witnesses now.

#pragma once

#include <string>
#include <vector>

#include "agent/api/snapshot.h"
#include "agent/cli/display.h"

namespace picket::cli {

// "2026-11-23 02:59:46.813 UTC"
std::string moment_text(WallTime time);

// `text` as a sentence: a capital first, a full stop last.
std::string sentence(std::string text);

// What the failing witnesses were told, in full: "a1, a3: connect ...: connection refused".
std::string findings_text(const Style& style, const std::vector<api::VoteView>& votes);

std::string votes_text(const Style& style, const api::EvidenceView& evidence);
std::string discounts_text(const Style& style, std::string_view title,
                           const std::vector<api::DiscountView>& discounts);
std::string course_text(const Style& style, const api::EvidenceView& evidence);

// The panel, each with its latest vote.
std::string witnesses_text(const Style& style, WallTime now, std::string_view title,
                           const std::vector<api::WitnessView>& witnesses);

// How many witnesses of each zone say what; nothing for one zone.
std::string zone_matrix_text(const Style& style, const std::vector<api::WitnessView>& witnesses);

}  // namespace picket::cli
