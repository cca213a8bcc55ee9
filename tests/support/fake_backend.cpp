#include "tests/support/fake_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace picket::api {
namespace {

using namespace std::chrono_literals;

class FakeSubscription : public Subscription {
public:
    explicit FakeSubscription(std::function<void()> end) : end_(std::move(end)) {}
    FakeSubscription(const FakeSubscription&) = delete;
    FakeSubscription& operator=(const FakeSubscription&) = delete;
    ~FakeSubscription() override { end_(); }

private:
    std::function<void()> end_;
};

CheckView check(std::string name, std::string type, std::string state,
                std::optional<Duration> ago) {
    CheckView view;
    view.name = std::move(name);
    view.type = std::move(type);
    view.scope = "mesh";
    view.state = std::move(state);
    if (ago.has_value()) view.since = sample_now - *ago;
    view.panel = {"web-03"};
    view.sparkline = std::string(sparkline_length, '-');
    return view;
}

}  // namespace

const WallTime sample_now = from_milliseconds(1'795'402'800'123);  // 2026-11-23T03:00:00.123Z

Result<ShowView> FakeBackend::find(std::string_view check_name) const {
    for (const CheckView& view : status_view.checks) {
        if (view.name != check_name) continue;
        ShowView show_view;
        show_view.check = view;
        show_view.witnesses = witness_views;
        return show_view;
    }
    return failure(Code::not_found, fmt::format("there is no check '{}'", check_name));
}

void FakeBackend::show(std::string_view check_name, std::function<void(Result<ShowView>)> done) {
    pending.emplace_back(
        [answer = find(check_name), done = std::move(done)]() mutable { done(std::move(answer)); });
}

void FakeBackend::keys(KeyCommand command, std::function<void(Result<KeysView>)> done) {
    key_command = std::move(command);
    pending.emplace_back([this, done = std::move(done)] { done(keys_view); });
}

void FakeBackend::leave(std::function<void(Result<LeaveView>)> done) {
    pending.emplace_back(
        [this, done = std::move(done)] { done(LeaveView{status_view.agent.name}); });
}

void FakeBackend::forget(ForgetQuery query, std::function<void(Result<ForgetView>)> done) {
    forget_query = std::move(query);
    pending.emplace_back([this, done = std::move(done)] {
        done(ForgetView{{forget_query.agent.empty() ? "am-1" : forget_query.agent}});
    });
}

void FakeBackend::history(HistoryQuery query, std::function<void(Result<HistoryView>)> done) {
    history_query = std::move(query);
    pending.emplace_back([this, done = std::move(done)] { done(history_view); });
}

void FakeBackend::availability(AvailabilityQuery query,
                               std::function<void(Result<AvailabilitiesView>)> done) {
    availability_query = std::move(query);
    pending.emplace_back([this, done = std::move(done)] { done(availability_view); });
}

void FakeBackend::probe(std::string_view check_name,
                        std::function<void(Result<checks::Outcome>)> done) {
    const bool known = find(check_name).has_value();
    pending.emplace_back([this, known, name = std::string(check_name), done = std::move(done)] {
        if (known) return done(probe_outcome);
        done(failure(Code::not_found, fmt::format("there is no check '{}'", name)));
    });
}

void FakeBackend::outages(OutagesQuery query, std::function<void(Result<OutagesView>)> done) {
    outages_query = query;
    pending.emplace_back([this, done = std::move(done)] {
        done(OutagesView{.truncated = false, .outages = status_view.outages});
    });
}

void FakeBackend::outage(std::string_view id, std::function<void(Result<OutageDetailView>)> done) {
    pending.emplace_back([this, id = std::string(id), done = std::move(done)] {
        if (id == outage_view.outage.id) return done(outage_view);
        done(failure(Code::not_found, fmt::format("there is no outage '{}'", id)));
    });
}

void FakeBackend::why(WhyQuery query, std::function<void(Result<WhyView>)> done) {
    why_query = query;
    pending.emplace_back([this, query = std::move(query), done = std::move(done)] {
        if (query.check == why_view.check.name) return done(why_view);
        done(failure(Code::not_found, fmt::format("there is no check '{}'", query.check)));
    });
}

