#include "tests/sim/sim_mesh.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"
#include "gossip/membership/tags.h"

namespace picket::testing {
namespace {

using gossip::Liveness;
using gossip::MemberEvent;
using gossip::StreamEffect;

constexpr std::uint16_t port = 7946;

gossip::wire::KeyRing key_ring(const std::string& key, Random& random) {
    gossip::wire::KeyRing keys;
    if (key.empty()) return keys;
    gossip::wire::NonceSequence::Prefix prefix{};
    for (std::uint8_t& byte : prefix) byte = static_cast<std::uint8_t>(random.next());
    const auto parsed = gossip::wire::Key::from_bytes(key);
    PICKET_ASSERT(parsed.has_value());
    PICKET_ASSERT(keys.add(*parsed, gossip::wire::NonceSequence(prefix)).has_value());
    return keys;
}

constexpr Duration watch_interval = std::chrono::seconds(1);

AgentIndex subject(std::string_view name) {
    return std::stoul(std::string(name.substr(1)));
}

// One that was stopped needs a moment to say that it lives.
constexpr Duration after_pause = std::chrono::seconds(3);

std::string_view word(MemberEvent::Kind kind) {
    switch (kind) {
        case MemberEvent::Kind::changed:
            return "changed";
        case MemberEvent::Kind::updated:
            return "updated";
        case MemberEvent::Kind::tcp_only:
            return "answers over TCP alone";
        case MemberEvent::Kind::udp_again:
            return "answers over UDP again";
        case MemberEvent::Kind::conflict:
            return "is the name of two";
        case MemberEvent::Kind::unreachable:
            return "cannot be reached where it says";
    }
    return "";
}

}  // namespace

SimMesh::SimMesh(const Options& options)
    : options_(options),
      random_(options.seed),
      network_(options.weather, random_.next()),
      agents_(options.agents) {
    for (AgentIndex agent = 0; agent < agents_.size(); ++agent) {
        names_.push_back(name(agent));
        gossip::Tags tags{{"picket", "1"}, {"id", name(agent)}};
        if (options.zones > 0) tags["zone"] = zone(agent);
        metas_.push_back(gossip::encode_tags(tags));
    }
    for (AgentIndex agent = 0; agent < agents_.size() && options.converged; ++agent) {
        const SocketAddress at = address(agent, 0);
        known_.push_back({1, names_[agent], at.ip, at.port, metas_[agent], {}});
    }
    const auto spread = static_cast<std::uint64_t>(options.start_spread.count()) + 1;
    for (AgentIndex agent = 0; agent < std::min(agents_.size(), options.begin); ++agent) {
        schedule(now_ + Duration(random_.below(spread)), {.kind = Kind::start, .agent = agent});
    }
}

SimMesh::~SimMesh() = default;

std::string SimMesh::zone(AgentIndex agent) const {
    if (options_.zones == 0) return {};
    return std::string(1, static_cast<char>('a' + agent % options_.zones));
}

void SimMesh::call_after(Duration delay, AgentIndex agent, std::function<void()> call) {
    schedule(
        now_ + delay,
        {.kind = Kind::call, .agent = agent, .life = agents_[agent].life, .call = std::move(call)});
}

SocketAddress SimMesh::address(AgentIndex agent, unsigned place) const {
    IpAddress ip;
    ip.bytes[0] = 10;
    ip.bytes[1] = static_cast<std::uint8_t>(place);
    ip.bytes[2] = static_cast<std::uint8_t>((agent + 1) >> 8);
    ip.bytes[3] = static_cast<std::uint8_t>((agent + 1) & 0xff);
    return {ip, port};
}

std::pair<AgentIndex, unsigned> SimMesh::owner(const SocketAddress& to) const {
    const auto agent = static_cast<AgentIndex>(to.ip.bytes[2]) << 8 | to.ip.bytes[3];
    return {agent - 1, to.ip.bytes[1]};
}

void SimMesh::schedule(Instant at, Happening happening) {
    std::uint32_t slot = 0;
    if (free_slots_.empty()) {
        slot = static_cast<std::uint32_t>(slots_.size());
        slots_.push_back(std::move(happening));
    } else {
        slot = free_slots_.back();
        free_slots_.pop_back();
        slots_[slot] = std::move(happening);
    }
    due_.push({at, order_++, slot});
}

void SimMesh::run_for(Duration duration) {
    const Instant end = now_ + duration;
    while (!due_.empty() && due_.top().at <= end) {
        const Due due = due_.top();
        due_.pop();
        now_ = std::max(now_, due.at);
        if (options_.trace && now_ >= watch_at_) {
            watch_incarnations();
            watch_at_ = now_ + watch_interval;
        }
        Happening happening = std::move(slots_[due.slot]);
        free_slots_.push_back(due.slot);
        happen(std::move(happening));
    }
    now_ = end;
}

void SimMesh::start(AgentIndex agent, gossip::Incarnation incarnation) {
    gossip::Mesh::Options options;
    options.swim.name = name(agent);
    options.swim.address = address(agent, agents_[agent].place);
    options.swim.meta = metas_[agent];
    options.swim.timings = options_.timings;
    options.swim.incarnation = incarnation;
    options.compress = options_.compress;
    options.serf_intents = false;
    Agent& self = agents_[agent];
    self.left = false;
    self.seen.clear();
    self.mesh = std::make_unique<gossip::Mesh>(std::move(options), key_ring(options_.key, random_),
                                               texts_, random_.next(), clock(agent));
    self.wakeup = never;
    ++self.life;
    if (application_ != nullptr) application_->on_start(agent);
    if (options_.converged && self.life == 1) assume_all(agent);
    // By way of the first two, or, once those are gone, of the first two that run.
    std::vector<AgentIndex> seeds;
    for (AgentIndex seed = 0; seed < agents_.size() && seeds.size() < 2; ++seed) {
        if (seed != agent && agents_[seed].mesh != nullptr) seeds.push_back(seed);
    }
    const auto gone = [&](AgentIndex first) {
        return agents_[first].life > 0 && agents_[first].mesh == nullptr;
    };
    if (agents_.size() < 2 || seeds.empty() || !gone(0) || !gone(1)) seeds = {0, 1};
    for (const AgentIndex seed : seeds) {
        if (seed < agents_.size()) self.mesh->join(clock(agent), address(seed, 0));
    }
    pump(agent);
}

// What is assumed makes no events.
void SimMesh::assume_all(AgentIndex agent) {
    gossip::Mesh& mesh = *agents_[agent].mesh;
    mesh.assume(clock(agent), known_);
    if (application_ == nullptr) return;
    for (const gossip::Member& member : mesh.swim().members()) {
        application_->on_member(agent, {MemberEvent::Kind::changed, member, std::nullopt});
    }
}

// Not from events alone: most incarnations change without one.
void SimMesh::watch_incarnations() {
    for (Agent& agent : agents_) {
        if (agent.mesh == nullptr) continue;
        agent.seen.resize(agents_.size());
        for (const gossip::MemberView& view : agent.mesh->swim().table().views()) {
            gossip::Incarnation& seen = agent.seen[subject(texts_.text(view.name))];
            if (view.incarnation < seen) ++incarnations_back_;
            seen = view.incarnation;
        }
    }
}

void SimMesh::crash(AgentIndex agent) {
    Agent& self = agents_[agent];
    PICKET_ASSERT(self.mesh != nullptr);
    self.stored = self.mesh->swim().incarnation();
    self.mesh.reset();
    self.inbound.clear();
    self.paused_until = {};
    if (options_.trace)
        trace_ += fmt::format("[{:8.3f}] {} crashes\n", to_seconds(elapsed()), name(agent));
}

void SimMesh::restart(AgentIndex agent, Memory memory, bool elsewhere) {
    Agent& self = agents_[agent];
    PICKET_ASSERT(self.mesh == nullptr);
    if (elsewhere) ++self.place;
    if (options_.trace)
        trace_ += fmt::format("[{:8.3f}] {} starts\n", to_seconds(elapsed()), name(agent));
    start(agent, memory == Memory::kept ? self.stored + 1 : 1);
}

void SimMesh::pause(AgentIndex agent, Duration duration) {
    agents_[agent].paused_until = now_ + duration;
}

void SimMesh::jump_clock(AgentIndex agent, Duration ahead) {
    Agent& self = agents_[agent];
    self.clock_ahead += ahead;
    if (options_.trace) {
        trace_ += fmt::format("[{:8.3f}] the clock of {} leaps ahead\n", to_seconds(elapsed()),
                              name(agent));
    }
    if (self.mesh == nullptr) return;
    self.wakeup = now_;
    schedule(now_, {.kind = Kind::wake, .agent = agent});
}

void SimMesh::leave(AgentIndex agent) {
    agents_[agent].left = true;
    agents_[agent].mesh->leave(clock(agent));
    pump(agent);
}

void SimMesh::rejoin(AgentIndex agent) {
    agents_[agent].left = false;
    agents_[agent].mesh->rejoin(clock(agent));
    pump(agent);
}

bool SimMesh::up(AgentIndex agent) const {
    return agents_[agent].mesh != nullptr && !agents_[agent].left;
}

std::optional<Liveness> SimMesh::belief(AgentIndex observer, AgentIndex subject) const {
    const gossip::MemberView* view = mesh(observer).swim().table().find(name(subject));
    return view == nullptr ? std::nullopt : std::optional(view->liveness);
}

bool SimMesh::reachable(AgentIndex a, AgentIndex b) const {
    return network_.passes(a, b) && network_.passes(b, a);
}

void SimMesh::happen(Happening happening) {
    Agent& self = agents_[happening.agent];
    if (now_ < self.paused_until) {
        schedule(self.paused_until, std::move(happening));
        return;
    }
    if (happening.kind == Kind::start) return start(happening.agent, 1);
    if (happening.kind == Kind::dial) return on_dial(happening);
    if (self.mesh == nullptr) return;
    const Instant now = clock(happening.agent);
    switch (happening.kind) {
        case Kind::packet:
            if (happening.place != self.place) return;
            self.mesh->on_packet(now, happening.from_address, happening.bytes);
            break;
        case Kind::wake:
            // One that was overtaken by an earlier one, or is of a former life, is void.
            if (now_ < self.wakeup) return;
            self.wakeup = never;
            self.mesh->on_tick(now);
            break;
        case Kind::stream_bytes:
            self.mesh->on_stream_bytes(now, happening.stream, happening.bytes);
            break;
        case Kind::stream_end:
            self.mesh->on_stream_ended(now, happening.stream, "connection refused");
            break;
        case Kind::call:
            if (happening.life != self.life) return;
            happening.call();
            break;
        case Kind::start:
        case Kind::dial:
            break;
    }
    if (self.mesh == nullptr) return;  // What was called for may have been its crash.
    pump(happening.agent);
}

void SimMesh::on_dial(Happening& happening) {
    Agent& self = agents_[happening.agent];
    if (self.mesh == nullptr || happening.place != self.place) {
        return refuse(happening, network_.stream());
    }
    const Instant now = clock(happening.agent);
    const auto id = self.mesh->accept_stream(now);
    if (!id.has_value()) return refuse(happening, network_.stream());
    self.inbound[*id] = {happening.from, happening.stream};
    self.mesh->on_stream_bytes(now, *id, happening.bytes);
    pump(happening.agent);
}

void SimMesh::refuse(const Happening& happening, Duration after) {
    if (!network_.passes(happening.agent, happening.from)) return;
    schedule(now_ + after,
             {.kind = Kind::stream_end, .agent = happening.from, .stream = happening.stream});
}

void SimMesh::take_out(AgentIndex agent) {
    gossip::Mesh& mesh = *agents_[agent].mesh;
    while (const auto transmit = mesh.poll_transmit()) send(agent, *transmit);
    while (auto effect = mesh.poll_stream()) carry_out(agent, *std::move(effect));
    // A dial that could not be written fails at once, and may want more.
    while (const auto transmit = mesh.poll_transmit()) send(agent, *transmit);
    while (const auto event = mesh.poll_event()) record(agent, *event);
    while (mesh.poll_failure().has_value()) {
    }
}

void SimMesh::pump(AgentIndex agent) {
    Agent& self = agents_[agent];
    gossip::Mesh& mesh = *self.mesh;
    Instant due = never;
    take_out(agent);
    if (application_ != nullptr) {
        while (application_->on_pump(agent)) take_out(agent);
        due = application_->next_wakeup(agent);
    }
    while (const auto message = mesh.poll_user()) {
        if (on_user) on_user(agent, *message);
    }
    queue_peak_ = std::max(queue_peak_, mesh.swim().broadcasts().size());
    due = std::min(due, mesh.next_wakeup());
    const Instant wakeup = due == never ? never : std::max(due - self.clock_ahead, now_);
    if (wakeup >= self.wakeup) return;
    self.wakeup = wakeup;
    schedule(self.wakeup, {.kind = Kind::wake, .agent = agent});
}

void SimMesh::send(AgentIndex from, const gossip::Transmit& transmit) {
    ++packets_;
    packet_bytes_ += transmit.payload.size();
    const auto [to, place] = owner(transmit.to);
    if (to >= agents_.size()) return;
    for (const Duration delay : network_.packet(from, to)) {
        schedule(now_ + delay, {.kind = Kind::packet,
                                .agent = to,
                                .place = place,
                                .from_address = address(from, agents_[from].place),
                                .bytes = std::string(transmit.payload)});
    }
}

void SimMesh::carry_out(AgentIndex from, StreamEffect effect) {
    stream_bytes_ += effect.bytes.size();
    if (effect.action == StreamEffect::Action::dial) {
        const auto [to, place] = owner(effect.to);
        // Cut either way no connection comes about, and nobody says so.
        if (to >= agents_.size() || !reachable(from, to)) return;
        schedule(now_ + 3 * network_.stream(), {.kind = Kind::dial,
                                                .agent = to,
                                                .place = place,
                                                .from = from,
                                                .stream = effect.id,
                                                .bytes = std::move(effect.bytes)});
        return;
    }
    auto& inbound = agents_[from].inbound;
    const auto found = inbound.find(effect.id);
    if (found == inbound.end()) return;
    const auto [to, stream] = found->second;
    inbound.erase(found);
    if (!network_.passes(from, to)) return;
    const bool answer = effect.action == StreamEffect::Action::answer;
    schedule(now_ + network_.stream(), {.kind = answer ? Kind::stream_bytes : Kind::stream_end,
                                        .agent = to,
                                        .stream = stream,
                                        .bytes = std::move(effect.bytes)});
}

void SimMesh::record(AgentIndex observer, const MemberEvent& event) {
    const gossip::Member& member = event.member;
    if (on_event) on_event(observer, event);
    if (application_ != nullptr) application_->on_member(observer, event);
    const bool changed = event.kind == MemberEvent::Kind::changed;
    const AgentIndex about = subject(member.name);
    const bool well = up(about) && reachable(observer, about) &&
                      agents_[about].paused_until + after_pause < now_ && up(observer);
    if (changed && member.liveness == Liveness::failed && well) ++false_alarms_;
    if (!options_.trace) return;
    trace_ += fmt::format("[{:8.3f}] {}: {} ", to_seconds(elapsed()), name(observer), member.name);
    if (changed) {
        trace_ += fmt::format("{} -> {}\n", event.before ? to_text(*event.before) : "unknown",
                              to_text(member.liveness));
    } else {
        trace_ += fmt::format("{}\n", word(event.kind));
    }
}

}  // namespace picket::testing
