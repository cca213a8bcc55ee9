#include "agent/cli/documents.h"

#include <utility>

#include "agent/cli/json_fields.h"

namespace picket::cli {
namespace {

using api::CheckView;
using api::OutageView;
using namespace fields;

// Absent where it is not known, or is a newer version's.
std::optional<api::Backing> backing(const Json& object) {
    const std::string name = text(object, "backing");
    for (const auto known :
         {api::Backing::quorum, api::Backing::panel_of_one, api::Backing::one_of_two}) {
        if (name == api::to_text(known)) return known;
    }
    return std::nullopt;
}

std::vector<api::DiscountView> discounts(const Json& object, const char* name) {
    return list<api::DiscountView>(object, name, [](const Json& item) {
        return api::DiscountView{text(item, "agent"), text(item, "reason")};
    });
}

checks::Outcome outcome(const Json& object, std::deque<std::string>* phase_names) {
    checks::Outcome outcome;
    outcome.finding = finding(object);
    outcome.failure_class = failure_class(object);
    outcome.latency = milliseconds(object, "latency_ms");
    outcome.message = text(object, "message");
    outcome.address = text(object, "address");
    if (phase_names == nullptr) return outcome;
    outcome.phases = list<checks::Phase>(object, "phases", [&](const Json& phase) {
        const std::string& name = phase_names->emplace_back(text(phase, "name"));
        return checks::Phase{name, milliseconds(phase, "start_ms"),
                             milliseconds(phase, "length_ms")};
    });
    outcome.expectations =
        list<checks::Expectation>(object, "expectations", [](const Json& expectation) {
            return checks::Expectation{text(expectation, "what"), text(expectation, "found"),
                                       flag(expectation, "met", false)};
        });
    outcome.metrics = list<checks::Metric>(object, "metrics", [](const Json& metric) {
        return checks::Metric{text(metric, "label"), number(metric, "value"), text(metric, "unit")};
    });
    outcome.detail = text(object, "detail");
    return outcome;
}

api::AgentView agent(const Json& object) {
    api::AgentView view;
    view.name = text(object, "name");
    view.zone = text(object, "zone");
    view.fit = flag(object, "fit", true);
    view.unfit_reason = text(object, "unfit_reason");
    view.uptime = seconds(object, "uptime_seconds");
    view.database = text(object, "database");
    view.problems = texts(object, "problems");
    view.counters = pairs<std::uint64_t>(object, "counters", count_of);
    return view;
}

CheckView check(const Json& object, std::deque<std::string>* phase_names) {
    CheckView view;
    view.name = text(object, "name");
    view.type = text(object, "type");
    view.scope = text(object, "scope");
    view.state = text(object, "state");
    view.unknown_reason = text(object, "unknown_reason");
    view.last_verdict = text(object, "last_verdict");
    view.outage_scope = text(object, "outage_scope");
    view.epoch = small_count(object, "epoch");
    view.since = time_or_none(object, "since");
    view.panel = texts(object, "panel");
    view.quorum = small_count(object, "quorum");
    view.backing = backing(object).value_or(api::Backing::quorum);
    view.ok = small_count(object, "ok");
    view.fail = small_count(object, "fail");
    view.abstain = small_count(object, "abstain");
    view.abstaining = discounts(object, "abstaining");
    view.zones_failing = texts(object, "zones_failing");
    view.zones_passing = texts(object, "zones_passing");
    view.drift = list<api::DriftView>(object, "drift", [](const Json& item) {
        return api::DriftView{text(item, "fingerprint"), flag(item, "active", false),
                              texts(item, "carriers"), texts(item, "terms")};
    });
    const Json& last = member(object, "last");
    if (last.IsObject()) view.last = api::LastView{outcome(last, phase_names), time(last, "at")};
    view.carried = flag(object, "carried", true);
    view.problem = text(object, "problem");
    view.sparkline = text(object, "sparkline");
    return view;
}

OutageView outage(const Json& object) {
    OutageView view;
    view.id = text(object, "id");
    view.check = text(object, "check");
    view.state = text(object, "state");
    view.scope = text(object, "scope");
    view.opened_at = time(object, "opened_at");
    view.closed_at = time_or_none(object, "closed_at");
    view.first_failure_at = time(object, "first_failure_at");
    view.failure_class = failure_class(object);
    view.message = text(object, "message");
    view.backing = backing(object);
    view.zones_failing = texts(object, "zones_failing");
    return view;
}

std::vector<api::TimelineEntry> timeline(const Json& object) {
    return list<api::TimelineEntry>(object, "timeline", [](const Json& entry) {
        return api::TimelineEntry{time(entry, "at"), text(entry, "agent"), text(entry, "event")};
    });
}

std::optional<api::EvidenceView> evidence(const Json& object) {
    const Json& roll_call = member(object, "roll_call");
    if (!roll_call.IsObject()) return std::nullopt;
    api::EvidenceView view;
    view.rule = text(object, "rule");
    view.panel = small_count(object, "panel_size");
    view.quorum = small_count(object, "quorum");
    view.begins_at = time(object, "begins_at");
    view.decided_at = time(object, "decided_at");
    view.decided_by = text(object, "decided_by");
    view.votes = list<api::VoteView>(object, "votes", [](const Json& vote) {
        return api::VoteView{text(vote, "agent"), text(vote, "zone"),    text(vote, "vote"),
                             failure_class(vote), text(vote, "message"), time(vote, "at")};
    });
    view.discounted = discounts(object, "discounted");
    view.roll_call =
        api::RollCallView{small_count(roll_call, "asked"), small_count(roll_call, "answered"),
                          small_count(roll_call, "needed")};
    view.timeline = timeline(object);
    return view;
}

api::WitnessView witness(const Json& object) {
    api::WitnessView view;
    view.agent = text(object, "agent");
    view.zone = text(object, "zone");
    view.seated = flag(object, "seated", true);
    view.fit = flag(object, "fit", true);
    view.unfit_reason = text(object, "unfit_reason");
    const Json& last = member(object, "last");
    if (last.IsObject()) view.last = api::LastView{outcome(last, nullptr), time(last, "at")};
    if (const std::string vote = text(object, "vote"); !vote.empty()) {
        view.vote = api::VoteView{view.agent,
                                  view.zone,
                                  vote,
                                  vote == "fail" ? failure_class(last) : checks::FailureClass::none,
                                  text(object, "message"),
                                  time(object, "voted_at")};
    }
    return view;
}

}  // namespace

Result<api::StatusView> read_status(std::string_view source) {
    const Document document = PICKET_TRY(parse(source));
    api::StatusView view;
    view.checks = list<CheckView>(document, "checks",
                                  [](const Json& object) { return check(object, nullptr); });
    view.outages = list<OutageView>(document, "outages", outage);
    view.agent = agent(member(document, "agent"));
    const Json& mesh = member(document, "mesh");
    view.mesh.alive = small_count(mesh, "alive");
    view.mesh.suspect = small_count(mesh, "suspect");
    view.mesh.failed = small_count(mesh, "failed");
    view.mesh.left = small_count(mesh, "left");
    view.mesh.reference = small_count(mesh, "reference");
    view.mesh.zones = small_count(mesh, "zones");
    view.mesh.quorum = flag(mesh, "quorum", true);
    view.mesh.notice = text(mesh, "notice");
    view.mesh.missing = texts(mesh, "missing");
    return view;
}

Result<api::AgentView> read_agent(std::string_view source) {
    return agent(PICKET_TRY(parse(source)));
}

Result<ShowReport> read_show(std::string_view source) {
    const Document document = PICKET_TRY(parse(source));
    ShowReport report;
    api::ShowView& show = report.show;
    show.check = check(document, &report.phase_names);
    show.witnesses = list<api::WitnessView>(document, "witnesses", witness);
    show.definition = pairs<std::string>(document, "definition", text_of);
    show.timeline = timeline(document);
    const Json& latency = member(document, "latency_ms");
    show.latency_p50_ms = number_or_none(latency, "p50");
    show.latency_p95_ms = number_or_none(latency, "p95");
    show.latency_p99_ms = number_or_none(latency, "p99");
    return report;
}

Result<api::OutagesView> read_outages(std::string_view source) {
    const Document document = PICKET_TRY(parse(source));
    return api::OutagesView{flag(document, "truncated", false),
                            list<OutageView>(document, "outages", outage)};
}

Result<api::OutageDetailView> read_outage(std::string_view source) {
    const Document document = PICKET_TRY(parse(source));
    api::OutageDetailView view;
    view.outage = outage(document);
    view.opening = evidence(document);
    view.closing = evidence(member(document, "closing"));
    return view;
}

Result<api::WhyView> read_why(std::string_view source) {
    const Document document = PICKET_TRY(parse(source));
    api::WhyView view;
    if (member(document, "id").IsString()) view.outage = outage(document);
    view.epoch = small_count(document, "epoch");
    view.sub = small_count(document, "sub");
    view.held = flag(document, "held", true);
    view.live = flag(document, "live", true);
    view.evidence = evidence(document);
    view.versions = list<api::VersionView>(document, "versions", [](const Json& version) {
        return api::VersionView{small_count(version, "sub"), text(version, "rule"),
                                time(version, "decided_at"), text(version, "decided_by"),
                                text(version, "reason")};
    });
    const Json& current = member(document, "current");
    view.check = check(current, nullptr);
    view.witnesses = list<api::WitnessView>(current, "witnesses", witness);
    view.closes_not_before = time_or_none(current, "closes_not_before");
    view.fail_after = count_or_none(current, "fail_after");
    view.recover_after = count_or_none(current, "recover_after");
    view.notice = text(current, "notice");
    return view;
}

Result<std::vector<api::MemberView>> read_members(std::string_view source) {
    const Document document = PICKET_TRY(parse(source));
    return list<api::MemberView>(document, "members", [](const Json& object) {
        api::MemberView view;
        view.name = text(object, "name");
        view.address = text(object, "address");
        view.zone = text(object, "zone");
        view.state = text(object, "state");
        view.since = time_or_none(object, "since");
        view.incarnation = count(object, "incarnation");
        view.picket = flag(object, "picket", true);
        view.version = text(object, "version");
        view.fit = flag(object, "fit", true);
        view.unfit_reason = text(object, "unfit_reason");
        view.checks = count_or_none(object, "checks");
        return view;
    });
}

Result<api::KeysView> read_keys(std::string_view source) {
    const Document document = PICKET_TRY(parse(source));
    api::KeysView view;
    view.operation = text(document, "operation");
    view.asked = small_count(document, "asked");
    view.confirmed = small_count(document, "confirmed");
    view.keys = list<api::KeyView>(document, "keys", [](const Json& key) {
        return api::KeyView{text(key, "id"), small_count(key, "installed_on"),
                            small_count(key, "primary_on")};
    });
    view.unconfirmed = list<api::UnconfirmedView>(document, "unconfirmed", [](const Json& silent) {
        return api::UnconfirmedView{text(silent, "agent"), text(silent, "reason")};
    });
    view.foreign = texts(document, "foreign");
    return view;
}

Result<api::LeaveView> read_leave(std::string_view source) {
    const Document document = PICKET_TRY(parse(source));
    return api::LeaveView{text(document, "left")};
}

Result<api::ForgetView> read_forget(std::string_view source) {
    const Document document = PICKET_TRY(parse(source));
    return api::ForgetView{texts(document, "forgotten")};
}

Result<ProbeReport> read_probe(std::string_view source) {
    const Document document = PICKET_TRY(parse(source));
    ProbeReport report;
    report.check = text(document, "check");
    report.outcome = outcome(document, &report.phase_names);
    return report;
}

Result<api::ReloadView> read_reload(std::string_view source) {
    const Document document = PICKET_TRY(parse(source));
    return api::ReloadView{small_count(document, "added"), small_count(document, "changed"),
                           small_count(document, "removed"), small_count(document, "unchanged"),
                           texts(document, "problems")};
}

Result<api::Event> read_event(std::string_view source) {
    const Document document = PICKET_TRY(parse(source));
    api::Event event;
    event.at = time(document, "at");
    const std::string type = text(document, "type");
    for (const auto known : {api::EventType::membership, api::EventType::verdict,
                             api::EventType::outage, api::EventType::reload}) {
        if (type == api::to_text(known)) event.type = known;
    }
    event.check = text(document, "check");
    event.agent = text(document, "agent");
    event.from = text(document, "from");
    event.to = text(document, "to");
    event.message = text(document, "message");
    return event;
}

std::string read_error(std::string_view source) {
    const auto document = parse(source);
    return document.has_value() ? text(member(*document, "error"), "message") : std::string();
}

}  // namespace picket::cli
