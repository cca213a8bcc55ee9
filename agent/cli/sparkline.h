// Sparkline: how a stretch of time went, drawn in one line.
//
// The steps are the characters of CheckView::sparkline.

#pragma once

#include <string>
#include <string_view>

#include "agent/api/snapshot.h"
#include "agent/cli/table.h"

namespace picket::cli {

// At most `width` columns; where there are more steps than columns, each column
// shows the worst of its steps.
Cell draw_sparkline(const Style& style, std::string_view steps, std::size_t width);

// The steps of a history, `length` of them.
std::string sparkline_of(const api::HistoryView& history, std::size_t length);

}  // namespace picket::cli
