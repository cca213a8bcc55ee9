// Documents of what is stored: history, availability and replays.

#include "agent/api/document_parts.h"
#include "agent/api/documents.h"

namespace picket::api {
namespace {

void write_seconds(JsonWriter& json, std::string_view name, Duration value) {
    json.key(name);
    json.seconds(value);
}

void write_latencies(JsonWriter& json, const std::optional<LatencyView>& latency) {
    json.key("latency_ms");
    if (!latency.has_value()) return json.null();
    json.begin_object();
    json.key("mean");
    json.milliseconds(latency->mean);
    json.key("p50");
    json.milliseconds(latency->p50);
    json.key("p95");
    json.milliseconds(latency->p95);
    json.key("p99");
    json.milliseconds(latency->p99);
    json.end_object();
}

void write_point(JsonWriter& json, const HistoryPoint& point) {
    json.begin_object();
    json.field("at", point.at);
    if (point.observed()) {
        json.field("finding", checks::to_text(point.finding));
        write_latency(json, point.latency);
        if (point.failure_class != checks::FailureClass::none) {
            write_class(json, point.failure_class);
        }
    } else {
        json.field("finding", "not_observed");
        json.field("until", *point.not_observed_until);
    }
    if (!point.message.empty()) json.field("message", point.message);
    json.end_object();
}

void write_slot(JsonWriter& json, const HistorySlot& slot) {
    json.begin_object();
    json.field("at", slot.at);
    json.field("passed", slot.passed);
    json.field("failed", slot.failed);
    json.field("errored", slot.errored);
    write_seconds(json, "not_observed_seconds", slot.not_observed);
    write_latencies(json, slot.latency);
    json.end_object();
}

void write_number_or_null(JsonWriter& json, std::string_view name, std::optional<double> value) {
    json.key(name);
    if (value.has_value()) {
        json.number(*value);
    } else {
        json.null();
    }
}

void write_budget(JsonWriter& json, const std::optional<BudgetView>& budget) {
    write_number_or_null(json, "slo", budget ? std::optional(budget->slo) : std::nullopt);
    json.key("budget");
    if (!budget.has_value()) return json.null();
    json.begin_object();
    write_seconds(json, "allowed_seconds", budget->allowed);
    write_seconds(json, "spent_seconds", budget->spent);
    json.key("remaining");
    json.number(budget->remaining());
    json.end_object();
}

void write_availability(JsonWriter& json, const AvailabilityView& view) {
    json.begin_object();
    json.field("check", view.check);
    json.field("from", view.from);
    json.field("to", view.to);
    write_number_or_null(json, "availability", view.availability());
    write_seconds(json, "up_seconds", view.up);
    write_seconds(json, "partial_seconds", view.partial);
    write_seconds(json, "down_seconds", view.down);
    write_seconds(json, "not_observed_seconds", view.not_observed);
    json.field("outages", view.outages);
    json.field("passed", view.passed);
    json.field("failed", view.failed);
    json.field("errored", view.errored);
    write_latencies(json, view.latency);
    write_budget(json, view.budget);
    json.objects("burn", view.burn, [&](const BurnView& burn) {
        write_seconds(json, "window_seconds", burn.window);
        write_number_or_null(json, "rate", burn.rate);
    });
    json.end_object();
}

void write_span(JsonWriter& json, std::string_view name, const std::optional<DecidedSpan>& span) {
    json.key(name);
    if (!span.has_value()) return json.null();
    json.begin_object();
    if (!span->id.empty()) json.field("id", span->id);
    json.field("from", span->from);
    json.field_or_null("to", span->to);
    write_class(json, span->failure_class);
    json.field("message", span->message);
    json.end_object();
}

void write_replay(JsonWriter& json, const ReplayView& view) {
    json.begin_object();
    json.field("check", view.check);
    json.field("from", view.from);
    json.field("to", view.to);
    json.flag("stored", view.stored);
    json.field("decided_by", view.meshed ? "mesh" : "this_agent");
    json.field("outcomes", view.outcomes);
    json.field("judged_otherwise", view.judged_otherwise);
    json.field("attempts_assumed", view.attempts_assumed);
    json.field("asked_at_another_interval", view.asked_otherwise);
    json.objects("not_replayed", view.untold, [&](const UntoldLimit& limit) {
        json.field("key", limit.key);
        json.field("outcomes", limit.outcomes);
    });
    write_seconds(json, "not_observed_seconds", view.not_observed);
    json.field("decided_outages", view.decided_outages);
    json.field("replayed_outages", view.replayed_outages);
    write_seconds(json, "decided_down_seconds", view.decided_down);
    write_seconds(json, "replayed_down_seconds", view.replayed_down);
    json.objects("outages", view.rows, [&](const ReplayRow& row) {
        write_span(json, "decided", row.decided);
        write_span(json, "replayed", row.replayed);
    });
    json.end_object();
}

}  // namespace

std::string history_document(const HistoryView& view) {
    JsonWriter json;
    json.begin_object();
    json.field("check", view.check);
    json.field("from", view.from);
    json.field("to", view.to);
    write_seconds(json, "resolution_seconds", view.resolution);
    json.flag("truncated", view.truncated);
    json.key("points");
    json.begin_array();
    for (const HistoryPoint& point : view.points) write_point(json, point);
    for (const HistorySlot& slot : view.slots) write_slot(json, slot);
    json.end_array();
    json.objects("outages", view.outages, [&](const OutageSpan& outage) {
        json.field("id", outage.id);
        json.field_or_null("scope", outage.scope);
        json.field("opened_at", outage.opened_at);
        json.field_or_null("closed_at", outage.closed_at);
    });
    json.end_object();
    return json.take_line();
}

std::string availability_document(const AvailabilitiesView& view) {
    JsonWriter json;
    json.begin_object();
    json.array("checks", view.checks,
               [&](const AvailabilityView& check) { write_availability(json, check); });
    json.end_object();
    return json.take_line();
}

std::string replay_document(const std::vector<ReplayView>& checks) {
    JsonWriter json;
    json.begin_object();
    json.array("checks", checks, [&](const ReplayView& check) { write_replay(json, check); });
    json.end_object();
    return json.take_line();
}

}  // namespace picket::api
