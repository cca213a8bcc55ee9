#include "agent/agent.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/agent_backend.h"
#include "agent/base/assert.h"
#include "agent/base/log.h"
#include "agent/base/version.h"
#include "agent/facts.h"
#include "agent/files.h"
#include "agent/io/clock.h"
#include "checks/probes/kinds.h"

namespace picket {
namespace {

using namespace std::chrono_literals;

// The first questions come within this, fewer checks sooner: a thousand over five
// seconds, ten within a twentieth of one.
constexpr Duration first_round_max = 5s;
constexpr Duration first_round_per_check = 5ms;

// Before the name of a heartbeat, in the key under which it is kept.
constexpr std::string_view heartbeat_fact = "heartbeat/";

std::string summary(const checks::CatalogueDiff& diff) {
    return fmt::format("{} added, {} changed, {} removed, {} unchanged", diff.added.size(),
                       diff.changed.size(), diff.removed.size(), diff.unchanged);
}

}  // namespace

Agent::Load Agent::load(checks::Catalogue previous, const Config& config) {
    Load result;
    CheckFiles read = read_check_files(config.checks);
    for (const Problem& problem : read.problems) result.problems.push_back(to_text(problem));
    if (!result.problems.empty() && !previous.entries().empty()) {
        // A directory that cannot be read for once has not lost its checks.
        result.loaded.diff.unchanged = previous.entries().size();
        result.loaded.next = std::move(previous);
        return result;
    }
    result.loaded = checks::load_catalogue(std::move(previous), read.files,
                                           {.agent = config.name, .reader = secret_reader()});
    for (const Problem& problem : result.loaded.next.problems()) {
        result.problems.push_back(to_text(problem));
    }
    return result;
}

Agent::Agent(io::Loop& loop, Config config)
    : loop_(loop),
      config_(std::move(config)),
      started_(io::monotonic_now()),
      resolvers_(loop),
      http_(loop),
      icmp_(loop),
      service_manager_(loop),
      heartbeats_([this](const std::string& name, const checks::Heartbeat& heartbeat) {
          recorder_.record(storage::AgentFact{std::string(heartbeat_fact) + name,
                                              checks::write_heartbeat(heartbeat)});
      }),
      checks_(config_.gossip.has_value()),
      runner_(
          loop,
          {.in_flight_max = config_.limits.probes_in_flight_max,
           .starts_per_second_max = config_.limits.probe_starts_per_second_max},
          [this](const checks::Definition& definition) {
              return checks::make_probe(definition,
                                        {loop_, resolvers_, http_, icmp_, &heartbeats_});
          },
          [this](checks::CheckKey key, checks::Run run) { on_run(key, std::move(run)); }),
      recorder_(
          loop,
          {.state_dir = config_.state_dir,
           .retention = {.outcomes_age = config_.history.raw,
                         .minutes_age = config_.history.minutes,
                         .five_minutes_age = config_.history.five_minutes,
                         .hours_age = config_.history.hours,
                         .facts_age = config_.history.hours,
                         .size_bytes_max =
                             static_cast<std::int64_t>(config_.history.size_bytes_max)},
           .rows_waiting_max = config_.limits.history_rows_waiting_max},
          [this](const storage::Loaded& loaded) {
              restore_heartbeats(loaded);
              checks_.restore(loaded, io::monotonic_now());
              record_everything();
          },
          [this] { record_everything(); }),
      verdict_timer_(loop, [this] { on_verdict_timer(); }),
      load_worker_(loop),
      backend_(std::make_unique<AgentBackend>(*this)) {}

Agent::~Agent() = default;

Status Agent::start() {
    const storage::Loaded stored = PICKET_TRY(recorder_.open());
    const Instant now = io::monotonic_now();
    restore_heartbeats(stored);
    if (config_.gossip) PICKET_TRY(join_mesh(stored));
    checks_.restore(stored, now);
    apply(load({}, config_), now);
    checks_.restore(stored, now);  // The last hour, now that there are witnesses.
    end_outages(checks_.let_go_meanwhile(stored, io::wall_now()));

    server_ = PICKET_TRY(api::Server::open(loop_, *backend_, {.socket_path = config_.socket}));
    auto watch = io::DirectoryWatch::create(loop_, config_.checks, {},
                                            [this] { reload([](const api::ReloadView&) {}); });
    if (watch) {
        watch_ = *std::move(watch);
    } else {
        watch_problem_ = watch.error().message() + "; changed definitions need `picket reload`";
        log_warning(watch_problem_);
    }
    log_info(fmt::format("picket {} watches {} checks as {}", version, checks_.rows().size(),
                         config_.name));
    if (mesh_) mesh_->start();
    service_manager_.ready();
    update_service_status();
    return {};
}

Status Agent::join_mesh(const storage::Loaded& stored) {
    mesh_ = PICKET_TRY(
        MeshNode::open({loop_, resolvers_, recorder_, events_}, config_, stored.agent_facts));
    runner_.on_attempt([this](checks::CheckKey key, auto attempt, checks::Run run) {
        on_attempt(key, attempt, std::move(run));
    });
    council_ = std::make_unique<Council>(
        Council::Services{loop_, resolvers_, icmp_, *mesh_, recorder_, runner_, events_, checks_},
        config_, stored, [this] { update_service_status(); });
    return {};
}

void Agent::reload(std::function<void(const api::ReloadView&)> done) {
    reload_waiting_.push_back(std::move(done));
    if (load_worker_.busy()) return;
    service_manager_.reloading();
    reload_running_ = std::exchange(reload_waiting_, {});
    load_worker_.submit([previous = std::move(catalogue_),
                         config = config_]() mutable { return load(std::move(previous), config); },
                        [this](Load load) {
                            if (!stopping_) finish_reload(std::move(load));
                        });
}

void Agent::finish_reload(Load load) {
    const checks::CatalogueDiff& diff = load.loaded.diff;
    api::ReloadView view;
    view.added = static_cast<std::uint32_t>(diff.added.size());
    view.changed = static_cast<std::uint32_t>(diff.changed.size());
    view.removed = static_cast<std::uint32_t>(diff.removed.size());
    view.unchanged = static_cast<std::uint32_t>(diff.unchanged);
    const std::string words = summary(diff);
    apply(std::move(load), io::monotonic_now());
    view.problems = definition_problems_;

    const std::string faults =
        view.problems.empty() ? "" : fmt::format(", {} problems", view.problems.size());
    log_info("definitions read again: " + words + faults);
    api::Event event;
    event.at = io::wall_now();
    event.type = api::EventType::reload;
    event.agent = config_.name;
    event.message = words + faults;
    events_.add(std::move(event));

    service_manager_.ready();
    update_service_status();
    for (const auto& done : std::exchange(reload_running_, {})) done(view);
    if (!reload_waiting_.empty()) {
        auto next = std::move(reload_waiting_.back());
        reload_waiting_.pop_back();
        reload(std::move(next));
    }
}

void Agent::apply(Load load, Instant now) {
    catalogue_ = std::move(load.loaded.next);
    definition_problems_ = std::move(load.problems);
    for (const std::string& problem : definition_problems_) log_warning(problem);
    const CheckTable::Changes changes =
        checks_.apply(catalogue_, load.loaded.diff, now, io::wall_now());
    for (const checks::CheckKey key : changes.stop) runner_.remove(key);
    for (const CheckTable::Ended& ended : changes.ended) {
        recorder_.record(
            storage::HistoryRow{.check = ended.name,
                                .type = ended.type,
                                .outcome = {.at = io::wall_now(), .message = ended.reason},
                                .pause = true});
    }
    end_outages(changes.let_go);

    const Duration round = std::min(
        first_round_max, first_round_per_check * static_cast<std::int64_t>(changes.start.size()));
    for (const checks::CheckKey key : changes.start) {
        if (checks_.at(key).meshed()) continue;
        const checks::Definition& definition = *checks_.at(key).definition;
        runner_.add(key, definition, std::min(round, definition.interval));
    }
    if (council_) council_->apply(catalogue_, changes.start);
    // The retired definitions go here: nothing refers to them any more.
}

void Agent::on_run(checks::CheckKey key, checks::Run run) {
    CarriedCheck& check = checks_.at(key);
    PICKET_ASSERT(check.witness.has_value());
    record_run(check, run);
    const WallTime at = run.ended_at;
    const Witness::Effects effects = check.witness->on_run(run);
    if (effects.transition) on_transition(check, *effects.transition, at);
    if (effects.ask_at) runner_.ask_at(key, *effects.ask_at);
    await_clearing(check);
    if (!effects.ask_at) await_heartbeat(check);
    show_state(check, at);
}

void Agent::on_attempt(checks::CheckKey key, checks::Runner::AttemptId attempt, checks::Run run) {
    record_run(checks_.at(key), run);
    council_->on_attempt(key, attempt, run);
}

void Agent::record_run(CarriedCheck& check, const checks::Run& run) {
    check.seen.add(run);
    storage::HistoryRow row{.check = check.name,
                            .type = check.type,
                            .outcome = {.at = run.started_at,
                                        .finding = run.outcome.finding,
                                        .failure_class = run.outcome.failure_class,
                                        .latency = run.outcome.latency,
                                        .message = run.outcome.message},
                            .interval = check.definition->interval};
    // What an agent sees that is not fit is no observation, and counts for nothing later.
    if (council_ && council_->unfit_reason()) {
        row.pause = true;
        row.outcome.message = "unfit: " + *council_->unfit_reason();
    }
    recorder_.record(std::move(row));
}

void Agent::on_transition(CarriedCheck& check, const gossip::Transition& transition, WallTime at) {
    const gossip::Verdict& after = transition.after;
    recorder_.record(verdict_fact(check, after, at));
    if (!after.outage() && !transition.before.outage()) return;

    // Of an outage that is over, all but its end is what it was.
    const storage::Outage outage = after.outage()
                                       ? outage_fact(check, after, std::nullopt)
                                       : outage_fact(check, transition.before, after.since);
    recorder_.record(outage);

    api::Event event;
    event.at = at;
    event.type = api::EventType::outage;
    event.check = check.short_name;
    event.agent = config_.name;
    event.from = after.outage() ? "" : "open";
    event.to = after.outage() ? "open" : "closed";
    event.message = fmt::format("{}#{}: ", check.name, outage.epoch);
    event.message += after.outage()
                         ? fmt::format("{} (1/1, uncorroborated)", outage.message)
                         : "over after " + format_duration(std::chrono::round<std::chrono::seconds>(
                                               *outage.closed - outage.opened));
    after.outage() ? log_warning(event.message) : log_info(event.message);
    events_.add(std::move(event));
    update_service_status();
}

void Agent::end_outages(const std::vector<CheckTable::LetGo>& gone) {
    for (const CheckTable::LetGo& each : gone) {
        recorder_.record(each.verdict);
        recorder_.record(each.outage);
        api::Event event;
        event.at = each.verdict.at;
        event.type = api::EventType::outage;
        event.check = name_in_file(each.outage.check);
        event.agent = config_.name;
        event.from = "open";
        event.to = "closed";
        event.message =
            fmt::format("{}#{}: {}", each.outage.check, each.outage.epoch, each.outage.message);
        log_info(event.message);
        events_.add(std::move(event));
    }
}

void Agent::show_state(CarriedCheck& check, WallTime at) {
    const gossip::State state = check.witness->state(io::monotonic_now());
    if (state == check.shown) return;
    api::Event event;
    event.at = at;
    event.type = api::EventType::verdict;
    event.check = check.short_name;
    event.agent = config_.name;
    event.from = to_text(std::exchange(check.shown, state));
    event.to = to_text(state);
    if (state == gossip::State::down) {
        event.message = check.witness->cause().message;
    } else if (const auto& last = check.seen.last) {
        event.message = last->outcome.message;
    }
    events_.add(std::move(event));
}

void Agent::await_clearing(const CarriedCheck& check) {
    const Instant wakeup = check.witness->next_wakeup();
    if (wakeup != never) clearings_.emplace(wakeup, check.key);
    verdict_timer_.set(clearings_.empty() ? never : clearings_.begin()->first);
}

void Agent::on_verdict_timer() {
    const Instant now = io::monotonic_now();
    const WallTime wall = io::wall_now();
    while (!clearings_.empty() && clearings_.begin()->first <= now) {
        const checks::CheckKey key = clearings_.begin()->second;
        clearings_.erase(clearings_.begin());
        CarriedCheck* check = checks_.find(key);
        // It may have gone since, or have begun anew.
        if (check == nullptr || !check->witness) continue;
        if (const auto transition = check->witness->on_tick(now)) {
            on_transition(*check, *transition, wall);
            show_state(*check, wall);
        }
    }
    verdict_timer_.set(clearings_.empty() ? never : clearings_.begin()->first);
}

void Agent::restore_heartbeats(const storage::Loaded& stored) {
    for (const auto& [key, value] : stored.agent_facts) {
        if (!key.starts_with(heartbeat_fact)) continue;
        heartbeats_.restore(key.substr(heartbeat_fact.size()), value);
    }
}

void Agent::await_heartbeat(const CarriedCheck& check) {
    if (check.type != checks::Type::heartbeat) return;
    const WallTime now = io::wall_now();
    const auto next = checks::changes_at(check.definition->query.as<checks::HeartbeatQuery>(),
                                         heartbeats_.get(check.name, now), now);
    if (next) runner_.ask_at(check.key, io::monotonic_now() + (*next - now) + 1ms);
}

void Agent::record_everything() {
    heartbeats_.tell_all();
    if (mesh_) mesh_->record_facts();
    if (council_) council_->record_everything();
    for (const auto& [name, check] : checks_.rows()) {
        if (!check.witness || !check.witness->verdict().judged) continue;
        const gossip::Verdict& verdict = check.witness->verdict();
        recorder_.record(verdict_fact(check, verdict, verdict.since));
        if (verdict.outage()) recorder_.record(outage_fact(check, verdict, std::nullopt));
    }
}

std::vector<std::string> Agent::problems() const {
    std::vector<std::string> problems = recorder_.problems();
    problems.insert(problems.end(), definition_problems_.begin(), definition_problems_.end());
    if (!watch_problem_.empty()) problems.push_back(watch_problem_);
    if (mesh_) {
        for (std::string& problem : mesh_->problems()) problems.push_back(std::move(problem));
        for (std::string& problem : council_->problems()) problems.push_back(std::move(problem));
    }
    if (!config_.http_listen.empty()) {
        problems.emplace_back("[http] listen is checked and not yet served");
    }
    if (watch_ != nullptr) {
        problems.insert(problems.end(), watch_->problems().begin(), watch_->problems().end());
    }
    return problems;
}

void Agent::update_service_status() {
    const auto down = std::ranges::count_if(checks_.rows(), [this](const auto& row) {
        const CarriedCheck& check = row.second;
        return check.witness ? check.witness->verdict().outage()
                             : check.meshed() && council_->outage(check.key);
    });
    service_manager_.status(fmt::format("{} checks, {} down", checks_.rows().size(), down));
}

void Agent::stop(std::function<void()> done) {
    stopping_ = true;
    service_manager_.stopping();
    watch_.reset();
    for (const auto& [name, check] : checks_.rows()) {
        if (check.runs()) runner_.remove(check.key);
    }
    verdict_timer_.clear();
    server_.reset();
    if (council_) council_->stop();
    mesh_.reset();
    recorder_.finish(std::move(done));
}

}  // namespace picket
