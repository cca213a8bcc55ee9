#include "agent/api/document_parts.h"

#include <algorithm>

namespace picket::api {
namespace {

using checks::FailureClass;
using checks::Outcome;

void write_details(JsonWriter& json, const Outcome& outcome) {
    json.objects("phases", outcome.phases, [&](const checks::Phase& phase) {
        json.field("name", phase.name);
        json.key("start_ms");
        json.milliseconds(phase.start);
        json.key("length_ms");
        json.milliseconds(phase.length);
    });
    json.objects("expectations", outcome.expectations, [&](const checks::Expectation& expectation) {
        json.field("what", expectation.what);
        json.field("found", expectation.found);
        json.flag("met", expectation.met);
    });
    json.objects("metrics", outcome.metrics, [&](const checks::Metric& metric) {
        json.field("label", metric.label);
        json.key("value");
        json.number(metric.value);
        json.field("unit", metric.unit);
    });
    json.field_or_null("detail", outcome.detail);
}

void write_last(JsonWriter& json, const std::optional<LastView>& last, Detail detail) {
    json.key("last");
    if (!last.has_value()) return json.null();
    json.begin_object();
    json.field("at", last->at);
    write_outcome(json, last->outcome, detail);
    json.end_object();
}

void write_drift(JsonWriter& json, const std::vector<DriftView>& drift) {
    json.objects("drift", drift, [&](const DriftView& definition) {
        json.field("fingerprint", definition.fingerprint);
        json.flag("active", definition.active);
        json.texts("carriers", definition.carriers);
        json.texts("terms", definition.terms);
    });
}

// Another agent tells what it found by its vote, without how long it took.
void write_last_by_vote(JsonWriter& json, const std::optional<VoteView>& vote) {
    json.key("last");
    if (!vote.has_value() || vote->vote == "abstain") return json.null();
    json.begin_object();
    json.field("at", vote->at);
    json.field("finding", vote->vote == "ok" ? "passed" : "failed");
    write_class(json, vote->failure_class);
    json.key("latency_ms");
    json.null();
    json.field("message", vote->message);
    json.end_object();
}

}  // namespace

void write_class(JsonWriter& json, FailureClass failure_class) {
    json.field_or_null("class", failure_class == FailureClass::none
                                    ? std::string_view()
                                    : checks::to_text(failure_class));
}

void write_latency(JsonWriter& json, Duration latency) {
    json.key("latency_ms");
    json.milliseconds(latency);
}

void write_outcome(JsonWriter& json, const Outcome& outcome, Detail detail) {
    json.field("finding", checks::to_text(outcome.finding));
    write_class(json, outcome.failure_class);
    write_latency(json, outcome.latency);
    json.field("message", outcome.message);
    json.field_or_null("address", outcome.address);
    if (detail == Detail::full) write_details(json, outcome);
}

void write_check_fields(JsonWriter& json, const CheckView& check, Detail detail) {
    json.field("name", check.name);
    json.field("type", check.type);
    json.field("scope", check.scope);
    json.field("state", check.state);
    json.field_or_null("unknown_reason", check.unknown_reason);
    json.field_or_null("last_verdict", check.last_verdict);
    json.field_or_null("outage_scope", check.outage_scope);
    json.field("epoch", std::uint64_t{check.epoch});
    json.field_or_null("since", check.since);
    json.texts("panel", check.panel);
    json.field("quorum", std::uint64_t{check.quorum});
    json.field("backing", to_text(check.backing));
    json.field("ok", std::uint64_t{check.ok});
    json.field("fail", std::uint64_t{check.fail});
    json.field("abstain", std::uint64_t{check.abstain});
    write_discounts(json, "abstaining", check.abstaining);
    json.texts("zones_failing", check.zones_failing);
    json.texts("zones_passing", check.zones_passing);
    write_drift(json, check.drift);
    write_last(json, check.last, detail);
    json.flag("carried", check.carried);
    json.field_or_null("problem", check.problem);
    json.field("sparkline", check.sparkline);
}

void write_outage_fields(JsonWriter& json, const OutageView& outage, WallTime now) {
    json.field("id", outage.id);
    json.field("check", outage.check);
    json.field("state", outage.state);
    json.field_or_null("scope", outage.scope);
    json.field("opened_at", outage.opened_at);
    json.field_or_null("closed_at", outage.closed_at);
    // A clock that was set back must not make anything shorter than nothing.
    json.key("duration_seconds");
    json.seconds(std::max(outage.closed_at.value_or(now) - outage.opened_at, Duration{0}));
    json.field("first_failure_at", outage.first_failure_at);
    json.key("confirmed_after_seconds");
    json.seconds(std::max(outage.opened_at - outage.first_failure_at, Duration{0}));
    write_class(json, outage.failure_class);
    json.field("message", outage.message);
    json.field_or_null("backing", outage.backing ? to_text(*outage.backing) : std::string_view());
    json.texts("zones_failing", outage.zones_failing);
}

void write_outages(JsonWriter& json, const std::vector<OutageView>& outages, WallTime now) {
    json.objects("outages", outages,
                 [&](const OutageView& outage) { write_outage_fields(json, outage, now); });
}

void write_discounts(JsonWriter& json, std::string_view name,
                     const std::vector<DiscountView>& discounts) {
    json.objects(name, discounts, [&](const DiscountView& discount) {
        json.field("agent", discount.agent);
        json.field("reason", discount.reason);
    });
}

void write_witnesses(JsonWriter& json, const std::vector<WitnessView>& witnesses) {
    json.objects("witnesses", witnesses, [&](const WitnessView& witness) {
        json.field("agent", witness.agent);
        json.field("zone", witness.zone);
        json.flag("seated", witness.seated);
        json.flag("fit", witness.fit);
        json.field_or_null("unfit_reason", witness.unfit_reason);
        json.field_or_null("vote", witness.vote.has_value() ? std::string_view(witness.vote->vote)
                                                            : std::string_view());
        json.field_or_null(
            "voted_at", witness.vote.has_value() ? std::optional(witness.vote->at) : std::nullopt);
        // Why it abstains is its vote's message; what failed is its last outcome's.
        json.field_or_null("message", witness.vote.has_value()
                                          ? std::string_view(witness.vote->message)
                                          : std::string_view());
        if (witness.last.has_value()) {
            write_last(json, witness.last, Detail::brief);
        } else {
            write_last_by_vote(json, witness.vote);
        }
    });
}

void write_timeline(JsonWriter& json, const std::vector<TimelineEntry>& timeline,
                    std::optional<WallTime> begins_at) {
    json.objects("timeline", timeline, [&](const TimelineEntry& entry) {
        json.field("at", entry.at);
        if (begins_at.has_value()) {
            json.key("after_ms");
            json.milliseconds(entry.at - *begins_at);
        }
        json.field("agent", entry.agent);
        json.field("event", entry.event);
    });
}

}  // namespace picket::api
