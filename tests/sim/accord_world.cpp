#include "tests/sim/accord_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/digest.h"
#include "gossip/spread/record_codec.h"

namespace picket::testing {
namespace {

using namespace gossip;
using namespace std::chrono_literals;

constexpr WallTime wall_begins{std::chrono::seconds(1'790'000'000)};
constexpr std::int64_t boot_epoch_seconds = 1'700'000'000;
constexpr Duration disk_write = 2ms;
constexpr Duration known_after = 30s;  // Who is there, with all.
constexpr FailureCode timed_out = 2;

AgentIndex index_of(std::string_view name) {
    return std::stoul(std::string(name.substr(1)));
}

}  // namespace

AccordWorld::AccordWorld(const Options& options)
    : options_(options),
      random_(options.seed),
      mesh_({.agents = options.agents,
             .zones = options.zones,
             .begin = options.begin,
             .seed = random_.next(),
             .weather = options.weather,
             .start_spread = options.converged ? 0s : 2s,
             .converged = options.converged,
             .trace = false}),
      targets_(options.targets, random_.next()),
      oracle_(onlooker(), {.interval = options.interval,
                           .timeout = options.timeout,
                           .alone = options.agents == 1,
                           .survivors = options.agents == 2}),
      agents_(options.agents),
      asked_(options.targets) {
    for (std::size_t target = 0; target < options.targets; ++target) by_key_[key(target)] = target;
    targets_.path = [this](AgentIndex agent, std::size_t target) {
        return side_.contains(agent) == targets_inside.contains(target) || side_.empty();
    };
    mesh_.set_application(*this);
    for (AgentIndex agent = 0; agent < options.agents && options.converged; ++agent) {
        remember_all(agent);
    }
}

// As in a mesh that was stopped and is started again.
void AccordWorld::remember_all(AgentIndex agent) {
    const auto since = std::chrono::floor<std::chrono::seconds>(wall_begins.time_since_epoch());
    const auto before = static_cast<Boot>(since.count() - boot_epoch_seconds);
    agents_[agent].disk.boot = before;
    ReferenceRecord record;
    for (AgentIndex other = 0; other < agents_.size(); ++other) {
        record.name = name(other);
        record.zone = zone(other);
        record.boot = before + 1;  // The one it starts with.
        record.seen_hours =
            static_cast<std::uint32_t>(std::chrono::floor<std::chrono::hours>(since).count());
        agents_[agent].disk.records[key_of(record)] = encode(record);
    }
}

Oracle::World AccordWorld::onlooker() {
    return {.quorate = [this](AgentIndex agent) { return quorate(agent); },
            .quorum = [this](AgentIndex agent) { return quorum(agent); },
            .since_cut = [this] { return elapsed() - cut_at_; },
            .agent = index_of};
}

CheckKey AccordWorld::key(std::size_t target) {
    return check_key("target-" + std::to_string(target));
}

std::optional<std::size_t> AccordWorld::target_of(CheckKey key) const {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? std::nullopt : std::optional(found->second);
}

WallTime AccordWorld::wall(AgentIndex agent) const {
    return wall_begins + elapsed() + agents_[agent].clock;
}

// ---- Lives of agents

// As an agent starts: its boot grows, its disk is read, its definitions are declared.
void AccordWorld::on_start(AgentIndex agent) {
    Agent& self = agents_[agent];
    steady_from_ = std::max(steady_from_, elapsed());
    const auto seconds =
        std::chrono::floor<std::chrono::seconds>(wall(agent).time_since_epoch()).count();
    self.disk.boot = std::max(self.disk.boot + 1, static_cast<Boot>(seconds - boot_epoch_seconds));
    self.member = true;
    self.asked.clear();
    self.slots.assign(options_.targets, 0);
    self.accord =
        std::make_unique<Accord>(Accord::Options{.spread = {.name = name(agent),
                                                            .zone = zone(agent),
                                                            .boot = self.disk.boot,
                                                            .joins = options_.agents > 1}},
                                 random_.next(), now(agent));
    for (const auto& [key, payload] : self.disk.records) {
        PICKET_ASSERT(self.accord->restore(now(agent), wall(agent), payload));
    }
    declare(agent);
}

void AccordWorld::declare(AgentIndex agent) {
    Agent& self = agents_[agent];
    FileBlob file;
    file.revision = self.revision;
    std::map<CheckKey, OwnCheck> own;
    for (const auto& [check, target] : by_key_) {
        Declaration declaration;
        declaration.name = "target-" + std::to_string(target);
        declaration.type = "tcp";
        declaration.check = check;
        declaration.fingerprint = Fingerprint{self.revision};
        declaration.witnesses = options_.witnesses.has_value()
                                    ? static_cast<std::uint8_t>(*options_.witnesses)
                                    : Declaration::witnesses_all;
        declaration.interval_ms = static_cast<std::uint32_t>(options_.interval / 1ms);
        declaration.timeout_ms = static_cast<std::uint32_t>(options_.timeout / 1ms);
        own[check].fingerprint = declaration.fingerprint;
        own[check].on_partition = options_.on_partition;
        own[check].target_zone = options_.target_zone;
        file.declarations.push_back(std::move(declaration));
    }
    self.accord->set_checks(now(agent), wall(agent), {file}, std::move(own));
}

void AccordWorld::crash(AgentIndex agent) {
    mesh_.crash(agent);
    steady_from_ = std::max(steady_from_, elapsed());
    agents_[agent].accord.reset();
    for (std::size_t target = 0; target < targets_.size(); ++target) {
        if (targets_[target].host == agent) targets_[target].manner = Manner::swallows;
    }
}

void AccordWorld::restart(AgentIndex agent, bool memory_kept) {
    PICKET_ASSERT(agents_[agent].accord == nullptr);
    if (!memory_kept) {
        agents_[agent].disk = {};
        oracle_.on_memory_lost(agent);
    }
    mesh_.restart(agent, memory_kept ? SimMesh::Memory::kept : SimMesh::Memory::lost);
}

void AccordWorld::restore_snapshot(AgentIndex agent) {
    PICKET_ASSERT(agents_[agent].accord == nullptr);
    agents_[agent].disk = agents_[agent].snapshot;
    oracle_.on_memory_lost(agent);
}

void AccordWorld::partition(const std::set<AgentIndex>& side) {
    side_ = side;
    cut_at_ = elapsed();
    steady_from_ = std::max(steady_from_, elapsed());
    network().partition(side);
}

void AccordWorld::cut(AgentIndex from, AgentIndex to) {
    cut_at_ = elapsed();
    steady_from_ = std::max(steady_from_, elapsed());
    network().cut(from, to);
}

void AccordWorld::heal() {
    side_.clear();
    steady_from_ = std::max(steady_from_, elapsed());
    network().heal();
}

void AccordWorld::pause(AgentIndex agent, Duration duration) {
    steady_from_ = std::max(steady_from_, elapsed() + duration);
    mesh_.pause(agent, duration);
}

void AccordWorld::edit(AgentIndex agent, std::uint64_t revision) {
    agents_[agent].revision = revision;
    steady_from_ = std::max(steady_from_, elapsed());
    if (!up(agent)) return;
    declare(agent);
    mesh_.pump(agent);
}

std::size_t AccordWorld::forget(AgentIndex by, std::string_view name) {
    const std::size_t forgotten = agents_[by].accord->forget(now(by), wall(by), name);
    mesh_.pump(by);
    return forgotten;
}

// ---- What a Council does

void AccordWorld::on_member(AgentIndex agent, const MemberEvent& event) {
    if (event.kind != MemberEvent::Kind::changed && event.kind != MemberEvent::Kind::updated) {
        return;
    }
    agents_[agent].accord->on_member(now(agent), wall(agent), event.member);
}

Instant AccordWorld::next_wakeup(AgentIndex agent) const {
    return agents_[agent].accord->next_wakeup();
}

bool AccordWorld::on_pump(AgentIndex agent) {
    Mesh& mesh = mesh_.mesh(agent);
    Accord& accord = *agents_[agent].accord;
    while (const auto message = mesh.poll_user()) {
        accord.on_user(now(agent), wall(agent), message->payload, message->from);
    }
    while (mesh.poll_delivery().has_value()) {
    }
    while (const auto pong = mesh.poll_pong()) take_pong(agent, *pong);
    accord.set_surroundings({.health_score = mesh.swim().health_score()});
    accord.on_tick(now(agent), wall(agent));
    while (const auto order = accord.poll_persist()) persist(agent, *order);
    while (const auto attempt = accord.poll_attempt(now(agent))) ask(agent, *attempt);
    const bool sent = send_all(agent);
    while (const auto event = accord.poll_event()) hear(agent, *event);
    return sent;
}

bool AccordWorld::send_all(AgentIndex agent) {
    Mesh& mesh = mesh_.mesh(agent);
    Agent& self = agents_[agent];
    bool any = false;
    while (const auto question = self.accord->poll_question()) {
        const std::uint64_t ticket =
            mesh.ping(now(agent), question->address, question->name, question->timeout);
        self.asked[ticket] = {.call = question->call};
        any = true;
    }
    while (const auto broadcast = self.accord->poll_broadcast()) {
        static_cast<void>(mesh.broadcast(now(agent), broadcast->rank, broadcast->key,
                                         broadcast->payload, Audience::picket));
        any = true;
    }
    while (auto letter = self.accord->poll_letter()) {
        any = true;
        if (letter->way == Letter::Way::reliable) {
            mesh.send_reliably(now(agent), letter->address, std::move(letter->payload));
        } else {
            static_cast<void>(mesh.send(now(agent), letter->address, letter->payload));
        }
    }
    while (auto state = self.accord->poll_user_state()) mesh.set_user_state(*std::move(state));
    return any;
}

void AccordWorld::persist(AgentIndex agent, const PersistOrder& order) {
    mesh_.call_after(disk_write, agent, [this, agent, order] {
        auto& records = agents_[agent].disk.records;
        if (order.payload.empty()) {
            records.erase(order.key);
        } else {
            records[order.key] = order.payload;
        }
        agents_[agent].accord->on_persisted(now(agent), wall(agent), order.ticket);
    });
}

void AccordWorld::ask(AgentIndex agent, const Attempt& attempt) {
    if (attempt.host.empty()) {
        const auto target = target_of(attempt.check);
        return target ? ask_target(agent, *target, attempt.id) : void();
    }
    if (!agents_[agent].accord->on_started(now(agent), attempt.check, attempt.id)) return;
    const Spread::Peer* peer = spread(agent).peer(agent_id(attempt.host));
    PICKET_ASSERT(peer != nullptr);
    const std::uint64_t ticket = mesh_.mesh(agent).ping(
        now(agent), peer->address, peer->name, Agreement::host_timeout, Mesh::Over::stream);
    agents_[agent].asked[ticket] = {
        .host = true, .check = attempt.check, .attempt = attempt.id, .began = now(agent)};
}

// The timer runs before the socket is read: an answer that came in time is a timeout to
// one that was stopped meanwhile.
void AccordWorld::ask_target(AgentIndex agent, std::size_t target, AttemptId attempt) {
    if (!agents_[agent].accord->on_started(now(agent), key(target), attempt)) return;
    asked_[target].push_back(now());
    SimAnswer answer = targets_.ask(agent, target, options_.timeout);
    const bool parted = !targets_.path(agent, target);
    const bool lacking = !targets_.reaches(agent, target) && !parted;
    oracle_.on_attempt(now(), agent, key(target), answer.answer.finding == Answer::Finding::failed,
                       lacking);
    const Instant deadline = now(agent) + options_.timeout;
    mesh_.call_after(answer.after, agent,
                     [this, agent, target, attempt, deadline, made = answer.answer]() mutable {
                         if (now(agent) > deadline + 100ms) {
                             made = {.finding = Answer::Finding::failed,
                                     .failure = timed_out,
                                     .message = "no answer",
                                     .latency = options_.timeout,
                                     .out_of_time = true};
                             oracle_.on_attempt(now(), agent, key(target), true, false);
                         }
                         agents_[agent].accord->on_answer(now(agent), key(target), attempt,
                                                          std::move(made));
                     });
}

void AccordWorld::take_pong(AgentIndex agent, const Pong& pong) {
    Agent& self = agents_[agent];
    const auto found = self.asked.find(pong.ticket);
    if (found == self.asked.end()) return;
    const Asked asked = found->second;
    self.asked.erase(found);
    if (!asked.host) {
        if (pong.answered) self.accord->on_member_answer(now(agent), asked.call, pong.node);
        return;
    }
    Answer answer;
    answer.finding = pong.answered ? Answer::Finding::passed : Answer::Finding::failed;
    answer.latency = now(agent) - asked.began;
    answer.out_of_time = !pong.answered && answer.latency >= Agreement::host_timeout;
    if (!pong.answered) answer.message = "its agent does not answer over TCP";
    self.accord->on_answer(now(agent), asked.check, asked.attempt, std::move(answer));
}

// ---- What an onlooker hears

void AccordWorld::hear(AgentIndex agent, const AccordEvent& event) {
    if (const auto* change = std::get_if<RecordHeld>(&event)) {
        if (change->key.kind == RecordKind::verdict && !change->gone) hear_verdict(agent, *change);
    } else if (const auto* raised = std::get_if<BootRaised>(&event)) {
        agents_[agent].disk.boot = raised->boot;
    } else if (const auto* seen = std::get_if<AgreementEvent>(&event)) {
        const auto target = target_of(seen->check);
        if (seen->kind == AgreementEvent::Kind::seat && target) next_slot(agent, *target);
        if (seen->kind == AgreementEvent::Kind::shadow_outage) {
            agents_[agent].shadows.push_back(seen->message);
        }
    }
}

void AccordWorld::hear_verdict(AgentIndex agent, const RecordHeld& change) {
    const CheckKey check{change.key.subject};
    const VerdictRecord* verdict = spread(agent).verdict(check);
    if (verdict == nullptr) return;
    if (tracing) {
        trace += fmt::format("[{:8.3f}] {} holds {} {}.{}{}\n", to_seconds(elapsed()), name(agent),
                             agents_[agent].accord->name_of(check), verdict->epoch, verdict->sub,
                             change.origin.source == Source::own ? " (its own)" : "");
    }
    oracle_.on_held(now(), agent, *verdict);
    if (change.origin.source != Source::own || !target_of(check)) return;
    oracle_.on_written(now(), agent, *verdict,
                       spread(agent).evidence(check, verdict->epoch, verdict->sub));
}

// As a schedule does: at the same place of every interval, on the wall clock.
void AccordWorld::next_slot(AgentIndex agent, std::size_t target) {
    const unsigned version = ++agents_[agent].slots[target];
    const auto seat = agreement(agent).seat(key(target));
    if (!seat.has_value()) return;
    const Duration at = wall(agent).time_since_epoch() % options_.interval;
    Duration wait = (seat->offset - at) % options_.interval;
    if (wait <= Duration::zero()) wait += options_.interval;
    mesh_.call_after(wait, agent, [this, agent, target, version] {
        if (version != agents_[agent].slots[target]) return;
        agents_[agent].accord->on_slot(now(agent), key(target));
        next_slot(agent, target);
    });
}

// ---- What is so

bool AccordWorld::reaches(AgentIndex agent, AgentIndex other) const {
    const SimNetwork& network = mesh_.network();
    return other == agent ||
           (up(other) && network.passes(agent, other) && network.passes(other, agent));
}

// Of exactly half of all it is the half that has the first by hash.
bool AccordWorld::quorate(AgentIndex agent) const {
    std::size_t known = 0;
    std::size_t with = 0;
    std::pair<std::uint64_t, std::string> first{~std::uint64_t{0}, {}};
    bool first_here = false;
    for (AgentIndex other = 0; other < agents_.size(); ++other) {
        if (!agents_[other].member || agents_[other].retired) continue;
        ++known;
        const bool here = reaches(agent, other);
        if (here) ++with;
        const std::pair place{short_digest("tie", name(other)), name(other)};
        if (place > first) continue;
        first = place;
        first_here = here;
    }
    if (known <= 2) return true;  // The survivor of two: a price that is documented.
    return 2 * with > known || (2 * with == known && first_here);
}

// Whoever carries the same definition and is reached could have a seat.
std::optional<std::size_t> AccordWorld::quorum(AgentIndex agent) const {
    if (elapsed() - steady_from_ < known_after) return std::nullopt;
    std::size_t carriers = 0;
    for (AgentIndex other = 0; other < agents_.size(); ++other) {
        if (!up(other) || agents_[other].revision != agents_[agent].revision) continue;
        if (reaches(agent, other)) ++carriers;
    }
    return gossip::panel_size(options_.witnesses, std::nullopt, carriers).quorum;
}

std::optional<VerdictRecord> AccordWorld::verdict(AgentIndex agent, std::size_t target) const {
    const VerdictRecord* held = spread(agent).verdict(key(target));
    return held == nullptr ? std::nullopt : std::optional(*held);
}

std::uint32_t AccordWorld::epoch_of(AgentIndex agent, std::size_t target) const {
    const VerdictRecord* held = spread(agent).verdict(key(target));
    return held == nullptr ? 0 : held->epoch;
}

State AccordWorld::state(AgentIndex agent, std::size_t target) const {
    return state_of(agent, key(target));
}

State AccordWorld::state_of(AgentIndex agent, CheckKey check) const {
    return agreement(agent).state(now(agent), check);
}

CheckView AccordWorld::check_view(AgentIndex agent, std::size_t target) const {
    return agreement(agent).view(now(agent), key(target)).value_or(CheckView{});
}

bool AccordWorld::all_hold(std::size_t target, std::uint32_t epoch) const {
    for (AgentIndex agent = 0; agent < agents_.size(); ++agent) {
        if (up(agent) && epoch_of(agent, target) != epoch) return false;
    }
    return true;
}

std::size_t AccordWorld::attempts_peak(std::size_t target, Duration window) const {
    return most_within(asked_[target], window);
}

}  // namespace picket::testing
