#include "agent/agent_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "agent/agent.h"
#include "agent/base/version.h"
#include "agent/facts.h"
#include "agent/io/clock.h"
#include "checks/canonical.h"

namespace picket {
namespace {

using namespace std::chrono_literals;
using storage::HistoryReader;

api::OutageView outage_view(const storage::Outage& stored) {
    api::OutageView view;
    view.id = fmt::format("{}#{}", stored.check, stored.epoch);
    view.check = stored.check;
    view.state = stored.closed ? "closed" : "open";
    view.scope = stored.scope;
    view.opened_at = stored.opened;
    view.closed_at = stored.closed;
    view.first_failure_at = stored.first_failure;
    view.failure_class = stored.failure_class;
    view.message = stored.message;
    return view;
}

// A panel of one: what the agent saw and decided is the whole story.
api::OutageDetailView detail_view(const storage::Outage& stored, const std::string& agent,
                                  const std::string& zone) {
    api::OutageDetailView view;
    view.outage = outage_view(stored);
    view.votes.push_back({.agent = agent,
                          .zone = zone,
                          .vote = "fail",
                          .failure_class = stored.failure_class,
                          .message = stored.message,
                          .at = stored.opened});
    view.timeline.push_back({stored.first_failure, agent, "first failure"});
    view.timeline.push_back({stored.opened, agent, "confirmed (1/1, uncorroborated)"});
    if (stored.closed) view.timeline.push_back({*stored.closed, agent, "first success, closed"});
    return view;
}

std::string words(const storage::Transition& transition) {
    if (transition.state == "up") return "up";
    return fmt::format("{} (#{}): {}", transition.state, transition.epoch, transition.message);
}

struct OutageId {
    std::string_view check;
    std::uint32_t epoch = 0;
};

std::optional<OutageId> parse_outage_id(std::string_view id) {
    const std::size_t hash = id.rfind('#');
    if (hash == std::string_view::npos) return std::nullopt;
    OutageId parsed{.check = id.substr(0, hash)};
    const char* end = id.data() + id.size();
    const auto [stopped, error] = std::from_chars(id.data() + hash + 1, end, parsed.epoch);
    if (error != std::errc{} || stopped != end) return std::nullopt;
    return parsed;
}

Error no_such_check(std::string_view name) {
    return {Code::not_found, fmt::format("no check is named '{}'", name)};
}

}  // namespace

AgentBackend::AgentBackend(Agent& agent) : agent_(agent), reader_(agent.loop_) {}

template <typename Answer>
void AgentBackend::ask(std::function<Result<Answer>(HistoryReader&)> question,
                       std::function<void(Result<Answer>)> done) {
    if (questions_.size() >= questions_max) {
        agent_.loop_.post([done = std::move(done)] {
            done(failure(Code::exhausted, "too many questions about history wait already"));
        });
        return;
    }
    questions_.push_back([this, question = std::move(question), done = std::move(done)]() mutable {
        reader_.submit(
            [path = agent_.recorder_.database_path(), question = std::move(question)] {
                auto reader = HistoryReader::open(path);
                if (!reader) return Result<Answer>(tl::make_unexpected(reader.error()));
                return question(*reader);
            },
            [this, done = std::move(done)](Result<Answer> answer) {
                ask_next();
                done(std::move(answer));
            });
    });
    agent_.recorder_.settle([this] { agent_.loop_.post([this] { ask_next(); }); });
}

void AgentBackend::ask_next() {
    if (questions_.empty() || reader_.busy()) return;
    const auto question = std::move(questions_.front());
    questions_.pop_front();
    question();
}

api::CheckView AgentBackend::check_view(const CarriedCheck& check) const {
    api::CheckView view;
    view.name = check.short_name;
    view.type = to_text(check.type);
    view.scope = to_text(check.scope);
    view.problem = check.problem;
    if (!check.runs()) {
        view.state = to_text(gossip::State::unknown);
        view.sparkline.assign(api::sparkline_length, '-');
        return view;
    }
    const Witness& witness = *check.witness;
    const gossip::Verdict& verdict = witness.verdict();
    view.state = to_text(witness.state(io::monotonic_now()));
    view.epoch = verdict.epoch;
    if (verdict.judged) view.since = verdict.since;
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
    if (witness.last()) view.last = {witness.last()->outcome, witness.last()->started_at};
    view.sparkline = witness.hour().sparkline(io::wall_now());
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
        {"history_facts_dropped", writer.facts_dropped()},
        {"events_dropped", agent_.server_ ? agent_.server_->events_dropped() : 0},
    };
    if (agent_.mesh_) {
        for (auto& counter : agent_.mesh_->counters()) counters.push_back(std::move(counter));
    }
    return counters;
}

api::StatusView AgentBackend::status() const {
    api::StatusView view;
    view.agent.name = agent_.config_.name;
    view.agent.zone = agent_.config_.zone;
    view.agent.uptime = io::monotonic_now() - agent_.started_;
    view.agent.problems = agent_.problems();
    view.agent.counters = counters();
    if (agent_.mesh_) view.mesh = agent_.mesh_->view();
    view.checks.reserve(agent_.checks_.rows().size());
    for (const auto& [name, check] : agent_.checks_.rows()) {
        view.checks.push_back(check_view(check));
        if (check.runs() && check.witness->verdict().outage()) {
            view.outages.push_back(
                outage_view(outage_fact(check, check.witness->verdict(), std::nullopt)));
        }
    }
    return view;
}

