// Documents: the JSON that the API serves and `picket --json` prints.
//
// Each function writes one document of docs/API.md, on one line, with a line feed
// at its end. Field names are promises. `now` gives an open outage its length.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/api/snapshot.h"
#include "checks/heartbeat.h"

namespace picket::api {

std::string status_document(const StatusView& view, WallTime now);
std::string agent_document(const AgentView& view);
std::string checks_document(const std::vector<CheckView>& checks);
std::string show_document(const ShowView& view);
std::string outages_document(const OutagesView& view, WallTime now);
std::string outage_document(const OutageDetailView& view, WallTime now);
std::string why_document(const WhyView& view, WallTime now);
std::string history_document(const HistoryView& view);
std::string availability_document(const AvailabilitiesView& view);
std::string replay_document(const std::vector<ReplayView>& checks);
std::string members_document(const std::vector<MemberView>& members);
std::string keys_document(const KeysView& view);
std::string leave_document(const LeaveView& view);
std::string forget_document(const ForgetView& view);
std::string probe_document(std::string_view check, const checks::Outcome& outcome);
std::string ping_document(std::string_view check, const checks::Heartbeat& heartbeat);
std::string reload_document(const ReloadView& view);
std::string event_document(const Event& event);
std::string error_document(std::string_view code, std::string_view message);

}  // namespace picket::api
