// What the renderings share: states and their colours, marks, paragraphs.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/api/snapshot.h"
#include "agent/cli/table.h"

namespace picket::cli {

Colour colour_of_state(std::string_view state);
Colour colour_of(checks::Finding finding);

// "failed (refused)", "passed"
std::string finding_text(checks::Finding finding, checks::FailureClass failure_class);

// A tick or a cross; + or x in ASCII.
Cell mark(const Style& style, bool good);

// "1 outage", "2 outages"
std::string counted(std::uint64_t count, std::string_view noun);

// Between the parts of a line: a middle dot, or a hyphen in ASCII.
std::string_view separator(const Style& style);

// `text` broken into lines, each with `indent` blanks before it.
std::string paragraph(const Style& style, std::string_view text, std::size_t indent);

std::string heading(const Style& style, std::string_view text);

// Names whose definitions differ between agents.
std::string drift_text(const Style& style, const std::vector<const api::CheckView*>& checks);

std::string timeline_text(const Style& style, const std::vector<api::TimelineEntry>& timeline);
std::string expectations_text(const Style& style, const checks::Outcome& outcome);
std::string metrics_text(const Style& style, const checks::Outcome& outcome);
// `detail` keeps its lines.
std::string detail_text(const Style& style, std::string_view detail);

}  // namespace picket::cli