void FakeBackend::ping(std::string_view check, const checks::Signal& signal,
                       std::function<void(Result<checks::Heartbeat>)> done) {
    const auto found = find(check);
    if (found.has_value()) signals.push_back(signal);
    pending.push_back([found, signal, done = std::move(done)] {
        if (!found.has_value()) return done(tl::make_unexpected(found.error()));
        done(checks::after_signal({.known_since = sample_now}, signal, sample_now));
    });
}

void FakeBackend::reload(std::function<void(Result<ReloadView>)> done) {
    ++reloads;
    pending.emplace_back([done = std::move(done)] {
        done(ReloadView{.added = 1, .changed = 2, .removed = 3, .unchanged = 4, .problems = {}});
    });
}

std::unique_ptr<Subscription> FakeBackend::subscribe(std::function<void(const Event&)> on_event) {
    const int id = ++subscriptions_;
    subscribers.emplace(id, std::move(on_event));
    return std::make_unique<FakeSubscription>([this, id] { subscribers.erase(id); });
}

void FakeBackend::answer_pending() {
    std::deque<std::function<void()>> ready;
    ready.swap(pending);
    for (auto& answer : ready) answer();
}

void FakeBackend::publish(const Event& event) {
    for (auto& [id, on_event] : subscribers) on_event(event);
}

