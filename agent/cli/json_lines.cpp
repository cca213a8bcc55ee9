#include "agent/cli/json_lines.h"

#include "agent/base/version.h"

namespace picket::cli {
namespace {

void write_class(api::JsonWriter& json, checks::FailureClass failure_class) {
    if (failure_class == checks::FailureClass::none) return;
    json.field("class", checks::to_text(failure_class));
}

void write_text(api::JsonWriter& json, std::string_view name, const std::string& text) {
    if (!text.empty()) json.field(name, text);
}

void write_latency(api::JsonWriter& json, std::string_view name, std::optional<Duration> value) {
    json.key(name);
    if (value) {
        json.milliseconds(*value);
    } else {
        json.null();
    }
}

}  // namespace

api::JsonWriter& JsonLines::start(std::string_view type) {
    json_.begin_object();
    json_.field("type", type);
    if (!check_.empty()) json_.field("check", check_);
    return json_;
}

Status JsonLines::end() {
    json_.end_object();
    json_.end_line();
    ++lines_;
    if (json_.size() < buffer_bytes) return {};
    return write_(json_.take());
}

Status JsonLines::begin(const std::string& database, WallTime from, WallTime to) {
    auto& json = start("export");
    json.field("version", version);
    json.field("database", database);
    json.field("from", from);
    json.field("to", to);
    return end();
}

Status JsonLines::check(const std::string& name) {
    check_ = name;
    start("check");
    return end();
}

Status JsonLines::outcome(const storage::OutcomeRecord& outcome) {
    auto& json = start("outcome");
    json.field("at", outcome.at);
    json.field("finding", checks::to_text(outcome.finding));
    json.key("latency_ms");
    json.milliseconds(outcome.latency);
    write_class(json, outcome.failure_class);
    write_text(json, "message", outcome.message);
    return end();
}

Status JsonLines::gap(const storage::Gap& gap) {
    auto& json = start("not_observed");
    json.field("from", gap.from);
    json.field("to", gap.to);
    write_text(json, "message", gap.reason);
    return end();
}

Status JsonLines::hour(const storage::RollupPoint& hour) {
    auto& json = start("hour");
    json.field("at", hour.at);
    json.field("passed", hour.passed);
    json.field("failed", hour.failed);
    json.field("errored", hour.errored);
    json.key("not_observed_seconds");
    json.seconds(hour.length - hour.observed);
    json.key("latency_ms");
    json.begin_object();
    write_latency(json, "mean", hour.passed > 0 ? std::optional(hour.latency_mean) : std::nullopt);
    write_latency(json, "p50", hour.p50);
    write_latency(json, "p95", hour.p95);
    write_latency(json, "p99", hour.p99);
    json.end_object();
    return end();
}

Status JsonLines::transition(const storage::Transition& transition) {
    auto& json = start("transition");
    json.field("at", transition.at);
    json.field("epoch", std::uint64_t{transition.epoch});
    json.field("state", transition.state);
    json.field_or_null("outage_scope", transition.outage_scope);
    json.field_or_null("since", transition.since);
    json.field_or_null("first_failure_at", transition.first_failure);
    write_class(json, transition.failure_class);
    write_text(json, "message", transition.message);
    return end();
}

Status JsonLines::outage(const storage::Outage& outage) {
    auto& json = start("outage");
    json.field("epoch", std::uint64_t{outage.epoch});
    json.field_or_null("scope", outage.scope);
    json.field("opened_at", outage.opened);
    json.field_or_null("closed_at", outage.closed);
    json.field("first_failure_at", outage.first_failure);
    write_class(json, outage.failure_class);
    write_text(json, "message", outage.message);
    return end();
}

Status JsonLines::finish() {
    const std::uint64_t lines = lines_;
    check_.clear();
    start("end").field("lines", lines);
    PICKET_TRY(end());
    return write_(json_.take());
}

}  // namespace picket::cli
