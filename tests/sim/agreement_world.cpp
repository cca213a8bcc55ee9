#include "tests/sim/agreement_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "agent/base/assert.h"

namespace picket::testing {
namespace {

using gossip::Liveness;
using namespace std::chrono_literals;

constexpr Duration gossip_interval = 200ms;
constexpr Duration exchange_interval = 5s;
constexpr WallTime wall_begins{std::chrono::seconds(1'790'000'000)};

}  // namespace

AgreementWorld::AgreementWorld(const Options& options)
    : options_(options),
      random_(options.seed),
      network_(options.weather, random_.next()),
      targets_(options.targets, random_.next()),
      agents_(options.agents),
      slot_versions_(options.agents, std::vector<unsigned>(options.targets)),
      truly_failing_(options.targets, Instant::min()),
      asked_(options.targets) {
    for (std::size_t target = 0; target < options.targets; ++target) {
        by_key_[key(target)] = target;
    }
    targets_.path = [this](AgentIndex agent, std::size_t target) {
        return side_.contains(agent) == targets_inside.contains(target) || side_.empty();
    };
    for (AgentIndex agent = 0; agent < agents_.size(); ++agent) start(agent);
}

AgreementWorld::~AgreementWorld() = default;

gossip::CheckKey AgreementWorld::key(std::size_t target) {
    return gossip::check_key("target-" + std::to_string(target));
}

gossip::MeshCheck AgreementWorld::check(std::size_t target) const {
    gossip::MeshCheck made;
    made.key = key(target);
    made.name = "target-" + std::to_string(target);
    made.fingerprint = gossip::Fingerprint{7};
    made.interval = options_.interval;
    made.timeout = options_.timeout;
    made.witnesses = options_.witnesses;
    made.quorum = options_.quorum;
    made.ours = true;
    for (AgentIndex agent = 0; agent < agents_.size(); ++agent) {
        made.carriers.push_back(gossip::agent_id(name(agent)));
    }
    return made;
}

void AgreementWorld::schedule(Instant at, AgentIndex agent, What what) {
    std::uint32_t slot = 0;
    if (free_slots_.empty()) {
        slot = static_cast<std::uint32_t>(slots_.size());
        slots_.push_back(std::move(what));
    } else {
        slot = free_slots_.back();
        free_slots_.pop_back();
        slots_[slot] = std::move(what);
    }
    due_.push({at, order_++, agent, agents_[agent].life, slot});
}

void AgreementWorld::run_for(Duration duration) {
    const Instant end = now_ + duration;
    while (!due_.empty() && due_.top().at <= end) {
        const Due due = due_.top();
        due_.pop();
        now_ = std::max(now_, due.at);
        What what = std::move(slots_[due.slot]);
        free_slots_.push_back(due.slot);
        Agent& self = agents_[due.agent];
        if (self.agreement == nullptr || self.life != due.life) continue;
        if (now_ < self.paused_until) {
            schedule(self.paused_until, due.agent, std::move(what));
            continue;
        }
        happen(due.agent, std::move(what));
    }
    now_ = end;
}

WallTime AgreementWorld::wall(AgentIndex agent) const {
    return wall_begins + elapsed() + agents_[agent].clock;
}

void AgreementWorld::start(AgentIndex agent) {
    Agent& self = agents_[agent];
    ++self.life;
    ++self.boot;
    self.wakeup = never;
    self.paused_until = {};
    self.hot.clear();
    self.asking = 0;
    self.waiting.clear();
    self.agreement = std::make_unique<gossip::Agreement>(
        gossip::Agreement::Options{.name = name(agent),
                                   .zone = zone(agent),
                                   .boot = self.boot,
                                   .ablations = options_.ablations},
        random_.next(), now_);
    const bool first = self.life == 1;
    for (AgentIndex other = 0; other < agents_.size(); ++other) {
        if (other == agent) continue;
        const bool counts = first || options_.reference_kept;
        self.agreement->set_counted(now_, name(other), counts);
        // One that restarts cut off finds nobody.
        const bool there =
            first || (up(other) && network_.passes(agent, other) && network_.passes(other, agent));
        if (!there) continue;
        self.view[other] = Liveness::alive;
        self.agreement->on_peer(now_, {.name = name(other), .zone = zone(other)});
    }
    self.agreement->set_standing(now_, {.settled = true});
    for (std::size_t target = 0; target < options_.targets; ++target) {
        self.agreement->on_check(now_, check(target));
    }
    for (const auto& entry : self.store) self.agreement->on_verdict(now_, entry.second);
    schedule(now_ + Duration(static_cast<Duration::rep>(random_.below(5'000'000))), agent,
             Exchange{});
    pump(agent);
}

void AgreementWorld::crash(AgentIndex agent) {
    Agent& self = agents_[agent];
    PICKET_ASSERT(self.agreement != nullptr);
    self.agreement.reset();
    tell_liveness(agent, Liveness::suspect, 500ms, 2500ms);
    tell_liveness(agent, Liveness::failed, 5s, 8s);
    for (std::size_t target = 0; target < targets_.size(); ++target) {
        if (targets_[target].host == agent) targets_[target].manner = Manner::swallows;
    }
}

void AgreementWorld::restart(AgentIndex agent, bool memory_kept) {
    PICKET_ASSERT(agents_[agent].agreement == nullptr);
    if (!memory_kept) agents_[agent].store.clear();
    agents_[agent].boot += 1000;
    start(agent);
    tell_liveness(agent, Liveness::alive, 100ms, 1500ms);
}

void AgreementWorld::pause(AgentIndex agent, Duration duration) {
    agents_[agent].paused_until = now_ + duration;
}

// Those on the other side are suspected, then failed, as by SWIM.
void AgreementWorld::partition(const std::set<AgentIndex>& side) {
    side_ = side;
    cut_at_ = now_;
    ++cuts_;
    network_.partition(side);
    for (AgentIndex agent = 0; agent < agents_.size(); ++agent) {
        if (!up(agent)) continue;
        tell_liveness(agent, Liveness::suspect, 500ms, 4s);
        tell_liveness(agent, Liveness::failed, 6s, 14s);
    }
}

void AgreementWorld::cut(AgentIndex from, AgentIndex to) {
    cut_at_ = now_;
    network_.cut(from, to);
}

void AgreementWorld::heal() {
    side_.clear();
    ++cuts_;
    network_.heal();
    for (AgentIndex agent = 0; agent < agents_.size(); ++agent) {
        if (up(agent)) tell_liveness(agent, Liveness::alive, 500ms, 5s);
    }
}

// To everybody whom it concerns: those that cannot talk to it, or, if it lives, can.
void AgreementWorld::tell_liveness(AgentIndex about, Liveness liveness, Duration min,
                                   Duration max) {
    const auto span = static_cast<std::uint64_t>((max - min).count());
    const Duration after = min + Duration(static_cast<Duration::rep>(random_.below(span)));
    for (AgentIndex agent = 0; agent < agents_.size(); ++agent) {
        if (agent == about || !up(agent)) continue;
        const Duration late = Duration(static_cast<Duration::rep>(random_.below(400'000)));
        schedule(now_ + after + late, agent, Told{about, liveness, agents_[about].life, cuts_});
    }
}

void AgreementWorld::happen(AgentIndex agent, What what) {
    Agent& self = agents_[agent];
    gossip::Agreement& agreement = *self.agreement;
    if (std::holds_alternative<Wake>(what)) {
        if (now_ < self.wakeup) return;
        self.wakeup = never;
    } else if (const auto* slot = std::get_if<Slot>(&what)) {
        if (slot->version != slot_versions_[agent][slot->target]) return;
        agreement.on_slot(now_, key(slot->target));
        next_slot(agent, slot->target);
    } else if (std::holds_alternative<Gossip>(what)) {
        self.gossip_at = never;
        spread(agent);
    } else if (std::holds_alternative<Exchange>(what)) {
        schedule(now_ + exchange_interval, agent, Exchange{});
        const AgentIndex other = random_.below(agents_.size());
        if (other != agent && up(other) && network_.passes(agent, other) &&
            network_.passes(other, agent) && now_ >= agents_[other].paused_until) {
            const auto theirs = agents_[other].store;
            for (const auto& entry : self.store) accept(other, entry.second);
            for (const auto& entry : theirs) accept(agent, entry.second);
            pump(other);
        }
    } else if (auto* done = std::get_if<Done>(&what)) {
        --self.asking;
        agreement.on_answer(now_, done->check, done->id, std::move(done->answer));
        ask_waiting(agent);
    } else if (const auto* mail = std::get_if<Mail>(&what)) {
        take_mail(agent, *mail);
    } else if (const auto* ping = std::get_if<Ping>(&what)) {
        send(agent, ping->from, Pong{agent, ping->call});
    } else if (const auto* pong = std::get_if<Pong>(&what)) {
        agreement.on_roll_call_answer(now_, pong->call, name(pong->from));
    } else if (const auto* told = std::get_if<Told>(&what)) {
        const bool talks =
            up(told->of) && network_.passes(agent, told->of) && network_.passes(told->of, agent);
        if (talks != (told->liveness == Liveness::alive)) return;
        self.view[told->of] = told->liveness;
        agreement.on_peer(
            now_, {.name = name(told->of), .zone = zone(told->of), .liveness = told->liveness});
    }
    pump(agent);
}

void AgreementWorld::take_mail(AgentIndex agent, const Mail& mail) {
    Agent& self = agents_[agent];
    gossip::Agreement& agreement = *self.agreement;
    const gossip::Record& record = mail.record;
    if (const auto* vote = std::get_if<gossip::VoteRecord>(&record)) {
        // Whoever speaks of an epoch that is over is told the verdict.
        const auto held = self.store.find(vote->check);
        const bool over = held != self.store.end() && vote->epoch < held->second.epoch;
        if (over) send(agent, mail.from, Mail{agent, held->second});
        agreement.on_vote(now_, *vote);
    } else if (const auto* suspicion = std::get_if<gossip::SuspicionRecord>(&record)) {
        agreement.on_suspicion(now_, *suspicion);
    } else if (const auto* verdict = std::get_if<gossip::VerdictRecord>(&record)) {
        accept(agent, *verdict);
    }
}

// As the registry does: the higher version counts, and is told on.
bool AgreementWorld::accept(AgentIndex agent, const gossip::VerdictRecord& verdict) {
    Agent& self = agents_[agent];
    const auto found = self.store.find(verdict.check);
    const auto version = [](const gossip::VerdictRecord& of) {
        return std::tuple(of.era, of.epoch, of.sub, of.proposer);
    };
    if (found != self.store.end() && version(verdict) <= version(found->second)) return false;
    self.store[verdict.check] = verdict;
    const double rounds = std::ceil(std::log(static_cast<double>(agents_.size()))) + 4;
    self.hot[verdict.check] = static_cast<int>(rounds);
    if (tracing && by_key_.contains(verdict.check)) {
        trace += fmt::format("[{:8.3f}] {} holds {}#{}.{} {}\n", to_seconds(elapsed()), name(agent),
                             by_key_[verdict.check], verdict.epoch, verdict.sub,
                             fmt::join(verdict.zones_failing, ","));
    }
    self.agreement->on_verdict(now_, verdict);
    spread(agent);
    return true;
}

void AgreementWorld::spread(AgentIndex agent) {
    Agent& self = agents_[agent];
    for (auto& [check, rounds] : self.hot) {
        --rounds;
        for (int i = 0; i < 3; ++i) {
            const AgentIndex other = random_.below(agents_.size());
            if (other != agent) send(agent, other, Mail{agent, self.store[check]});
        }
    }
    std::erase_if(self.hot, [](const auto& entry) { return entry.second <= 0; });
    if (self.hot.empty() || self.gossip_at != never) return;
    self.gossip_at = now_ + gossip_interval;
    schedule(self.gossip_at, agent, Gossip{});
}

void AgreementWorld::send(AgentIndex from, AgentIndex to, const What& what) {
    for (const Duration delay : network_.packet(from, to)) {
        if (up(to)) schedule(now_ + delay, to, what);
    }
}

void AgreementWorld::pump(AgentIndex agent) {
    Agent& self = agents_[agent];
    gossip::Agreement& agreement = *self.agreement;
    while (agreement.next_wakeup() <= now_) {
        agreement.on_tick(now_, wall(agent));
        while (auto attempt = agreement.poll_attempt()) self.waiting.push_back(*std::move(attempt));
        ask_waiting(agent);
        while (const auto dispatch = agreement.poll_dispatch()) {
            const AgentIndex to = std::stoul(dispatch->to.substr(1));
            if (tracing) {
                if (const auto* vote = std::get_if<gossip::VoteRecord>(&dispatch->record)) {
                    trace += fmt::format("[{:8.3f}] {} -> {}: vote {} on {} age {:.3f} {}\n",
                                         to_seconds(elapsed()), name(agent), dispatch->to,
                                         static_cast<int>(vote->vote), vote->epoch,
                                         to_seconds(vote->age), vote->message);
                }
            }
            send(agent, to, Mail{agent, dispatch->record});
        }
        while (const auto ping = agreement.poll_ping()) {
            send(agent, std::stoul(ping->name.substr(1)), Ping{agent, ping->call});
        }
        while (const auto proposal = agreement.poll_proposal()) take_proposal(agent, *proposal);
        while (agreement.poll_notice().has_value()) ++notices_;
        while (const auto event = agreement.poll_event()) {
            if (event->kind != gossip::AgreementEvent::Kind::seat) continue;
            if (const auto target = target_of(event->check)) next_slot(agent, *target);
        }
    }
    const Instant wakeup = agreement.next_wakeup();
    if (wakeup >= self.wakeup) return;
    self.wakeup = wakeup;
    schedule(wakeup, agent, Wake{});
}

void AgreementWorld::take_proposal(AgentIndex agent, const gossip::Proposal& proposal) {
    const gossip::VerdictRecord& verdict = proposal.verdict;
    written_.push_back({elapsed(), agent, verdict, proposal.evidence});
    const auto target = target_of(verdict.check);
    // A roll call may have passed just before the cut.
    const bool just_cut = now_ - cut_at_ < gossip::Agreement::proof_valid_for + 1s;
    if (!quorate(agent) && !just_cut)
        complain(fmt::format("{} writes without a majority", name(agent)));
    if (verdict.outage() && verdict.sub == 0 && target.has_value()) judge_opening(agent, *target);
    accept(agent, verdict);
}

// As a schedule does: at the same place of every interval, on the wall clock.
void AgreementWorld::next_slot(AgentIndex agent, std::size_t target) {
    const unsigned version = ++slot_versions_[agent][target];
    const auto seat = agents_[agent].agreement->seat(key(target));
    if (!seat.has_value()) return;
    const Duration interval = options_.interval;
    const Duration at = wall(agent).time_since_epoch() % interval;
    Duration wait = (seat->offset - at) % interval;
    if (wait <= Duration::zero()) wait += interval;
    schedule(now_ + wait, agent, Slot{target, version});
}

void AgreementWorld::ask_waiting(AgentIndex agent) {
    Agent& self = agents_[agent];
    while (!self.waiting.empty() && self.asking < options_.attempts_at_once) {
        const gossip::Attempt attempt = std::move(self.waiting.front());
        self.waiting.pop_front();
        if (self.agreement->on_started(now_, attempt.check, attempt.id)) ask(agent, attempt);
    }
}

void AgreementWorld::ask(AgentIndex agent, const gossip::Attempt& attempt) {
    ++agents_[agent].asking;
    SimAnswer answer;
    if (!attempt.host.empty()) {
        const AgentIndex host = std::stoul(attempt.host.substr(1));
        const bool there = up(host) && network_.passes(agent, host) && network_.passes(host, agent);
        answer.answer.finding =
            there ? gossip::Answer::Finding::passed : gossip::Answer::Finding::failed;
        answer.answer.out_of_time = !there;
        answer.answer.message = there ? "" : "no answer";
        answer.after = there ? Duration(2ms) : Duration(3s);
        answer.answer.latency = answer.after;
    } else {
        const std::size_t target = *target_of(attempt.check);
        asked_[target].push_back(now_);
        answer = targets_.ask(agent, target, options_.timeout);
        note_truth();
    }
    schedule(now_ + answer.after, agent, Done{attempt.check, attempt.id, answer.answer});
}

// ---- What an onlooker knows

// The side that holds more than half of all, the dead ones counted.
bool AgreementWorld::quorate(AgentIndex agent) const {
    std::size_t with = 0;
    for (AgentIndex other = 0; other < agents_.size(); ++other) {
        const bool here = other == agent || (up(other) && network_.passes(agent, other) &&
                                             network_.passes(other, agent));
        if (here) ++with;
    }
    if (agents_.size() <= 2) return true;  // The survivor of two: a price that is documented.
    return 2 * with >= agents_.size();
}

void AgreementWorld::note_truth() {
    for (std::size_t target = 0; target < targets_.size(); ++target) {
        std::size_t lacking = 0;
        std::size_t witnesses = 0;
        for (AgentIndex agent = 0; agent < agents_.size(); ++agent) {
            if (!up(agent)) continue;
            ++witnesses;
            if (quorate(agent) && !targets_.reaches(agent, target)) ++lacking;
        }
        const auto size = gossip::panel_size(options_.witnesses, options_.quorum, witnesses);
        if (lacking >= size.quorum) truly_failing_[target] = now_;
    }
}

void AgreementWorld::judge_opening(AgentIndex by, std::size_t target) {
    ++openings_;
    note_truth();
    const Duration fresh = 3 * options_.timeout + 5s;
    if (truly_failing_[target] >= now_ - fresh) return;
    ++false_openings_;
    complain(fmt::format("{} opens {} which is well", name(by), target));
}

void AgreementWorld::complain(const std::string& line) {
    complaints_ += fmt::format("[{:8.3f}] {}\n", to_seconds(elapsed()), line);
}

std::optional<std::size_t> AgreementWorld::target_of(gossip::CheckKey key) const {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<gossip::VerdictRecord> AgreementWorld::verdict(AgentIndex agent,
                                                             std::size_t target) const {
    const auto found = agents_[agent].store.find(key(target));
    return found == agents_[agent].store.end() ? std::nullopt : std::optional(found->second);
}

std::uint32_t AgreementWorld::epoch_of(AgentIndex agent, std::size_t target) const {
    const auto held = verdict(agent, target);
    return held.has_value() ? held->epoch : 0;
}

gossip::State AgreementWorld::state(AgentIndex agent, std::size_t target) const {
    return agents_[agent].agreement->state(now_, key(target));
}

gossip::CheckView AgreementWorld::check_view(AgentIndex agent, std::size_t target) const {
    return agents_[agent].agreement->view(now_, key(target)).value_or(gossip::CheckView{});
}

bool AgreementWorld::all_hold(std::size_t target, std::uint32_t epoch) const {
    for (AgentIndex agent = 0; agent < agents_.size(); ++agent) {
        if (up(agent) && epoch_of(agent, target) != epoch) return false;
    }
    return true;
}

std::size_t AgreementWorld::attempts_peak(std::size_t target, Duration window) const {
    return most_within(asked_[target], window);
}

}  // namespace picket::testing