StatusView sample_status() {
    StatusView view;
    view.agent.name = "web-03";
    view.agent.zone = "eu-1a";
    view.agent.uptime = 75h;
    view.agent.problems = {"checks.d/web.toml:3:1: intervall: unknown key, did you mean interval"};

    CheckView down = check("homepage", "http", "down", 12s);
    down.outage_scope = "total";
    down.epoch = 7;
    down.fail = 1;
    down.zones_failing = {"eu-1a"};
    down.last = LastView{checks::failed(checks::FailureClass::refused, Duration{400},
                                        "connect 127.0.0.1:8080: connection refused"),
                         sample_now - 2s};
    down.sparkline = "111111111111111111111111111!!!";

    CheckView up = check("edge-lb", "tcp", "up", 75h);
    up.ok = 1;
    up.last = LastView{checks::passed(Duration{12'340}, "connected in 12 ms"), sample_now - 1s};
    up.sparkline = "---------001122334455667744332";

    view.checks = {up, down, check("mailq", "command", "pending", std::nullopt),
                   check("resolver", "dns", "unknown", 90min)};
    view.checks[3].problem = "checks.d/dns.toml:4:1: server: cannot resolve ns.example.com";

    OutageView outage;
    outage.id = "homepage#7";
    outage.check = "homepage";
    outage.state = "open";
    outage.scope = "total";
    outage.opened_at = sample_now - 12s;
    outage.first_failure_at = sample_now - 13'310ms;
    outage.failure_class = checks::FailureClass::refused;
    outage.message = "connect 127.0.0.1:8080: connection refused";
    outage.backing = Backing::quorum;
    view.outages = {outage};
    return view;
}

EvidenceView sample_opening() {
    const WallTime begins = sample_now - 13'310ms;
    const std::string refused = "connect 10.0.0.5:443: connection refused";
    EvidenceView view;
    view.rule = "open";
    view.panel = 5;
    view.quorum = 3;
    view.begins_at = begins;
    view.decided_at = begins + 1'310ms;
    view.decided_by = "a1";
    const auto fail = [&](const char* agent, const char* zone, Duration after) {
        view.votes.push_back(
            {agent, zone, "fail", checks::FailureClass::refused, refused, begins + after});
    };
    fail("a1", "a", 0ms);
    fail("b1", "b", 212ms);
    fail("b2", "b", 301ms);
    view.votes.push_back({"c1", "c", "ok", checks::FailureClass::none, "200 OK", begins + 420ms});
    view.discounted = {{"a2", "abstains: cut off: 4 of 12 answered"}};
    view.roll_call = {12, 12, 7};
    view.timeline = {{begins, "a1", "first failure"},
                     {begins + 1ms, "a1", "asks the panel to look"},
                     {begins + 1ms, "a1", "begins a roll call"},
                     {begins + 43ms, "a1", "roll call passed"},
                     {begins + 212ms, "b1", "begins to ask"},
                     {begins + 1'003ms, "a1", "votes fail"},
                     {begins + 1'310ms, "a1", "writes the verdict"}};
    return view;
}

std::vector<WitnessView> sample_witnesses() {
    const std::string refused = "connect 10.0.0.5:443: connection refused";
    const auto witness = [](const char* agent, const char* zone, const char* vote,
                            checks::FailureClass failure_class, std::string message) {
        WitnessView view;
        view.agent = agent;
        view.zone = zone;
        view.vote = {agent, zone, vote, failure_class, std::move(message), sample_now - 4s};
        return view;
    };
    using checks::FailureClass;
    std::vector<WitnessView> witnesses{
        witness("a1", "a", "fail", FailureClass::refused, refused),
        witness("b1", "b", "fail", FailureClass::refused, refused),
        witness("c1", "c", "ok", FailureClass::none, "200 OK"),
        witness("a2", "a", "abstain", FailureClass::none, "cut off: 4 of 12 answered"),
        witness("b2", "b", "fail", FailureClass::refused, refused)};
    witnesses[3].fit = false;
    witnesses[3].unfit_reason = "its gateway does not answer";
    WitnessView voter;  // Of `witnesses = "all"`: heard of, never heard from.
    voter.agent = "c2";
    voter.zone = "c";
    voter.seated = false;
    witnesses.push_back(voter);
    return witnesses;
}

StatusView sample_mesh_status() {
    StatusView view = sample_status();
    view.agent.name = "a1";
    view.agent.zone = "a";
    view.agent.problems.clear();
    view.mesh = {.alive = 12,
                 .suspect = 0,
                 .failed = 0,
                 .left = 0,
                 .reference = 12,
                 .zones = 3,
                 .quorum = true,
                 .notice = {},
                 .missing = {}};
    for (CheckView& check : view.checks) {
        check.panel = {"a1", "b1", "c1", "a2", "b2"};
        check.quorum = 3;
    }
    CheckView& up = view.checks[0];
    up.ok = 5;
    up.drift = {{"9f0a11223344aabb", true, {"a1", "b1", "c1"}},
                {"9f0a11223344aabb", false, {"b2"}, {"quorum = 1"}},
                {"0c5e11223344aabb", false, {"c2"}}};
    CheckView& down = view.checks[1];
    down.outage_scope = "partial";
    down.ok = 1;
    down.fail = 3;
    down.abstain = 1;
    down.abstaining = {{"a2", "cut off: 4 of 12 answered"}};
    down.zones_failing = {"a", "b"};
    down.zones_passing = {"c"};
    CheckView& degraded = view.checks[2];
    degraded.state = "degraded";
    degraded.since = sample_now - 5min;
    degraded.ok = 4;
    degraded.fail = 1;
    degraded.zones_failing = {"c"};
    degraded.zones_passing = {"a", "b"};
    CheckView& unknown = view.checks[3];
    unknown.problem.clear();
    unknown.unknown_reason = "too few fit witnesses";
    unknown.last_verdict = "up";
    unknown.carried = false;
    view.outages[0].scope = "partial";
    view.outages[0].zones_failing = {"a", "b"};
    return view;
}

WhyView sample_why() {
    WhyView view;
    view.check = sample_mesh_status().checks[1];
    view.epoch = 7;
    view.outage = sample_mesh_status().outages[0];
    view.evidence = sample_opening();
    view.witnesses = sample_witnesses();
    view.closes_not_before = sample_now - 2s;
    view.fail_after = view.recover_after = 1;
    return view;
}

StatusView large_status(std::size_t checks) {
    StatusView view = sample_status();
    const CheckView up = view.checks.front();
    view.checks.assign(checks, up);
    view.outages.clear();
    for (std::size_t i = 0; i < checks; ++i) view.checks[i].name = fmt::format("check-{:04}", i);
    return view;
}

}  // namespace picket::api
