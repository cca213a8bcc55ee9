#include "agent/api/explain.h"

#include <doctest/doctest.h>

#include "agent/api/record_views.h"
#include "tests/support/fake_backend.h"

namespace picket::api {
namespace {

using namespace std::chrono_literals;

TEST_CASE("the rule that opened an outage is told with its numbers") {
    CHECK(reason_text(sample_opening()) ==
          "3 of 5 witnesses failed it, 3 needed, in zones a, b; 1 passed it in zone c; roll call "
          "12 of 12 answered, 7 needed");
}

TEST_CASE("an outage without corroboration is told as such") {
    EvidenceView lone = sample_opening();
    lone.panel = lone.quorum = 1;
    lone.votes.resize(1);
    lone.roll_call = {1, 1, 1};
    CHECK(reason_text(lone) == "its only witness failed it: 1/1, uncorroborated");
    lone.roll_call = {2, 1, 1};
    CHECK(reason_text(lone) ==
          "its only witness failed it; its only peer was declared dead: uncorroborated, 1 of 2");
}

TEST_CASE("who passed it before it began to fail does not speak for where it is reached") {
    EvidenceView evidence = sample_opening();
    evidence.votes[3].at = evidence.begins_at - 2s;
    CHECK(reason_text(evidence) ==
          "3 of 5 witnesses failed it, 3 needed, in zones a, b; 1 had passed it before it began to "
          "fail; roll call 12 of 12 answered, 7 needed");
}

TEST_CASE("each rule has its sentence") {
    EvidenceView evidence = sample_opening();
    evidence.roll_call = {3, 2, 2};
    evidence.votes[1].vote = evidence.votes[2].vote = "ok";
    evidence.rule = "clear";
    CHECK(reason_text(evidence) ==
          "3 of 5 witnesses passed it, 3 needed; 1 still failed it in zone a; roll call 2 of 3 "
          "answered, 2 needed");
    evidence.rule = "first";
    CHECK(reason_text(evidence).ends_with("nothing was held of it before"));
    evidence.rule = "rescope";
    CHECK(reason_text(evidence).starts_with("where it fails has changed: 1 of 5 witnesses"));
    evidence.rule = "degrade";
    CHECK(reason_text(evidence).starts_with(
        "every witness in zone a failed it in 3 rounds over 60 s and more, and"));
    evidence.votes[1].vote = "fail";
    evidence.votes[1].zone = "a";
    CHECK(reason_text(evidence).starts_with(
        "every witness in zone a failed it in 3 rounds over 30 s and more, and"));
    evidence.votes[2].vote = "fail";
    CHECK(reason_text(evidence).starts_with(
        "every witness in zones a, b failed it in 3 rounds over 30 s and more (60 s where a zone "
        "has one witness), and"));
    evidence.rule = "restore";
    CHECK(reason_text(evidence).starts_with("every witness of the zones that were degraded"));
    evidence.rule = "of a newer version";
    CHECK(reason_text(evidence) == "rule of a newer version, which this version does not know");
}

TEST_CASE("what would change a verdict is told with the dwell and the quorum") {
    WhyView view = sample_why();
    CHECK(outlook_text(view) ==
          "It closes when 3 of 5 witnesses pass it twice in a row, not before 02:59:58 UTC");
    view.epoch = 8;
    CHECK(outlook_text(view) ==
          "An outage opens when 3 of 5 witnesses fail it twice in a row, not all of one zone while "
          "another passes it");
    view.check.panel.resize(1);
    CHECK(outlook_text(view) ==
          "An outage opens when its only witness fails it three times in a row");
    view.epoch = 7;
    view.closes_not_before.reset();
    CHECK(outlook_text(view) == "It closes when its only witness passes it twice in a row");
    view.fail_after = 2;
    view.recover_after = 3;
    CHECK(outlook_text(view) ==
          "It closes when its only witness passes it twice in a row, in 3 rounds");
    view.epoch = 8;
    CHECK(outlook_text(view) ==
          "An outage opens when its only witness fails it three times in a row, in 2 rounds");
    // Who does not carry the definition does not know.
    view.fail_after.reset();
    CHECK(outlook_text(view) == "An outage opens when its only witness fails it");
    view.epoch = 7;
    view.notice = "NO QUORUM: ...";
    CHECK(outlook_text(view).starts_with("Nothing opens or closes until the majority"));
    view.held = false;
    CHECK(outlook_text(view) == "Not held any more: it is down now, at epoch 7");
}

TEST_CASE("unknown says why, and what was held last") {
    WhyView view;
    view.check.state = "unknown";
    view.check.panel = {"a1", "b1", "c1"};
    view.check.quorum = 2;
    view.check.unknown_reason = "too few fit witnesses";
    CHECK(reason_text(view) == "too few fit witnesses: 2 of 3 are needed");
    view.check.unknown_reason = "no quorum";
    view.check.last_verdict = "up";
    CHECK(reason_text(view) ==
          "no quorum: this agent is not with the majority of the mesh, so it decides nothing. What "
          "was held last is up: no outage of it has ever been confirmed");
    view.check.unknown_reason = "no live carrier";
    CHECK(unknown_text(view.check) == "no live agent carries its definition");
    view.check.unknown_reason = "the reason of a newer version";
    CHECK(unknown_text(view.check) == "the reason of a newer version");
    view.check.state = "up";
    CHECK(unknown_text(view.check).empty());
}

TEST_CASE("a verdict without its evidence says that it is not known") {
    WhyView view = sample_why();
    view.evidence.reset();
    CHECK(reason_text(view) == "its evidence is not known here; it is kept for 30 days");
    view.epoch = 0;
    view.held = false;
    CHECK(reason_text(view) == "no outage of it had been confirmed yet");
    view.held = true;
    view.check.state = "pending";
    view.check.ok = 1;
    CHECK(reason_text(view) ==
          "nothing has been decided yet: 1 of 5 witnesses passed it, 3 needed");
    view.check.state = "degraded";
    view.check.zones_failing = {"c"};
    CHECK(reason_text(view).starts_with("every witness in zone c failed it in 3 rounds"));
}

TEST_CASE("a verdict is explained by its own evidence, else by that of how its epoch began") {
    WhyView view = sample_why();
    view.check.epoch = 6;
    view.check.sub = 2;
    view.check.state = "degraded";
    view.check.zones_failing = {"a"};
    view.evidence.reset();
    REQUIRE(choose_version(view, {.check = "homepage", .epoch = {}}).has_value());
    CHECK(view.held);
    EvidenceView cleared = sample_opening();
    cleared.rule = "clear";
    EvidenceView degraded = sample_opening();
    degraded.rule = "degrade";
    degraded.sub = 2;
    WhyView exact = view;
    add_evidence(exact, {cleared, degraded});
    CHECK(exact.versions.size() == 2);
    CHECK(exact.evidence->rule == "degrade");
    add_evidence(view, {cleared});
    CHECK(view.evidence->rule == "clear");
    CHECK(reason_text(view).starts_with("every witness in zone a failed it in 3 rounds"));

    WhyView before = view;
    REQUIRE(choose_version(before, {.check = "homepage", .epoch = 6, .sub = 1}).has_value());
    CHECK_FALSE(before.held);
    CHECK(outlook_text(before) == "Not held any more: it is degraded now, at epoch 6.2");
    REQUIRE(choose_version(before, {.check = "homepage", .epoch = 6}).has_value());
    CHECK(before.sub == 0);
    CHECK_FALSE(choose_version(before, {.check = "homepage", .epoch = 6, .sub = 3}).has_value());
    CHECK_FALSE(choose_version(before, {.check = "homepage", .epoch = 7}).has_value());
}

gossip::EvidenceRecord record() {
    using gossip::TimelineEvent;
    gossip::EvidenceRecord evidence;
    evidence.epoch = 7;
    evidence.rule = gossip::Rule::open;
    evidence.panel = 3;
    evidence.quorum = 2;
    evidence.begins_at = sample_now;
    evidence.witnesses = {{"a1", "a"}, {"b1", "b"}};
    evidence.votes = {{0, gossip::Vote::fail, 1, "refused", 1'310ms},
                      {1, gossip::Vote::ok, 0, "200 OK", 1s}};
    evidence.discounted = {{1, "abstains"}, {9, "of whom nothing is said"}};
    evidence.roll_call = {3, 3, 2};
    evidence.timeline = {{0ms, 0, TimelineEvent::first_failure},
                         {1'310ms, 0, TimelineEvent::proposed}};
    return evidence;
}

TEST_CASE("an evidence record is shown with names and times") {
    const EvidenceView view = evidence_view(record());
    CHECK(view.rule == "open");
    CHECK(view.decided_at == sample_now + 1'310ms);
    CHECK(view.decided_by == "a1");
    REQUIRE(view.votes.size() == 2);
    CHECK(view.votes[0].agent == "a1");
    CHECK(view.votes[0].at == sample_now);
    CHECK(view.votes[0].failure_class == checks::FailureClass::refused);
    CHECK(view.votes[1].vote == "ok");
    CHECK(view.discounted[1].agent == "?");  // Out of range: said of nobody.
    CHECK(view.timeline[1].event == "writes the verdict");
    CHECK(backing_of(view) == Backing::quorum);
}

TEST_CASE("numbers of a newer version are shown as unknown") {
    gossip::EvidenceRecord evidence = record();
    evidence.votes[0].failure = 200;
    evidence.rule = static_cast<gossip::Rule>(77);
    evidence.timeline[0].event = static_cast<gossip::TimelineEvent>(99);
    const EvidenceView view = evidence_view(evidence);
    CHECK(view.rule == "unknown");
    CHECK(view.votes[0].failure_class == checks::FailureClass::none);
    CHECK(view.timeline[0].event == "unknown");
}

TEST_CASE("evidence alone tells how far an outage goes, what failed, and what stands behind it") {
    EvidenceView evidence = sample_opening();
    CHECK(scope_of(evidence) == "partial");
    CHECK(failure_class_of(evidence) == checks::FailureClass::refused);
    CHECK(first_failure(evidence) == "connect 10.0.0.5:443: connection refused");
    evidence.votes[0].failure_class = checks::FailureClass::timeout;
    CHECK(failure_class_of(evidence) == checks::FailureClass::refused);
    evidence.votes[1].failure_class = checks::FailureClass::dns;
    CHECK(failure_class_of(evidence) == checks::FailureClass::timeout);  // Of the best rank.

    // A pass from before the first failure is no sign that it is reached from there.
    evidence.votes[3].at = evidence.begins_at - 1s;
    CHECK(scope_of(evidence) == "total");
    evidence.rule = "rescope";
    CHECK(scope_of(evidence) == "partial");

    CHECK(backing_of(evidence) == Backing::quorum);
    evidence.panel = 1;
    CHECK(backing_of(evidence) == Backing::panel_of_one);
    evidence.roll_call = {2, 1, 1};
    CHECK(backing_of(evidence) == Backing::one_of_two);
    evidence.votes.clear();
    CHECK(failure_class_of(evidence) == checks::FailureClass::none);
    CHECK(first_failure(evidence).empty());
}

TEST_CASE("a verdict that is held shows in the status of its check") {
    gossip::VerdictRecord verdict;
    verdict.epoch = 7;
    verdict.scope = gossip::OutageScope::partial;
    verdict.zones_failing = {"a"};
    verdict.opened_at = sample_now;
    CheckView check;
    show_verdict(check, verdict);
    CHECK(check.state == "down");
    CHECK(check.outage_scope == "partial");
    CHECK(check.since == sample_now);
    verdict.epoch = 8;
    verdict.zones_failing.clear();
    verdict.closed_at = sample_now + 1min;
    show_verdict(check, verdict);
    CHECK(check.state == "up");
    CHECK(check.since == sample_now + 1min);
    verdict.zones_failing = {"c"};
    show_verdict(check, verdict);
    CHECK(check.state == "degraded");
}

}  // namespace
}  // namespace picket::api
