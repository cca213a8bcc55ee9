#include "agent/api/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace picket::api {
namespace {

// Who passed it before it began to fail was heard, but says nothing of the outage.
bool before_outage(const EvidenceView& evidence, const VoteView& cast) {
    return evidence.rule == "open" && cast.vote == "ok" && cast.at < evidence.begins_at;
}

std::size_t count_of(const EvidenceView& evidence, std::string_view vote) {
    return static_cast<std::size_t>(std::ranges::count_if(
        evidence.votes,
        [&](const VoteView& cast) { return cast.vote == vote && !before_outage(evidence, cast); }));
}

// " in zone a", " in zones a, b"; nothing where zones have no names.
std::string in_zones(const std::vector<std::string>& zones) {
    if (zones.empty()) return {};
    return fmt::format(" in zone{} {}", zones.size() == 1 ? "" : "s", fmt::join(zones, ", "));
}

std::string zones_of(const EvidenceView& evidence, std::string_view vote) {
    std::set<std::string> zones;
    for (const VoteView& cast : evidence.votes) {
        const bool counts = cast.vote == vote && !before_outage(evidence, cast);
        if (counts && !cast.zone.empty()) zones.insert(cast.zone);
    }
    return in_zones({zones.begin(), zones.end()});
}

std::string roll_call_text(const RollCallView& call) {
    if (call.asked <= 1) return {};  // There is nobody else.
    if (call.asked == 2 && call.answered == 1) {
        return "; its only peer was declared dead: uncorroborated, 1 of 2";
    }
    return fmt::format("; roll call {} of {} answered, {} needed", call.answered, call.asked,
                       call.needed);
}

std::string opening_text(const EvidenceView& evidence) {
    const std::size_t fails = count_of(evidence, "fail");
    const std::size_t oks = count_of(evidence, "ok");
    if (evidence.panel <= 1) {
        const std::string alone = roll_call_text(evidence.roll_call);
        return "its only witness failed it" + (alone.empty() ? ": 1/1, uncorroborated" : alone);
    }
    std::string text = fmt::format("{} of {} witnesses failed it, {} needed,{}", fails,
                                   evidence.panel, evidence.quorum, zones_of(evidence, "fail"));
    if (text.back() == ',') text.pop_back();
    if (oks > 0) text += fmt::format("; {} passed it{}", oks, zones_of(evidence, "ok"));
    const auto early = std::ranges::count_if(
        evidence.votes, [&](const VoteView& cast) { return before_outage(evidence, cast); });
    if (early > 0) text += fmt::format("; {} had passed it before it began to fail", early);
    return text + roll_call_text(evidence.roll_call);
}

std::string passing_text(const EvidenceView& evidence) {
    if (evidence.panel <= 1) {
        return "its only witness passed it" + roll_call_text(evidence.roll_call);
    }
    const std::size_t fails = count_of(evidence, "fail");
    std::string text = fmt::format("{} of {} witnesses passed it, {} needed",
                                   count_of(evidence, "ok"), evidence.panel, evidence.quorum);
    if (fails > 0) text += fmt::format("; {} still failed it{}", fails, zones_of(evidence, "fail"));
    return text + roll_call_text(evidence.roll_call);
}

constexpr std::string_view of_one_witness = "60 s and more";
constexpr std::string_view of_several = "30 s and more";
constexpr std::string_view of_either = "30 s and more (60 s where a zone has one witness)";

std::string degraded_text(const std::string& in_which, std::string_view how_long) {
    return fmt::format(
        "every witness{} failed it in 3 rounds over {}, and witnesses elsewhere passed it; one "
        "zone alone never opens an outage",
        in_which, how_long);
}

std::string degraded_text(const EvidenceView& evidence) {
    std::map<std::string_view, std::size_t> fails;
    for (const VoteView& cast : evidence.votes) {
        if (cast.vote == "fail") ++fails[cast.zone];
    }
    const auto single = std::ranges::count(fails, 1U, [](const auto& zone) { return zone.second; });
    const bool all = static_cast<std::size_t>(single) == fails.size();
    return degraded_text(zones_of(evidence, "fail"), single == 0 ? of_several
                                                     : all       ? of_one_witness
                                                                 : of_either);
}

// " twice in a row": attempts make a vote, or so many times `rounds` of them. Nothing where the
// definition is not known here.
std::string times_text(std::uint32_t attempts, const std::optional<std::uint32_t>& rounds) {
    if (!rounds) return {};
    std::string text = attempts == 2 ? " twice in a row" : " three times in a row";
    if (*rounds > 1) text += fmt::format(", in {} rounds", *rounds);
    return text;
}

// What is known of a verdict without its evidence.
std::string unexplained_text(const WhyView& view) {
    const CheckView& check = view.check;
    if (!view.held) {
        return view.epoch == 0 ? "no outage of it had been confirmed yet"
                               : "its evidence is not known here; it is kept for 30 days";
    }
    if (check.state == "pending") {
        return fmt::format("nothing has been decided yet: {} of {} witnesses passed it, {} needed",
                           check.ok, check.panel.size(), check.quorum);
    }
    if (check.state == "degraded") return {};  // Said from what is held.
    if (view.epoch == 0) {
        return "no outage of it has ever been confirmed";
    }
    return "its evidence is not known here; it is kept for 30 days";
}

// "3 of 5 witnesses", "its only witness"
std::string quorum_of(const CheckView& check) {
    if (check.panel.size() <= 1) return "its only witness";
    return fmt::format("{} of {} witnesses", check.quorum, check.panel.size());
}

std::string clock_text(WallTime time) {
    return format_time(time).substr(11, 8) + " UTC";
}

}  // namespace

