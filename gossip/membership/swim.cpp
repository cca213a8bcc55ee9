#include "gossip/membership/swim.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "agent/base/assert.h"
#include "gossip/membership/tags.h"

namespace picket::gossip {
namespace {

// About a hundred answers a second, whatever comes in: a push/pull after a long
// partition brings thousands of stale entries at once.
constexpr unsigned answers_burst = 64;
constexpr Duration answers_period = std::chrono::milliseconds(10);
constexpr unsigned self_tells_burst = 8;
// When to ask again what was missed while joining: this long after, and up to half
// as long again, so that not all ask at once.
constexpr Duration settle_delay = std::chrono::seconds(1);

constexpr unsigned notices_burst = 8;
constexpr Duration notices_period = std::chrono::minutes(1);

constexpr Duration eager_period = Duration(std::chrono::seconds(1)) / Swim::verdicts_at_once_burst;
constexpr Duration question_period = Duration(std::chrono::seconds(1)) / Swim::questions_burst;

Duration random_part(Random& random, Duration whole) {
    return Duration(random.below(static_cast<std::uint64_t>(whole.count())));
}

}  // namespace

Swim::Swim(Options options, TextPool& texts, std::uint64_t seed, Instant now)
    : options_(std::move(options)),
      texts_(&texts),
      random_(seed),
      now_(now),
      table_(texts),
      graveyard_(texts),
      self_(no_text),
      awareness_(options_.timings.health_max),
      accusers_(options_.timings.suspicion_factor * options_.timings.probe_interval),
      broadcasts_(options_.broadcasts_max),
      eager_(verdicts_at_once_burst, eager_period),
      relays_(options_.timings.probe_timeout),
      introductions_(options_.timings.probe_timeout),
      answers_(answers_burst, answers_period),
      self_tells_(self_tells_burst, options_.timings.probe_interval / self_tells_burst),
      may_ask_(questions_burst, question_period),
      notices_(notices_burst, notices_period),
      sequence_(static_cast<std::uint32_t>(random_.next())),
      probe_at_(now + random_part(random_, options_.timings.probe_interval)),
      gossip_phase_(random_part(random_, options_.timings.gossip_interval)),
      push_pull_at_(now + random_part(random_, options_.timings.push_pull_interval)),
      heal_at_(now + random_part(random_, options_.timings.heal_interval)),
      heal_credit_(static_cast<double>(random_.below(1000)) / 1000) {
    PICKET_ASSERT(usable(options_.address));
    PICKET_ASSERT(options_.timings.probe_timeout < options_.timings.probe_interval);
    PICKET_ASSERT(options_.name.size() <= wire::name_bytes_max);
    PICKET_ASSERT(options_.meta.size() <= wire::meta_bytes_max);
    PICKET_ASSERT(options_.incarnation > 0 && options_.incarnation <= incarnation_max);
    MemberView& view = table_.insert(options_.name, random_);
    self_ = view.name;
    view.address = options_.address;
    view.versions = options_.versions;
    view.incarnation = options_.incarnation;
    view.picket = is_picket(options_.meta);
    table_.set_meta(view, options_.meta);
    table_.set_liveness(now, view, Liveness::alive);
    announce(now);
}

void Swim::advance(Instant now) {
    PICKET_ASSERT(now >= now_);
    now_ = now;
}

void Swim::on_message(Instant now, const SocketAddress& from, const wire::Message& message) {
    advance(now);
    if (const auto* ping = std::get_if<wire::Ping>(&message)) {
        on_ping(from, *ping);
    } else if (const auto* indirect = std::get_if<wire::IndirectPing>(&message)) {
        on_indirect_ping(now, from, *indirect);
    } else if (const auto* ack = std::get_if<wire::Ack>(&message)) {
        on_ack(now, ack->sequence);
    } else if (const auto* nack = std::get_if<wire::Nack>(&message)) {
        round_.on_nack(nack->sequence, from);
    } else if (const auto* accusation = std::get_if<wire::Suspect>(&message)) {
        on_suspect(now, *accusation, from);
    } else if (const auto* alive = std::get_if<wire::Alive>(&message)) {
        const bool own = same_endpoint(from, {alive->ip, alive->port});
        on_alive(now, *alive, from, own ? Word::introduced : Word::vouched);
        run_introductions(now);
    } else if (const auto* dead = std::get_if<wire::Dead>(&message)) {
        on_dead(now, *dead, from);
    }
}

void Swim::on_push_pull(Instant now, const wire::PushPull& state,
                        std::optional<std::uint64_t> stream) {
    advance(now);
    if (stream.has_value()) {
        const auto ours = streams_.find(*stream);
        if (ours != streams_.end() && ours->second.join && !joined_) {
            joined_ = true;
            settle_at_ = now + settle_delay + random_part(random_, settle_delay / 2);
        }
        streams_.erase(*stream);
    }
    const Word word = stream.has_value() ? Word::vouched : Word::introduced;
    for (const wire::NodeState& node : state.nodes) {
        switch (node.condition) {
            case wire::NodeCondition::alive:
                on_alive(
                    now,
                    {node.incarnation, node.name, node.ip, node.port, node.meta, node.versions},
                    std::nullopt, word);
                break;
            case wire::NodeCondition::left:
                on_dead(now, {node.incarnation, node.name, node.name}, std::nullopt);
                break;
            case wire::NodeCondition::suspect:
            case wire::NodeCondition::dead:
                // What the other side holds failed is to us a suspect, which can still
                // say otherwise; and it is we who say so from here on.
                on_suspect(now, {node.incarnation, node.name, options_.name}, std::nullopt);
                break;
        }
    }
    run_introductions(now);
}

void Swim::on_tick(Instant now) {
    advance(now);
    notice_pause(now);
    run_relays(now);
    gossip(now);
    ask_suspects(now);
    while (now >= next_declaration()) {
        MemberView& view = *table_.find(*suspicions_.expired(now));
        declare(now, view, {view.incarnation, text(view.name), options_.name});
    }
    if (leaving_) return;
    if (round_.ask_others(now)) ask_others(now);
    if (const auto verdict = round_.conclude(now)) conclude_probe(now, *verdict);
    while (const auto delta = round_.settle(now)) awareness_.add(*delta);
    run_introductions(now);
    probe(now);
    if (now >= push_pull_at_) {
        push_pull_at_ = now + push_pull_interval(options_.timings, table_.size());
        push_pull();
    }
    if (now >= settle_at_) {
        settle_at_ = never;
        push_pull();
    }
    if (now >= heal_at_) heal(now);
    retry_seeds(now);
}

// Timers that come very late say that the process, not the mesh, stood still: what
// they would conclude from silence is worth nothing before the sockets were read.
void Swim::notice_pause(Instant now) {
    const Instant due = next_wakeup();
    if (due > now || now - due < options_.timings.probe_timeout) return;
    awake_since_ = now;
    awareness_.add(1);
    round_.cancel();
}

Instant Swim::next_declaration() const {
    const Instant expiry = suspicions_.next_expiry();
    return expiry == never ? never
                           : std::max(expiry, awake_since_ + options_.timings.probe_timeout);
}

Instant Swim::next_wakeup() const {
    Instant wakeup = std::min(
        {relays_.next_wakeup(), gossip_at_, next_declaration(), suspicions_.next_question()});
    if (leaving_) return wakeup;
    wakeup = std::min({wakeup, round_.next_wakeup(), introductions_.next_wakeup(), push_pull_at_,
                       settle_at_, heal_at_});
    if (!round_.running()) wakeup = std::min(wakeup, probe_at_);
    for (const Seed& seed : seeds_) wakeup = std::min(wakeup, seed.next_at);
    return wakeup;
}

void Swim::leave(Instant now) {
    advance(now);
    if (leaving_) return;
    leaving_ = true;
    left_at_ = now;
    round_.cancel();
    introductions_.clear();
    MemberView& view = us();
    table_.set_liveness(now, view, Liveness::left);
    const wire::Dead dead{view.incarnation, options_.name, options_.name};
    tell(now, self_, dead);
    // A few at once: whoever waits for the gossip queue of a large mesh to leave by
    // turns is killed first.
    const auto told = table_.choose(random_, leave_told_at_once, [this](const MemberView& other) {
        return other.name != self_ && other.liveness == Liveness::alive;
    });
    for (const MemberView& other : told) send(other.address, dead);
}

bool Swim::leave_done(Instant now) const {
    if (!leaving_) return false;
    return !broadcasts_.contains(self_) || table_.count_present() == 0 ||
           now - left_at_ >= options_.timings.leave_timeout;
}

void Swim::rejoin(Instant now) {
    advance(now);
    if (!leaving_) return;
    leaving_ = false;
    raise_incarnation(incarnation());
    table_.set_liveness(now, us(), Liveness::alive);
    announce(now);
    probe_at_ = std::max(probe_at_, now);
    push_pull_at_ = now + options_.timings.push_pull_interval;
    heal_at_ = now + options_.timings.heal_interval;
    for (Seed& seed : seeds_) seed.next_at = now;
    joined_ = true;
    settle_at_ = now + settle_delay;
    push_pull();
}

void Swim::set_meta(Instant now, std::string_view meta) {
    advance(now);
    PICKET_ASSERT(meta.size() <= wire::meta_bytes_max);
    raise_incarnation(incarnation());
    table_.set_meta(us(), meta);
    us().picket = is_picket(meta);
    if (!leaving_) announce(now);
}

void Swim::assume(Instant now, std::span<const wire::Alive> members) {
    advance(now);
    for (const wire::Alive& alive : members) {
        const SocketAddress address{alive.ip, alive.port};
        if (!plausible(alive, address) || table_.find(alive.node) != nullptr) continue;
        if (table_.size() >= options_.members_max) return ignore(Ignored::mesh_full);
        MemberView& view = table_.insert(alive.node, random_);
        view.address = address;
        view.incarnation = alive.incarnation;
        view.versions = alive.versions;
        view.picket = is_picket(alive.meta);
        table_.set_meta(view, alive.meta);
        table_.set_liveness(now, view, Liveness::alive);
    }
    push_pull_at_ = now + random_part(random_, push_pull_interval(options_.timings, table_.size()));
}

bool Swim::forget(std::string_view name) {
    const TextId id = texts_->find(name);
    const MemberView* view = table_.find(id);
    if (view != nullptr && (present(view->liveness) || id == self_)) return false;
    const bool buried = graveyard_.find(id) != nullptr;
    if (view != nullptr) table_.erase(id);
    graveyard_.erase(id);
    return view != nullptr || buried;
}

std::vector<Member> Swim::members() const {
    std::vector<Member> members;
    members.reserve(table_.size() + graveyard_.size());
    for (const MemberView& view : table_.views()) members.push_back(table_.member(view));
    graveyard_.each([&](TextId name, const Tombstone& stone) {
        members.push_back({.name = std::string(text(name)),
                           .address = stone.address,
                           .incarnation = stone.incarnation,
                           .liveness = stone.liveness,
                           .since = stone.since});
    });
    return members;
}

wire::PushPull Swim::push_pull_state(bool join) const {
    wire::PushPull state;
    state.join = join;
    state.nodes.reserve(table_.size());
    for (const MemberView& view : table_.views()) {
        state.nodes.push_back({text(view.name), view.address.ip, view.address.port, text(view.meta),
                               view.incarnation, static_cast<wire::NodeCondition>(view.liveness),
                               view.versions});
    }
    return state;
}

void Swim::event(MemberEvent::Kind kind, const MemberView& view, std::optional<Liveness> before) {
    events_.push_back({kind, table_.member(view), before});
}

void Swim::notice(Instant now, MemberEvent::Kind kind, const wire::Alive& alive) {
    if (!notices_.take(now)) return;
    events_.push_back({kind,
                       {.name = std::string(alive.node),
                        .meta = std::string(alive.meta),
                        .address = {alive.ip, alive.port},
                        .incarnation = alive.incarnation,
                        .versions = alive.versions,
                        .liveness = Liveness::alive,
                        .since = now},
                       std::nullopt});
}

std::optional<PacketRequest> Swim::poll_packet() {
    if (packets_.empty()) return std::nullopt;
    PacketRequest packet = std::move(packets_.front());
    packets_.pop_front();
    return packet;
}

std::optional<StreamRequest> Swim::poll_stream() {
    if (stream_requests_.empty()) return std::nullopt;
    StreamRequest request = std::move(stream_requests_.front());
    stream_requests_.pop_front();
    return request;
}

std::optional<MemberEvent> Swim::poll_event() {
    if (events_.empty()) return std::nullopt;
    MemberEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
}

}  // namespace picket::gossip
