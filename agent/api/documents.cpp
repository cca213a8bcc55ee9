#include "agent/api/documents.h"

#include <algorithm>

#include "agent/api/json_writer.h"
#include "agent/base/version.h"

namespace picket::api {
namespace {

using checks::FailureClass;
using checks::Outcome;

enum class Detail { brief, full };

void write_texts(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
    json.key(name);
    json.begin_array();
    for (const std::string& text : texts) json.text(text);
    json.end_array();
}

void write_class(JsonWriter& json, FailureClass failure_class) {
    json.field_or_null("class", failure_class == FailureClass::none
                                    ? std::string_view()
                                    : checks::to_text(failure_class));
}

void write_latency(JsonWriter& json, Duration latency) {
    json.key("latency_ms");
    json.milliseconds(latency);
}

void write_details(JsonWriter& json, const Outcome& outcome) {
    json.key("phases");
    json.begin_array();
    for (const checks::Phase& phase : outcome.phases) {
        json.begin_object();
        json.field("name", phase.name);
        json.key("start_ms");
        json.milliseconds(phase.start);
        json.key("length_ms");
        json.milliseconds(phase.length);
        json.end_object();
    }
    json.end_array();
    json.key("expectations");
    json.begin_array();
    for (const checks::Expectation& expectation : outcome.expectations) {
        json.begin_object();
        json.field("what", expectation.what);
        json.field("found", expectation.found);
        json.flag("met", expectation.met);
        json.end_object();
    }
    json.end_array();
    json.key("metrics");
    json.begin_array();
    for (const checks::Metric& metric : outcome.metrics) {
        json.begin_object();
        json.field("label", metric.label);
        json.key("value");
        json.number(metric.value);
        json.field("unit", metric.unit);
        json.end_object();
    }
    json.end_array();
    json.field_or_null("detail", outcome.detail);
}

void write_outcome(JsonWriter& json, const Outcome& outcome, Detail detail) {
    json.field("finding", checks::to_text(outcome.finding));
    write_class(json, outcome.failure_class);
    write_latency(json, outcome.latency);
    json.field("message", outcome.message);
    json.field_or_null("address", outcome.address);
    if (detail == Detail::full) write_details(json, outcome);
}

void write_last(JsonWriter& json, const std::optional<LastView>& last, Detail detail) {
    json.key("last");
    if (!last.has_value()) return json.null();
    json.begin_object();
    json.field("at", last->at);
    write_outcome(json, last->outcome, detail);
    json.end_object();
}

void write_check_fields(JsonWriter& json, const CheckView& check, Detail detail) {
    json.field("name", check.name);
    json.field("type", check.type);
    json.field("scope", check.scope);
    json.field("state", check.state);
    json.field_or_null("outage_scope", check.outage_scope);
    json.field("epoch", std::uint64_t{check.epoch});
    json.field_or_null("since", check.since);
    write_texts(json, "panel", check.panel);
    json.field("ok", std::uint64_t{check.ok});
    json.field("fail", std::uint64_t{check.fail});
    json.field("abstain", std::uint64_t{check.abstain});
    write_texts(json, "zones_failing", check.zones_failing);
    write_last(json, check.last, detail);
    json.field_or_null("problem", check.problem);
    json.field("sparkline", check.sparkline);
}

void write_checks(JsonWriter& json, const std::vector<CheckView>& checks) {
    json.key("checks");
    json.begin_array();
    for (const CheckView& check : checks) {
        json.begin_object();
        write_check_fields(json, check, Detail::brief);
        json.end_object();
    }
    json.end_array();
}

void write_outage_fields(JsonWriter& json, const OutageView& outage, WallTime now) {
    json.field("id", outage.id);
    json.field("check", outage.check);
    json.field("state", outage.state);
    json.field_or_null("scope", outage.scope);
    json.field("opened_at", outage.opened_at);
    json.field_or_null("closed_at", outage.closed_at);
    json.key("duration_seconds");
    // A clock that was set back must not make an outage shorter than nothing.
    json.seconds(std::max(outage.closed_at.value_or(now) - outage.opened_at, Duration{0}));
    json.field("first_failure_at", outage.first_failure_at);
    json.key("confirmed_after_seconds");
    json.seconds(outage.opened_at - outage.first_failure_at);
    write_class(json, outage.failure_class);
    json.field("message", outage.message);
}

void write_outages(JsonWriter& json, const std::vector<OutageView>& outages, WallTime now) {
    json.key("outages");
    json.begin_array();
    for (const OutageView& outage : outages) {
        json.begin_object();
        write_outage_fields(json, outage, now);
        json.end_object();
    }
    json.end_array();
}

void write_timeline(JsonWriter& json, const std::vector<TimelineEntry>& timeline) {
    json.key("timeline");
    json.begin_array();
    for (const TimelineEntry& entry : timeline) {
        json.begin_object();
        json.field("at", entry.at);
        json.field("agent", entry.agent);
        json.field("event", entry.event);
        json.end_object();
    }
    json.end_array();
}

void write_agent(JsonWriter& json, const AgentView& agent) {
    json.key("agent");
    json.begin_object();
    json.field("name", agent.name);
    json.field("zone", agent.zone);
    json.field("version", version);
    json.flag("fit", agent.fit);
    json.field_or_null("unfit_reason", agent.unfit_reason);
    json.key("uptime_seconds");
    json.seconds(agent.uptime);
    write_texts(json, "problems", agent.problems);
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
    json.flag("quorum", mesh.quorum);
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
    write_agent(json, view.agent);
    write_mesh(json, view.mesh);
    write_checks(json, view.checks);
    write_outages(json, view.outages, now);
    json.end_object();
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
    json.key("witnesses");
    json.begin_array();
    json.begin_object();
    json.field("agent", view.agent);
    json.field("zone", view.zone);
    write_last(json, view.check.last, Detail::brief);
    json.end_object();
    json.end_array();
    json.key("latency_ms");
    json.begin_object();
    write_percentile(json, "p50", view.latency_p50_ms);
    write_percentile(json, "p95", view.latency_p95_ms);
    write_percentile(json, "p99", view.latency_p99_ms);
    json.end_object();
    write_timeline(json, view.timeline);
    json.end_object();
    return json.take_line();
}

std::string outages_document(const OutagesView& view, WallTime now) {
    JsonWriter json;
    json.begin_object();
    json.flag("truncated", view.truncated);
    write_outages(json, view.outages, now);
    json.end_object();
    return json.take_line();
}

std::string outage_document(const OutageDetailView& view, WallTime now) {
    JsonWriter json;
    json.begin_object();
    write_outage_fields(json, view.outage, now);
    json.key("votes");
    json.begin_array();
    for (const VoteView& vote : view.votes) {
        json.begin_object();
        json.field("agent", vote.agent);
        json.field("zone", vote.zone);
        json.field("vote", vote.vote);
        write_class(json, vote.failure_class);
        json.field("message", vote.message);
        json.field("at", vote.at);
        json.end_object();
    }
    json.end_array();
    json.key("roll_call");
    json.begin_object();
    json.field("asked", std::uint64_t{view.roll_call.asked});
    json.field("answered", std::uint64_t{view.roll_call.answered});
    json.field("needed", std::uint64_t{view.roll_call.needed});
    json.end_object();
    write_timeline(json, view.timeline);
    json.end_object();
    return json.take_line();
}

std::string history_document(const HistoryView& view) {
    JsonWriter json;
    json.begin_object();
    json.field("check", view.check);
    json.field("from", view.from);
    json.field("to", view.to);
    // Raw outcomes, not rollups.
    json.field("resolution_seconds", std::uint64_t{0});
    json.flag("truncated", view.truncated);
    json.key("points");
    json.begin_array();
    for (const HistoryPoint& point : view.points) {
        json.begin_object();
        json.field("at", point.at);
        json.field("finding", checks::to_text(point.finding));
        write_latency(json, point.latency);
        if (point.failure_class != FailureClass::none) write_class(json, point.failure_class);
        if (!point.message.empty()) json.field("message", point.message);
        json.end_object();
    }
    json.end_array();
    json.end_object();
    return json.take_line();
}

std::string members_document(const std::vector<MemberView>& members) {
    JsonWriter json;
    json.begin_object();
    json.key("members");
    json.begin_array();
    for (const MemberView& member : members) {
        json.begin_object();
        json.field("name", member.name);
        json.field_or_null("address", member.address);
        json.field("zone", member.zone);
        json.field("state", member.state);
        json.field_or_null("since", member.since);
        json.field("incarnation", member.incarnation);
        json.flag("picket", member.picket);
        json.field_or_null("version", member.version);
        json.flag("fit", member.fit);
        json.key("checks");
        member.checks ? json.number(std::uint64_t{*member.checks}) : json.null();
        json.end_object();
    }
    json.end_array();
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

std::string reload_document(const ReloadView& view) {
    JsonWriter json;
    json.begin_object();
    json.field("added", std::uint64_t{view.added});
    json.field("changed", std::uint64_t{view.changed});
    json.field("removed", std::uint64_t{view.removed});
    json.field("unchanged", std::uint64_t{view.unchanged});
    write_texts(json, "problems", view.problems);
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