std::string reason_text(const EvidenceView& evidence) {
    if (evidence.rule == "open") return opening_text(evidence);
    if (evidence.rule == "clear") return passing_text(evidence);
    if (evidence.rule == "first") {
        return passing_text(evidence) + "; nothing was held of it before";
    }
    if (evidence.rule == "rescope") return "where it fails has changed: " + opening_text(evidence);
    if (evidence.rule == "degrade") {
        return degraded_text(evidence) + roll_call_text(evidence.roll_call);
    }
    if (evidence.rule == "restore") {
        return "every witness of the zones that were degraded passes it again" +
               roll_call_text(evidence.roll_call);
    }
    return fmt::format("rule {}, which this version does not know", evidence.rule);
}

Status choose_version(WhyView& view, const WhyQuery& query) {
    const CheckView& check = view.check;
    view.epoch = query.epoch.value_or(check.epoch);
    view.sub = query.sub.value_or(query.epoch.has_value() ? 0 : check.sub);
    view.held = view.epoch == check.epoch && view.sub == check.sub;
    if (view.epoch > check.epoch) {
        return failure(Code::not_found, fmt::format("{0}#{1} has not come yet: {0}#{2} is held",
                                                    query.check, view.epoch, check.epoch));
    }
    if (view.epoch == check.epoch && view.sub > check.sub) {
        return failure(Code::not_found,
                       fmt::format("{0}#{1}.{2} has not come yet: {0}#{1}.{3} is held", query.check,
                                   view.epoch, view.sub, check.sub));
    }
    return {};
}

void add_evidence(WhyView& view, const std::vector<EvidenceView>& known) {
    for (const EvidenceView& evidence : known) {
        view.versions.push_back({evidence.sub, evidence.rule, evidence.decided_at,
                                 evidence.decided_by, reason_text(evidence)});
        if (evidence.sub == 0 || evidence.sub == view.sub) view.evidence = evidence;
    }
}

std::string reason_text(const WhyView& view) {
    const std::string unknown = view.held ? unknown_text(view.check) : std::string();
    std::string text =
        view.evidence.has_value() ? reason_text(*view.evidence) : unexplained_text(view);
    const bool degraded =
        view.held && (view.check.state == "degraded" || view.check.last_verdict == "degraded");
    if (degraded && (!view.evidence.has_value() || view.evidence->sub != view.sub)) {
        text = degraded_text(in_zones(view.check.zones_failing), of_either);
    }
    if (unknown.empty()) return text;
    if (view.check.last_verdict.empty()) return unknown;
    return fmt::format("{}. What was held last is {}: {}", unknown, view.check.last_verdict, text);
}

std::string outlook_text(const WhyView& view) {
    const CheckView& check = view.check;
    if (!view.live) return "No agent answers here: this is what its database last held";
    if (!view.held) {
        const bool within = view.epoch == check.epoch && check.sub > 0;
        return fmt::format("Not held any more: it is {} now, at epoch {}{}", check.state,
                           check.epoch, within ? fmt::format(".{}", check.sub) : "");
    }
    if (!check.problem.empty()) return "It is not asked about: " + check.problem;
    if (!view.notice.empty()) {
        return "Nothing opens or closes until the majority of the mesh answers, or those that are "
               "gone for good are forgotten";
    }
    const std::string who = quorum_of(check);
    const bool one = check.panel.size() <= 1 || check.quorum == 1;
    if (view.epoch % 2 == 1) {
        std::string text = fmt::format("It closes when {} pass{} it{}", who, one ? "es" : "",
                                       times_text(2, view.recover_after));
        if (view.closes_not_before.has_value()) {
            text += fmt::format(", not before {}", clock_text(*view.closes_not_before));
        }
        return text;
    }
    if (check.panel.empty()) return "An agent that carries its definition must live";
    if (check.panel.size() == 1) {
        return "An outage opens when its only witness fails it" + times_text(3, view.fail_after);
    }
    std::string text = fmt::format("An outage opens when {} fail{} it{}", who, one ? "s" : "",
                                   times_text(2, view.fail_after));
    if (check.zones_passing.size() + check.zones_failing.size() != 1) {
        text += ", not all of one zone while another passes it";
    }
    return text;
}

std::string unknown_text(const CheckView& check) {
    if (check.state != "unknown") return {};
    const std::string& reason = check.unknown_reason;
    if (reason == "no quorum") {
        return "no quorum: this agent is not with the majority of the mesh, so it decides nothing";
    }
    if (reason == "no live carrier") return "no live agent carries its definition";
    if (reason == "too few fit witnesses") {
        return fmt::format("too few fit witnesses: {} of {} are needed", check.quorum,
                           check.panel.size());
    }
    if (reason == "too few witnesses can ask") {
        return fmt::format("too few witnesses can ask: {} of {} are needed, {} abstain",
                           check.quorum, check.panel.size(), check.abstain);
    }
    if (!reason.empty()) return reason;
    return check.problem.empty() ? "why is not known here" : check.problem;
}

}  // namespace picket::api