void AgentBackend::show(std::string_view name, std::function<void(Result<api::ShowView>)> done) {
    const CarriedCheck* check = agent_.checks_.find(name);
    if (check == nullptr) {
        agent_.loop_.post([done = std::move(done), error = no_such_check(name)] {
            done(tl::make_unexpected(error));
        });
        return;
    }
    api::ShowView view;
    view.check = check_view(*check);
    if (check->definition != nullptr) view.definition = checks::settings(*check->definition);
    view.agent = agent_.config_.name;
    view.zone = agent_.config_.zone;

    struct Stored {
        std::optional<storage::LatencySummary> latency;
        std::vector<storage::Transition> transitions;
    };
    const auto question = [check_name = check->name,
                           now = io::wall_now()](HistoryReader& reader) -> Result<Stored> {
        Stored stored;
        stored.latency = PICKET_TRY(reader.latency(check_name, now - 1h, now + 1s));
        stored.transitions = PICKET_TRY(reader.transitions(check_name, WallTime{}, now + 1s));
        return stored;
    };
    ask<Stored>(question,
                [view = std::move(view), done = std::move(done)](Result<Stored> stored) mutable {
                    // Without a database everything else is still worth showing.
                    if (!stored) return done(std::move(view));
                    if (stored->latency) {
                        view.latency_p50_ms = to_milliseconds(stored->latency->p50);
                        view.latency_p95_ms = to_milliseconds(stored->latency->p95);
                        view.latency_p99_ms = to_milliseconds(stored->latency->p99);
                    }
                    for (const storage::Transition& transition : stored->transitions) {
                        view.timeline.push_back({transition.at, view.agent, words(transition)});
                    }
                    done(std::move(view));
                });
}

void AgentBackend::history(api::HistoryQuery query,
                           std::function<void(Result<api::HistoryView>)> done) {
    // A name that is not carried any more may still be stored.
    const CarriedCheck* check = agent_.checks_.find(query.check);
    const std::string stored_name = check == nullptr ? query.check : check->name;
    const bool carried = check != nullptr;
    const auto question = [query, stored_name,
                           carried](HistoryReader& reader) -> Result<api::HistoryView> {
        api::HistoryView view;
        view.check = query.check;
        view.from = query.from;
        view.to = query.to;
        auto range = reader.outcomes(stored_name, query.from, query.to);
        if (!range) {
            const bool not_yet = carried && range.error().code() == Code::not_found;
            if (not_yet) return view;
            return tl::make_unexpected(range.error());
        }
        view.truncated = range->truncated;
        for (storage::OutcomeRecord& outcome : range->outcomes) {
            view.points.push_back({.at = outcome.at,
                                   .finding = outcome.finding,
                                   .failure_class = outcome.failure_class,
                                   .latency = outcome.latency,
                                   .message = std::move(outcome.message)});
        }
        return view;
    };
    ask<api::HistoryView>(question, std::move(done));
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
    probes_.emplace_back(checks::ProbeServices{agent_.loop_, agent_.resolvers_, agent_.http_},
                         *check->definition,
                         [this, place, done = std::move(done)](checks::Outcome outcome) {
                             const auto answer = done;
                             probes_.erase(*place);
                             answer(std::move(outcome));
                         });
    *place = std::prev(probes_.end());
}

void AgentBackend::outages(api::OutagesQuery query,
                           std::function<void(Result<api::OutagesView>)> done) {
    const auto question = [query](HistoryReader& reader) -> Result<api::OutagesView> {
        const auto stored = PICKET_TRY(
            reader.outages({.check = "", .open_only = query.open_only, .since = query.since}));
        api::OutagesView view;
        view.truncated = stored.size() >= HistoryReader::outages_max;
        for (const storage::Outage& outage : stored) view.outages.push_back(outage_view(outage));
        std::ranges::reverse(view.outages);
        return view;
    };
    ask<api::OutagesView>(question, std::move(done));
}

void AgentBackend::outage(std::string_view id,
                          std::function<void(Result<api::OutageDetailView>)> done) {
    const auto parsed = parse_outage_id(id);
    if (!parsed) {
        agent_.loop_.post([done = std::move(done), id = std::string(id)] {
            done(failure(Code::not_found,
                         fmt::format("'{}' is not the id of an outage, as homepage#7 is", id)));
        });
        return;
    }
    const CarriedCheck* check = agent_.checks_.find(parsed->check);
    const std::string name = check == nullptr ? std::string(parsed->check) : check->name;
    const auto question =
        [name, epoch = parsed->epoch, agent = agent_.config_.name,
         zone = agent_.config_.zone](HistoryReader& reader) -> Result<api::OutageDetailView> {
        const storage::Outage stored = PICKET_TRY(reader.outage(name, epoch));
        return detail_view(stored, agent, zone);
    };
    ask<api::OutageDetailView>(question, std::move(done));
}

std::vector<api::MemberView> AgentBackend::members() const {
    const auto checks = static_cast<std::uint32_t>(agent_.checks_.rows().size());
    if (agent_.mesh_) return agent_.mesh_->members(checks);
    api::MemberView self;
    self.name = agent_.config_.name;
    self.zone = agent_.config_.zone;
    self.state = to_text(gossip::Liveness::alive);
    self.version = version;
    self.checks = checks;
    return {self};
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
