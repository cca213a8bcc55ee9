// Rendering: what the agent said, as text for people.
//
// What is wrong comes first. Everything fits the style's width; lines that must
// not lose anything (problems, messages in full) are broken, columns are cut.
// Times are UTC, ages count from `now`. Pure: values in, text out.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/api/snapshot.h"
#include "agent/cli/display.h"

namespace picket::cli {

std::string render_status(const Style& style, WallTime now, const api::StatusView& view);
std::string render_show(const Style& style, WallTime now, const api::ShowView& view);
std::string render_outages(const Style& style, WallTime now, const api::OutagesView& view);
std::string render_outage(const Style& style, WallTime now, const api::OutageDetailView& view);
std::string render_outage_markdown(WallTime now, const api::OutageDetailView& view);
std::string render_why(const Style& style, WallTime now, const api::WhyView& view);
std::string render_history(const Style& style, const api::HistoryView& view);
std::string render_history_csv(const api::HistoryView& view);
std::string render_availability(const Style& style, const api::AvailabilitiesView& view);
// For `picketd replay`.
std::string render_replay(const Style& style, const std::vector<api::ReplayView>& checks);
std::string render_members(const Style& style, WallTime now,
                           const std::vector<api::MemberView>& members);
std::string render_keys(const Style& style, const api::KeysView& view);
std::string render_forget(const Style& style, const api::ForgetView& view);
std::string render_reload(const Style& style, const api::ReloadView& view);
std::string render_event(const Style& style, const api::Event& event);

enum class Trace : std::uint8_t { no, yes };

// Also for `picketd probe`. With the trace: how long each phase took.
std::string render_probe(const Style& style, std::string_view check, const checks::Outcome& outcome,
                         Trace trace);

}  // namespace picket::cli
