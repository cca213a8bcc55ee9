#include "agent/api/record_views.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "agent/api/evidence.h"

namespace picket::api {
namespace {

using gossip::EvidenceRecord;

constexpr std::array<std::string_view, 6> rules{"first",   "open",    "clear",
                                                "rescope", "degrade", "restore"};

constexpr std::array<std::string_view, gossip::timeline_event_count> events{
    "first failure",      "asks the panel to look",
    "begins to ask",      "votes ok",
    "votes fail",         "abstains",
    "begins a roll call", "roll call passed",
    "roll call failed",   "writes the verdict"};

// Records are checked when they arrive, but not whether a newer version means more by them.
template <std::size_t Size>
std::string_view name_in(const std::array<std::string_view, Size>& names, std::size_t number) {
    return number < Size ? names[number] : "unknown";
}

const EvidenceRecord::Witness& witness_of(const EvidenceRecord& record, std::size_t number) {
    static const EvidenceRecord::Witness nobody{"?", ""};
    return number < record.witnesses.size() ? record.witnesses[number] : nobody;
}

// When the verdict was written: the last thing that the timeline tells.
Duration length_of(const EvidenceRecord& record) {
    Duration length{0};
    for (const EvidenceRecord::Moment& moment : record.timeline) {
        length = std::max(length, moment.at);
    }
    return length;
}

std::optional<WallTime> if_known(WallTime time) {
    return time != WallTime{} ? std::optional(time) : std::nullopt;
}

}  // namespace

checks::FailureClass failure_class_of(gossip::FailureCode code) {
    const auto failure_class = static_cast<checks::FailureClass>(code);
    return failure_class <= checks::FailureClass::local ? failure_class
                                                        : checks::FailureClass::none;
}

std::string_view scope_text(gossip::OutageScope scope) {
    switch (scope) {
        case gossip::OutageScope::partial:
            return "partial";
        case gossip::OutageScope::total:
            return "total";
        case gossip::OutageScope::none:
            break;
    }
    return "";
}

Backing backing_of(gossip::Backing backing) {
    switch (backing) {
        case gossip::Backing::quorum:
            return Backing::quorum;
        case gossip::Backing::panel_of_one:
            return Backing::panel_of_one;
        case gossip::Backing::one_of_two:
            break;
    }
    return Backing::one_of_two;
}

Backing backing_of(const EvidenceView& opening) {
    const RollCallView& call = opening.roll_call;
    if (call.asked == 2 && call.answered == 1) return Backing::one_of_two;
    return opening.panel <= 1 ? Backing::panel_of_one : Backing::quorum;
}

VoteView vote_view(const gossip::VoteRecord& vote, const std::string& agent,
                   const std::string& zone, WallTime now) {
    return {.agent = agent,
            .zone = zone,
            .vote = std::string(vote_text(vote.vote)),
            .failure_class = failure_class_of(vote.failure),
            .message = vote.message,
            .at = now - vote.age};
}

EvidenceView evidence_view(const EvidenceRecord& record) {
    EvidenceView view;
    view.sub = record.sub;
    view.rule = name_in(rules, static_cast<std::size_t>(record.rule));
    view.panel = record.panel;
    view.quorum = record.quorum;
    view.begins_at = record.begins_at;
    view.decided_at = record.begins_at + length_of(record);
    view.roll_call = {record.roll_call.asked, record.roll_call.answered, record.roll_call.needed};
    for (const EvidenceRecord::Cast& cast : record.votes) {
        const EvidenceRecord::Witness& witness = witness_of(record, cast.witness);
        view.votes.push_back({.agent = witness.name,
                              .zone = witness.zone,
                              .vote = std::string(vote_text(cast.vote)),
                              .failure_class = failure_class_of(cast.failure),
                              .message = cast.message,
                              .at = view.decided_at - cast.age});
    }
    for (const EvidenceRecord::Discount& discount : record.discounted) {
        view.discounted.push_back({witness_of(record, discount.witness).name, discount.reason});
    }
    for (const EvidenceRecord::Moment& moment : record.timeline) {
        const std::string& agent = witness_of(record, moment.witness).name;
        if (moment.event == gossip::TimelineEvent::proposed) view.decided_by = agent;
        view.timeline.push_back(
            {record.begins_at + moment.at, agent,
             std::string(name_in(events, static_cast<std::size_t>(moment.event)))});
    }
    return view;
}

std::string_view scope_of(const EvidenceView& evidence) {
    // Who passed it before it began to fail says nothing of how far the outage goes.
    const bool partial = std::ranges::any_of(evidence.votes, [&](const VoteView& vote) {
        return vote.vote == "ok" && (evidence.rule != "open" || vote.at >= evidence.begins_at);
    });
    return partial ? "partial" : "total";
}

checks::FailureClass failure_class_of(const EvidenceView& evidence) {
    std::map<checks::FailureClass, std::size_t> times;
    std::size_t most = 0;
    for (const VoteView& vote : evidence.votes) {
        if (vote.vote == "fail") most = std::max(most, ++times[vote.failure_class]);
    }
    const auto first = std::ranges::find_if(evidence.votes, [&](const VoteView& vote) {
        return vote.vote == "fail" && times[vote.failure_class] == most;
    });
    return first == evidence.votes.end() ? checks::FailureClass::none : first->failure_class;
}

std::string first_failure(const EvidenceView& evidence) {
    const auto fail = std::ranges::find(evidence.votes, "fail", &VoteView::vote);
    return fail == evidence.votes.end() ? "" : fail->message;
}

void show_verdict(CheckView& check, const gossip::VerdictRecord& verdict) {
    check.epoch = verdict.epoch;
    check.sub = verdict.sub;
    check.backing = backing_of(verdict.backing);
    check.zones_failing = verdict.zones_failing;
    check.zones_passing = verdict.zones_passing;
    if (verdict.outage()) {
        check.state = "down";
        check.outage_scope = scope_text(verdict.scope);
        check.since = if_known(verdict.opened_at);
        return;
    }
    check.state = verdict.degraded() ? "degraded" : "up";
    check.since = if_known(verdict.closed_at);
}

}  // namespace picket::api
