// Documents: the agent's JSON, read back into the values it was made of.
//
// What is missing or of another type keeps its default, so that a CLI and an
// agent of different versions understand what they share. Only a text that is no
// JSON object is an error (corrupt).

#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "agent/api/snapshot.h"
#include "agent/base/result.h"

namespace picket::cli {

// An outcome and the text that its phases' names point into.
struct ProbeReport {
    std::string check;
    checks::Outcome outcome;
    std::deque<std::string> phase_names;
};

struct ShowReport {
    api::ShowView show;
    std::deque<std::string> phase_names;
};

Result<api::StatusView> read_status(std::string_view source);
Result<api::AgentView> read_agent(std::string_view source);
Result<ShowReport> read_show(std::string_view source);
Result<api::OutagesView> read_outages(std::string_view source);
Result<api::OutageDetailView> read_outage(std::string_view source);
Result<api::WhyView> read_why(std::string_view source);
Result<api::HistoryView> read_history(std::string_view source);
Result<api::AvailabilitiesView> read_availability(std::string_view source);
Result<std::vector<api::MemberView>> read_members(std::string_view source);
Result<api::KeysView> read_keys(std::string_view source);
Result<api::LeaveView> read_leave(std::string_view source);
Result<api::ForgetView> read_forget(std::string_view source);
Result<ProbeReport> read_probe(std::string_view source);
Result<api::ReloadView> read_reload(std::string_view source);
Result<api::Event> read_event(std::string_view source);

// The message of an error document; empty where `source` is none.
std::string read_error(std::string_view source);

}  // namespace picket::cli
