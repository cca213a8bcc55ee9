// Documents: all but those of outages and their reasons, and of history, which are
// documents_why.cpp's and documents_history.cpp's.

#include "agent/api/documents.h"

#include "agent/api/document_parts.h"
#include "agent/base/version.h"

namespace picket::api {
namespace {

using checks::Outcome;

void write_checks(JsonWriter& json, const std::vector<CheckView>& checks) {
    json.objects("checks", checks,
                 [&](const CheckView& check) { write_check_fields(json, check, Detail::brief); });
}

void write_agent(JsonWriter& json, const AgentView& agent) {
    json.begin_object();
    json.field("name", agent.name);
    json.field("zone", agent.zone);
    json.field("version", version);
    json.flag("fit", agent.fit);
    json.field_or_null("unfit_reason", agent.unfit_reason);
    json.key("uptime_seconds");
    json.seconds(agent.uptime);
    json.field("database", agent.database);
    json.texts("problems", agent.problems);
    json.key("counters");
    json.begin_object();
    for (const auto& [name, count] : agent.counters) json.field(name, count);
    json.end_object();
    json.end_object();
}

void write_mesh(JsonWriter& json, const MeshView& mesh) {
    json.key("mesh");
    json.begin_object();
    json.field("alive", std::uint64_t{mesh.alive});
    json.field("suspect", std::uint64_t{mesh.suspect});
    json.field("failed", std::uint64_t{mesh.failed});
    json.field("left", std::uint64_t{mesh.left});
    json.field("reference", std::uint64_t{mesh.reference});
    json.field("zones", std::uint64_t{mesh.zones});
    json.flag("quorum", mesh.quorum);
    json.field_or_null("notice", mesh.notice);
    json.texts("missing", mesh.missing);
    json.end_object();
}

void write_percentile(JsonWriter& json, std::string_view name, std::optional<double> value) {
    json.key(name);
    if (value.has_value()) {
        json.number(*value);
    } else {
        json.null();
    }
}

}  // namespace

std::string status_document(const StatusView& view, WallTime now) {
    JsonWriter json;
    json.begin_object();
    json.key("agent");
    write_agent(json, view.agent);
    write_mesh(json, view.mesh);
    write_checks(json, view.checks);
    write_outages(json, view.outages, now);
    json.end_object();
    return json.take_line();
}

std::string agent_document(const AgentView& view) {
    JsonWriter json;
    write_agent(json, view);
    return json.take_line();
}

std::string checks_document(const std::vector<CheckView>& checks) {
    JsonWriter json;
    json.begin_object();
    write_checks(json, checks);
    json.end_object();
    return json.take_line();
}

std::string show_document(const ShowView& view) {
    JsonWriter json;
    json.begin_object();
    write_check_fields(json, view.check, Detail::full);
    json.key("definition");
    json.begin_object();
    for (const auto& [key, value] : view.definition) json.field(key, value);
    json.end_object();
    write_witnesses(json, view.witnesses);
    json.key("latency_ms");
    json.begin_object();
    write_percentile(json, "p50", view.latency_p50_ms);
    write_percentile(json, "p95", view.latency_p95_ms);
    write_percentile(json, "p99", view.latency_p99_ms);
    json.end_object();
    write_timeline(json, view.timeline, std::nullopt);
    json.end_object();
    return json.take_line();
}

std::string probe_document(std::string_view check, const Outcome& outcome) {
    JsonWriter json;
    json.begin_object();
    json.field("check", check);
    write_outcome(json, outcome, Detail::full);
    json.end_object();
    return json.take_line();
}

std::string ping_document(std::string_view check, const checks::Heartbeat& heartbeat) {
    JsonWriter json;
    json.begin_object();
    json.field("check", check);
    json.field_or_null("started_at", heartbeat.started);
    json.field_or_null("success_at", heartbeat.success);
    json.field_or_null("ended_at", heartbeat.ended);
    json.flag("failing", heartbeat.failing);
    json.field("exit_code", static_cast<std::uint64_t>(heartbeat.exit_code));
    json.field("message", heartbeat.message);
    json.end_object();
    return json.take_line();
}

std::string reload_document(const ReloadView& view) {
    JsonWriter json;
    json.begin_object();
    json.field("added", std::uint64_t{view.added});
    json.field("changed", std::uint64_t{view.changed});
    json.field("removed", std::uint64_t{view.removed});
    json.field("unchanged", std::uint64_t{view.unchanged});
    json.texts("problems", view.problems);
    json.end_object();
    return json.take_line();
}

std::string event_document(const Event& event) {
    JsonWriter json;
    json.begin_object();
    json.field("at", event.at);
    json.field("type", to_text(event.type));
    if (!event.check.empty()) json.field("check", event.check);
    if (!event.agent.empty()) json.field("agent", event.agent);
    json.field_or_null("from", event.from);
    json.field_or_null("to", event.to);
    json.field("message", event.message);
    json.end_object();
    return json.take_line();
}

std::string error_document(std::string_view code, std::string_view message) {
    JsonWriter json;
    json.begin_object();
    json.key("error");
    json.begin_object();
    json.field("code", code);
    json.field("message", message);
    json.end_object();
    json.end_object();
    return json.take_line();
}

}  // namespace picket::api
