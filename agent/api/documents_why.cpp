// Documents of outages, and of the reasons for verdicts.

#include "agent/api/document_parts.h"
#include "agent/api/documents.h"
#include "agent/api/explain.h"

namespace picket::api {
namespace {

void write_vote(JsonWriter& json, const VoteView& vote) {
    json.begin_object();
    json.field("agent", vote.agent);
    json.field("zone", vote.zone);
    json.field("vote", vote.vote);
    write_class(json, vote.failure_class);
    json.field("message", vote.message);
    json.field("at", vote.at);
    json.end_object();
}

void write_roll_call(JsonWriter& json, const RollCallView& roll_call) {
    json.key("roll_call");
    json.begin_object();
    json.field("asked", std::uint64_t{roll_call.asked});
    json.field("answered", std::uint64_t{roll_call.answered});
    json.field("needed", std::uint64_t{roll_call.needed});
    json.end_object();
}

// Into the object that is open, which so is the evidence too; without evidence the lists
// are empty and the rest is null.
void write_evidence(JsonWriter& json, const std::optional<EvidenceView>& known) {
    static const EvidenceView none;
    const EvidenceView& evidence = known.has_value() ? *known : none;
    json.field_or_null("rule", evidence.rule);
    json.field("panel_size", std::uint64_t{known.has_value() ? evidence.panel : 0});
    json.field("quorum", std::uint64_t{known.has_value() ? evidence.quorum : 0});
    json.field_or_null("begins_at",
                       known.has_value() ? std::optional(evidence.begins_at) : std::nullopt);
    json.field_or_null("decided_at",
                       known.has_value() ? std::optional(evidence.decided_at) : std::nullopt);
    json.field_or_null("decided_by", evidence.decided_by);
    json.array("votes", evidence.votes, [&](const VoteView& vote) { write_vote(json, vote); });
    write_discounts(json, "discounted", evidence.discounted);
    if (known.has_value()) {
        write_roll_call(json, evidence.roll_call);
    } else {
        json.key("roll_call");
        json.null();
    }
    write_timeline(json, evidence.timeline, evidence.begins_at);
}

void write_versions(JsonWriter& json, const std::vector<VersionView>& versions) {
    json.objects("versions", versions, [&](const VersionView& version) {
        json.field("sub", std::uint64_t{version.sub});
        json.field("rule", version.rule);
        json.field("decided_at", version.decided_at);
        json.field_or_null("decided_by", version.decided_by);
        json.field("reason", version.reason);
    });
}

// An outage's members where there has been none.
void write_no_outage(JsonWriter& json, std::string_view check) {
    json.field_or_null("id", "");
    json.field("check", check);
    for (const char* name :
         {"state", "scope", "opened_at", "closed_at", "duration_seconds", "first_failure_at",
          "confirmed_after_seconds", "class", "message", "backing"}) {
        json.field_or_null(name, "");
    }
    json.texts("zones_failing", {});
}

void write_count(JsonWriter& json, std::string_view name,
                 const std::optional<std::uint32_t>& count) {
    if (count) return json.field(name, std::uint64_t{*count});
    json.field_or_null(name, std::string_view());
}

}  // namespace

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
    json.field_or_null("reason",
                       view.opening.has_value() ? reason_text(*view.opening) : std::string());
    write_evidence(json, view.opening);
    json.key("closing");
    if (view.closing.has_value()) {
        json.begin_object();
        json.field("reason", reason_text(*view.closing));
        write_evidence(json, view.closing);
        json.end_object();
    } else {
        json.null();
    }
    json.end_object();
    return json.take_line();
}

std::string why_document(const WhyView& view, WallTime now) {
    JsonWriter json;
    json.begin_object();
    if (view.outage.has_value()) {
        write_outage_fields(json, *view.outage, now);
    } else {
        write_no_outage(json, view.check.name);
    }
    json.field("epoch", std::uint64_t{view.epoch});
    json.field("sub", std::uint64_t{view.sub});
    json.flag("held", view.held);
    json.flag("live", view.live);
    json.field("reason", reason_text(view));
    json.field("outlook", outlook_text(view));
    write_evidence(json, view.evidence);
    write_versions(json, view.versions);
    json.key("current");
    json.begin_object();
    write_check_fields(json, view.check, Detail::brief);
    write_witnesses(json, view.witnesses);
    json.field_or_null("closes_not_before", view.closes_not_before);
    write_count(json, "fail_after", view.fail_after);
    write_count(json, "recover_after", view.recover_after);
    json.field_or_null("notice", view.notice);
    json.end_object();
    json.end_object();
    return json.take_line();
}

}  // namespace picket::api
