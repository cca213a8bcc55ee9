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
        show_view.agent = status_view.agent.name;
        show_view.zone = status_view.agent.zone;
        return show_view;
    }
    return failure(Code::not_found, fmt::format("there is no check '{}'", check_name));
}

void FakeBackend::show(std::string_view check_name, std::function<void(Result<ShowView>)> done) {
    pending.emplace_back(
        [answer = find(check_name), done = std::move(done)]() mutable { done(std::move(answer)); });
}

void FakeBackend::history(HistoryQuery query, std::function<void(Result<HistoryView>)> done) {
    history_query = std::move(query);
    pending.emplace_back([this, done = std::move(done)] { done(history_view); });
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
    view.outages = {outage};
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
