#include "agent/agent_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/agent.h"
#include "agent/api/evidence.h"
#include "agent/base/version.h"
#include "agent/council_view.h"
#include "agent/facts.h"
#include "agent/io/clock.h"
#include "agent/mesh_outages.h"
#include "checks/canonical.h"

namespace picket {
namespace {

using namespace std::chrono_literals;
using storage::HistoryReader;

std::string words(const storage::Transition& transition) {
    if (transition.state == "up") return "up";
    return fmt::format("{} (#{}): {}", transition.state, transition.epoch, transition.message);
}

tl::unexpected<Error> no_mesh() {
    return failure(Code::invalid, "this agent is in no mesh: its picket.toml has no [gossip]");
}

}  // namespace

AgentBackend::AgentBackend(Agent& agent)
    : agent_(agent), questions_(agent.loop_, agent.recorder_) {}

Error AgentBackend::no_such_check(std::string_view name) {
    return {Code::not_found, fmt::format("no check is named '{}'", name)};
}

template <typename Answer>
void AgentBackend::later(Result<Answer> answer, std::function<void(Result<Answer>)> done) {
    agent_.loop_.post([answer = std::move(answer), done = std::move(done)] { done(answer); });
}

std::optional<AgentBackend::Subject> AgentBackend::find(std::string_view name) const {
    if (const CarriedCheck* own = agent_.checks_.find(name)) {
        return Subject{own->name, own, own->meshed()};
    }
    if (agent_.council_ && agent_.council_->knows(name)) {
        return Subject{std::string(name), nullptr, true};
    }
    return std::nullopt;
}

api::CheckView AgentBackend::check_view(const Subject& subject) const {
    if (!subject.meshed) return check_view(*subject.own);
    return mesh_check_view(*agent_.council_, subject.name, subject.own);
}

std::vector<api::WitnessView> AgentBackend::witnesses(const Subject& subject) const {
    if (!subject.meshed) return {own_witness(*subject.own)};
    return witness_views(*agent_.council_, subject.name, subject.own, agent_.config_);
}

api::CheckView AgentBackend::check_view(const CarriedCheck& check) const {
    api::CheckView view;
    view.name = check.short_name;
    view.type = to_text(check.type);
    view.scope = to_text(check.scope);
    view.problem = check.problem;
    if (!check.witness) {
        view.state = to_text(gossip::State::unknown);
        view.sparkline.assign(api::sparkline_length, '-');
        return view;
    }
    const Witness& witness = *check.witness;
    const gossip::Verdict& verdict = witness.verdict();
    view.state = to_text(witness.state(io::monotonic_now()));
    view.epoch = verdict.epoch;
    view.backing = api::Backing::panel_of_one;
    if (verdict.judged) view.since = verdict.since;
    if (view.state == to_text(gossip::State::unknown)) {
        view.unknown_reason = "this agent could not ask";
        if (verdict.judged) view.last_verdict = verdict.outage() ? "down" : "up";
    }
    view.panel = {agent_.config_.name};
    if (witness.voted()) {
        view.ok = witness.last_vote() == gossip::Vote::ok ? 1 : 0;
        view.fail = witness.last_vote() == gossip::Vote::fail ? 1 : 0;
        view.abstain = witness.last_vote() == gossip::Vote::abstain ? 1 : 0;
    }
    if (verdict.outage()) {
        view.outage_scope = "total";
        view.zones_failing = {agent_.config_.zone};
    }
    if (check.seen.last) view.last = {check.seen.last->outcome, check.seen.last->started_at};
    view.sparkline = check.seen.hour.sparkline(io::wall_now());
    return view;
}

api::WitnessView AgentBackend::own_witness(const CarriedCheck& check) const {
    api::WitnessView view;
    view.agent = agent_.config_.name;
    view.zone = agent_.config_.zone;
    if (!check.witness || !check.seen.last) return view;
    const checks::Run& run = *check.seen.last;
    view.last = {run.outcome, run.started_at};
    if (check.witness->voted()) {
        view.vote = {.agent = view.agent,
                     .zone = view.zone,
                     .vote = std::string(api::vote_text(check.witness->last_vote())),
                     .failure_class = run.outcome.failure_class,
                     .message = run.outcome.message,
                     .at = run.started_at};
    }
    return view;
}

std::vector<std::pair<std::string, std::uint64_t>> AgentBackend::counters() const {
    const auto& schedule = agent_.runner_.schedule();
    const auto& lateness = agent_.runner_.lateness();
    const auto& writer = agent_.recorder_.writer();
    const auto milliseconds = [](Duration duration) {
        return static_cast<std::uint64_t>(duration / 1ms);
    };
    std::vector<std::pair<std::string, std::uint64_t>> counters{
        {"starts", schedule.counters().starts},
        {"starts_held_back", schedule.counters().starts_held_back},
        {"slots_skipped", schedule.counters().slots_skipped},
        {"in_flight", schedule.in_flight()},
        {"deadlines_enforced", agent_.runner_.deadlines_enforced()},
        {"start_lateness_p50_ms", milliseconds(lateness.quantile(0.5))},
        {"start_lateness_p99_ms", milliseconds(lateness.quantile(0.99))},
        {"history_rows_written", writer.rows_written()},
        {"history_rows_waiting", writer.rows_waiting()},
        {"history_rows_dropped", writer.rows_dropped()},
        {"history_batches_failed", writer.batches_failed()},
        {"history_facts_dropped", writer.facts_dropped()},
        {"events_dropped", agent_.server_ ? agent_.server_->events_dropped() : 0},
    };
    if (agent_.mesh_) {
        for (auto& counter : agent_.mesh_->counters()) counters.push_back(std::move(counter));
        for (auto& counter : agent_.council_->counters()) counters.push_back(std::move(counter));
    }
    return counters;
}

api::AgentView AgentBackend::agent() const {
    api::AgentView view;
    view.name = agent_.config_.name;
    view.zone = agent_.config_.zone;
    view.uptime = io::monotonic_now() - agent_.started_;
    view.database = agent_.recorder_.database_path();
    view.problems = agent_.problems();
    view.counters = counters();
    if (agent_.mesh_) {
        const auto unfit = agent_.council_->agreement().unfit_reason(io::monotonic_now());
        view.fit = !unfit.has_value();
        view.unfit_reason = unfit.value_or("");
    }
    return view;
}

api::StatusView AgentBackend::status() const {
    api::StatusView view;
    view.agent = agent();
    if (agent_.mesh_) {
        view.mesh = agent_.mesh_->view();
        add_quorum(view.mesh, *agent_.council_, agent_.config_);
    }
    view.checks.reserve(agent_.checks_.rows().size());
    for (const auto& [name, check] : agent_.checks_.rows()) {
        view.checks.push_back(check_view(Subject{name, &check, check.meshed()}));
        if (!check.witness || !check.witness->verdict().outage()) continue;
        api::OutageView& outage = view.outages.emplace_back(
            api::outage_view(outage_fact(check, check.witness->verdict(), std::nullopt)));
        outage.backing = api::Backing::panel_of_one;
    }
    if (!agent_.council_) return view;
    for (const auto& [name, key] : agent_.council_->subjects()) {
        if (!agent_.checks_.rows().contains(name)) {
            view.checks.push_back(check_view(Subject{name, nullptr, true}));
        }
        const auto outage = latest_outage_view(agent_.council_->spread(), name);
        if (outage && !outage->closed_at) view.outages.push_back(*outage);
    }
    std::ranges::sort(view.checks, {}, &api::CheckView::name);
    return view;
}

void AgentBackend::show(std::string_view name, std::function<void(Result<api::ShowView>)> done) {
    const auto subject = find(name);
    if (!subject) {
        agent_.loop_.post([done = std::move(done), error = no_such_check(name)] {
            done(tl::make_unexpected(error));
        });
        return;
    }
    api::ShowView view;
    view.check = check_view(*subject);
    if (subject->own != nullptr && subject->own->definition != nullptr) {
        view.definition = checks::settings(*subject->own->definition);
    }
    view.witnesses = witnesses(*subject);

    struct Stored {
        std::optional<storage::LatencySummary> latency;
        std::vector<storage::Transition> transitions;
    };
    const auto question = [check_name = subject->name,
                           now = io::wall_now()](HistoryReader& reader) -> Result<Stored> {
        Stored stored;
        stored.latency = PICKET_TRY(reader.latency(check_name, now - 1h, now + 1s));
        stored.transitions = PICKET_TRY(reader.transitions(check_name, WallTime{}, now + 1s));
        return stored;
    };
    questions_.ask<Stored>(question, [view = std::move(view), agent = agent_.config_.name,
                                      done = std::move(done)](Result<Stored> stored) mutable {
        // Without a database everything else is still worth showing.
        if (!stored) return done(std::move(view));
        if (stored->latency) {
            view.latency_p50_ms = to_milliseconds(stored->latency->p50);
            view.latency_p95_ms = to_milliseconds(stored->latency->p95);
            view.latency_p99_ms = to_milliseconds(stored->latency->p99);
        }
        for (const storage::Transition& transition : stored->transitions) {
            view.timeline.push_back({transition.at, agent, words(transition)});
        }
        done(std::move(view));
    });
}

void AgentBackend::probe(std::string_view name, std::function<void(Result<checks::Outcome>)> done) {
    const auto refuse = [&](Error error) {
        agent_.loop_.post([done = std::move(done), error = std::move(error)] {
            done(tl::make_unexpected(error));
        });
    };
    const CarriedCheck* check = agent_.checks_.find(name);
    if (check == nullptr) return refuse(no_such_check(name));
    if (check->definition == nullptr) return refuse({Code::not_found, check->problem});
    if (probes_.size() >= probes_max) {
        return refuse({Code::exhausted, "too many probes are under way for clients already"});
    }
    // The list gives each its place; the place is known once it is there.
    auto place = std::make_shared<std::list<checks::Once>::iterator>();
    probes_.emplace_back(checks::ProbeServices{agent_.loop_, agent_.resolvers_, agent_.http_,
                                               agent_.icmp_, &agent_.heartbeats_},
                         *check->definition,
                         [this, place, done = std::move(done)](checks::Outcome outcome) {
                             const auto answer = done;
                             probes_.erase(*place);
                             answer(std::move(outcome));
                         });
    *place = std::prev(probes_.end());
}

void AgentBackend::ping(std::string_view name, const checks::Signal& signal,
                        std::function<void(Result<checks::Heartbeat>)> done) {
    const auto refuse = [&](Error error) {
        agent_.loop_.post([done = std::move(done), error = std::move(error)] {
            done(tl::make_unexpected(error));
        });
    };
    const CarriedCheck* check = agent_.checks_.find(name);
    if (check == nullptr) return refuse(no_such_check(name));
    if (check->type != checks::Type::heartbeat) {
        return refuse({Code::invalid, fmt::format("{} is no heartbeat, it is of type {}",
                                                  check->short_name, to_text(check->type))});
    }
    const WallTime now = io::wall_now();
    agent_.heartbeats_.on_signal(check->name, signal, now);
    if (check->runs()) agent_.runner_.ask_at(check->key, io::monotonic_now());
    // Whoever is told that it was heard may rely on it across a restart.
    agent_.recorder_.settle([this, name = check->name, now, done = std::move(done)] {
        agent_.loop_.post(
            [heartbeat = agent_.heartbeats_.get(name, now), done] { done(heartbeat); });
    });
}

std::vector<api::MemberView> AgentBackend::members() const {
    const auto checks = static_cast<std::uint32_t>(agent_.checks_.rows().size());
    if (agent_.mesh_) {
        auto members = agent_.mesh_->members(checks);
        add_presence(members, *agent_.council_, agent_.config_);
        return members;
    }
    api::MemberView self;
    self.name = agent_.config_.name;
    self.zone = agent_.config_.zone;
    self.state = to_text(gossip::Liveness::alive);
    self.version = version;
    self.checks = checks;
    return {self};
}

void AgentBackend::keys(api::KeyCommand command, std::function<void(Result<api::KeysView>)> done) {
    if (!agent_.mesh_) return later<api::KeysView>(no_mesh(), std::move(done));
    agent_.mesh_->keys().run(command, std::move(done));
}

void AgentBackend::leave(std::function<void(Result<api::LeaveView>)> done) {
    if (!agent_.mesh_) return later<api::LeaveView>(no_mesh(), std::move(done));
    agent_.council_->leave();
    agent_.mesh_->leave(
        [done = std::move(done), name = agent_.config_.name] { done(api::LeaveView{name}); });
}

void AgentBackend::forget(api::ForgetQuery query,
                          std::function<void(Result<api::ForgetView>)> done) {
    if (!agent_.mesh_) return later<api::ForgetView>(no_mesh(), std::move(done));
    auto names = agent_.mesh_->forget(query.agent, query.zone);
    // Who is not known to membership any more may still count. Who lives is not forgotten.
    if (names || names.error().code() == Code::not_found) {
        const std::size_t counted = agent_.council_->forget(query.agent, query.zone);
        if (!names && counted > 0) names = std::vector<std::string>{};
    }
    if (!names) return later<api::ForgetView>(tl::make_unexpected(names.error()), std::move(done));
    later<api::ForgetView>(api::ForgetView{*std::move(names)}, std::move(done));
}

void AgentBackend::reload(std::function<void(Result<api::ReloadView>)> done) {
    agent_.reload([done = std::move(done)](const api::ReloadView& view) { done(view); });
}

std::vector<api::Event> AgentBackend::events() const {
    return agent_.events_.events();
}

std::unique_ptr<api::Subscription> AgentBackend::subscribe(
    std::function<void(const api::Event&)> on_event) {
    return agent_.events_.follow(std::move(on_event));
}

}  // namespace picket
