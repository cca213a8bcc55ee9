#include "agent/mesh_node.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "agent/advertise.h"
#include "agent/base/assert.h"
#include "agent/base/digest.h"
#include "agent/base/log.h"
#include "agent/base/text.h"
#include "agent/base/version.h"
#include "agent/io/clock.h"
#include "agent/io/entropy.h"
#include "agent/io/interfaces.h"
#include "gossip/membership/tags.h"

namespace picket {
namespace {

using gossip::Incarnation;
using gossip::Liveness;
using gossip::MemberEvent;

constexpr std::string_view incarnation_fact = "incarnation";
constexpr std::size_t failures_kept_max = 256;

// "Forget this member", docs/PROTOCOL.md: the header, then the name to the end.
constexpr std::uint8_t forget_kind = 0x4f;

gossip::Timings timings_of(GossipProfile profile) {
    switch (profile) {
        case GossipProfile::wan:
            return gossip::timings::wan;
        case GossipProfile::local:
            return gossip::timings::local;
        case GossipProfile::lan:
            break;
    }
    return gossip::timings::lan;
}

gossip::wire::Versions versions_of(const GossipConfig& config) {
    gossip::wire::Versions versions;
    versions.delegate_min = config.delegate_version[0];
    versions.delegate_max = config.delegate_version[1];
    versions.delegate = config.delegate_version[2];
    return versions;
}

std::string meta_of(const Config& config) {
    return gossip::encode_tags({{std::string(gossip::picket_tag), "1"},
                                {"zone", config.zone},
                                {"version", std::string(version)},
                                {"id", to_hex(short_digest("agent1", config.name))}});
}

gossip::Mesh::Options mesh_options(const Config& config, const SocketAddress& address,
                                   Incarnation incarnation) {
    gossip::Mesh::Options options;
    options.swim.name = config.name;
    options.swim.address = address;
    options.swim.meta = meta_of(config);
    options.swim.versions = versions_of(*config.gossip);
    options.swim.timings = timings_of(config.gossip->profile);
    options.swim.incarnation = incarnation;
    options.label = config.gossip->label;
    return options;
}

// What the last run had reserved; 0 where there was none.
Incarnation stored_incarnation(const std::map<std::string, std::string>& facts) {
    const auto fact = facts.find(std::string(incarnation_fact));
    if (fact == facts.end()) return 0;
    Incarnation stored = 0;
    const std::string& text = fact->second;
    std::from_chars(text.data(), text.data() + text.size(), stored);
    return std::min(stored, gossip::Swim::incarnation_max - 2 * MeshNode::incarnations_reserved);
}

// Nobody without the keys may join from another host, unless it was said so.
Status check_keys(const GossipConfig& gossip, LoadedKeys& keys) {
    if (!keys.keys.empty() || bind_address(gossip).ip.loopback()) return {};
    if (gossip.insecure) {
        keys.problems.push_back(
            fmt::format("gossip.insecure: whoever reaches {} can join this mesh and read all of it",
                        gossip.bind));
        return {};
    }
    return failure(
        Code::invalid,
        fmt::format("gossip.bind {} can be reached from other hosts, and there are no keys ({}: "
                    "{}): put the output of `picket key generate` into that file on every agent, "
                    "or set gossip.insecure = true",
                    gossip.bind, gossip.keyring, keys.origin));
}

// What a member says of itself; empty where it says nothing.
std::string tag(const gossip::Member& member, std::string_view name) {
    const auto tags = gossip::decode_tags(member.meta);
    if (!tags.has_value()) return {};
    const auto found = tags->find(name);
    return found == tags->end() ? std::string() : found->second;
}

// What happened to a member, after its name.
std::string words(const MemberEvent& event) {
    const std::string place = to_text(event.member.address);
    switch (event.kind) {
        case MemberEvent::Kind::changed:
            break;
        case MemberEvent::Kind::updated:
            return fmt::format("tells something new of itself, at {}", place);
        case MemberEvent::Kind::tcp_only:
            return fmt::format("answers over TCP alone: UDP to {} seems to be blocked", place);
        case MemberEvent::Kind::udp_again:
            return "answers over UDP again";
        case MemberEvent::Kind::conflict:
            return fmt::format("is the name of two agents: another one uses it at {}", place);
        case MemberEvent::Kind::unreachable:
            return fmt::format("introduced itself, but cannot be reached at {}", place);
    }
    switch (event.member.liveness) {
        case Liveness::suspect:
            return fmt::format("does not answer at {}", place);
        case Liveness::failed:
            return fmt::format("has failed: nobody hears from {}", place);
        case Liveness::left:
            return "has left";
        case Liveness::alive:
            break;
    }
    if (event.before == Liveness::suspect) return "answers again";
    return (event.before.has_value() ? "is back, at " : "joined, at ") + place;
}

bool worth_a_warning(const MemberEvent& event) {
    switch (event.kind) {
        case MemberEvent::Kind::changed:
            return event.member.liveness == Liveness::failed;
        case MemberEvent::Kind::tcp_only:
        case MemberEvent::Kind::conflict:
        case MemberEvent::Kind::unreachable:
            return true;
        case MemberEvent::Kind::updated:
        case MemberEvent::Kind::udp_again:
            break;
    }
    return false;
}

}  // namespace

MeshNode::MeshNode(const Services& services, const Config& config, LoadedKeys keys,
                   const SocketAddress& address, Incarnation incarnation)
    : services_(services),
      config_(config),
      problems_(std::move(keys.problems)),
      mesh_(mesh_options(config, address, incarnation), make_ring(keys.keys), texts_,
            io::random_seed(), io::monotonic_now()),
      reserved_(incarnation),
      seeds_(services.loop, services.resolvers, config.gossip->join,
             {.join =
                  [this](const SocketAddress& seed) {
                      driver_->act([&](gossip::Mesh& mesh, Instant now) { mesh.join(now, seed); });
                  },
              .reached = [this](const SocketAddress& seed) { return mesh_.swim().reached(seed); }}),
      keys_(services.loop, *this, config.state_dir) {
    on_kinds(0x40, 0x4e, [this](const gossip::UserMessage& message) { keys_.on_message(message); });
    on_kinds(forget_kind, forget_kind,
             [this](const gossip::UserMessage& message) { on_forget(message); });
}

Result<std::unique_ptr<MeshNode>> MeshNode::open(const Services& services, const Config& config,
                                                 const std::map<std::string, std::string>& facts) {
    PICKET_ASSERT(config.gossip.has_value());
    LoadedKeys keys = PICKET_TRY(load_keys(*config.gossip, config.state_dir));
    PICKET_TRY(check_keys(*config.gossip, keys));
    const SocketAddress address =
        PICKET_TRY(advertised_address(*config.gossip, io::interface_addresses()));
    const std::string key_words =
        keys.keys.empty() ? "no keys" : fmt::format("{} keys of {}", keys.keys.size(), keys.origin);

    std::unique_ptr<MeshNode> node(
        new MeshNode(services, config, std::move(keys), address, stored_incarnation(facts) + 1));
    node->reserve_at_start();
    node->driver_ = PICKET_TRY(MeshDriver::open(
        services.loop, node->mesh_, bind_address(*config.gossip), node->driver_events()));
    log_info(fmt::format("gossip on {}, advertised as {}, {}", config.gossip->bind,
                         to_text(address), key_words));
    return node;
}

MeshDriver::Events MeshNode::driver_events() {
    return {.on_member = [this](const MemberEvent& event) { on_member(event); },
            .on_user = [this](const gossip::UserMessage& message) { on_user(message); },
            .on_failure = [this](const gossip::StreamFailure& failure) { on_failure(failure); },
            .on_delivery =
                [this](const gossip::Delivery& delivery) {
                    if (const auto done = deliveries_.extract(delivery.ticket)) {
                        done.mapped()(delivery);
                    }
                },
            .on_pong =
                [this](const gossip::Pong& pong) {
                    if (const auto done = pongs_.extract(pong.ticket)) done.mapped()(pong);
                },
            .on_turn = [this](Instant now) { on_turn(now); }};
}

void MeshNode::start() {
    seeds_.start();
}

// Without a store there is nothing to wait for: the recorder says that it is missing.
void MeshNode::reserve_at_start() {
    reserved_ = mesh_.swim().incarnation() + incarnations_reserved;
    services_.recorder.record_at_start(
        storage::AgentFact{std::string(incarnation_fact), fmt::to_string(reserved_)});
}

void MeshNode::record_facts() {
    services_.recorder.record(
        storage::AgentFact{std::string(incarnation_fact), fmt::to_string(reserved_)});
}

void MeshNode::on_turn(Instant now) {
    const Incarnation incarnation = mesh_.swim().incarnation();
    if (incarnation + incarnations_reserved / 2 > reserved_) {
        reserved_ = incarnation + incarnations_reserved;
        record_facts();
    }
    if (!leaving_.empty() && mesh_.leave_done(now)) {
        for (const auto& done : std::exchange(leaving_, {})) services_.loop.post(done);
    }
}

void MeshNode::on_member(const MemberEvent& event) {
    const gossip::Member& member = event.member;
    const std::string name = printable_line(member.name, gossip::wire::name_bytes_max);
    api::Event shown;
    shown.at = io::wall_now();
    shown.type = api::EventType::membership;
    shown.agent = name;
    if (event.before.has_value()) shown.from = to_text(*event.before);
    shown.to = to_text(member.liveness);
    shown.message = fmt::format("{} {}", name, words(event));
    worth_a_warning(event) ? log_warning(shown.message) : log_info(shown.message);
    services_.events.add(std::move(shown));

    if (member.liveness == Liveness::alive) failures_.erase(member.address);
    if (on_member_) on_member_(event);
}

void MeshNode::on_failure(const gossip::StreamFailure& failure) {
    if (!failure.join) {
        log_debug(fmt::format("push/pull with {}: {}", to_text(failure.to), failure.reason));
        return;
    }
    if (failures_.size() >= failures_kept_max) failures_.clear();
    std::string& known = failures_[failure.to];
    if (known == failure.reason) return;
    known = failure.reason;
    log_warning(fmt::format("join {}: {}; tried again until it works", to_text(failure.to),
                            printable_line(failure.reason, 200)));
}

void MeshNode::on_kinds(std::uint8_t first, std::uint8_t last, Handler handler) {
    PICKET_ASSERT(std::ranges::none_of(
        kinds_, [&](const Kinds& taken) { return first <= taken.last && taken.first <= last; }));
    kinds_.push_back({first, last, std::move(handler)});
}

void MeshNode::on_user(const gossip::UserMessage& message) {
    // Serf's own user messages begin with a small number, and are none of ours.
    if (!message.payload.starts_with(gossip::Mesh::picket_state)) return;
    if (message.channel == gossip::UserMessage::Channel::state) {
        if (on_state_) on_state_(message);
        return;
    }
    const std::string_view payload = message.payload;
    const bool ours = payload.size() >= 3 && payload[1] == message_version;
    const std::uint8_t kind = ours ? static_cast<std::uint8_t>(payload[2]) : 0;
    const auto taker = std::ranges::find_if(
        kinds_, [&](const Kinds& kinds) { return kinds.first <= kind && kind <= kinds.last; });
    if (!ours || taker == kinds_.end()) {
        ++messages_unknown_;
        return;
    }
    taker->handler(message);
}

void MeshNode::leave(std::function<void()> done) {
    leaving_.push_back(std::move(done));
    driver_->act([](gossip::Mesh& mesh, Instant now) { mesh.leave(now); });
}

Result<std::vector<std::string>> MeshNode::forget(const std::string& name,
                                                  const std::string& zone) {
    std::vector<std::string> names;
    bool named = false;
    for (const gossip::Member& member : mesh_.swim().members()) {
        if (name.empty() ? tag(member, "zone") != zone : member.name != name) continue;
        named = true;
        if (!gossip::present(member.liveness)) names.push_back(member.name);
    }
    if (!named) {
        return failure(Code::not_found, name.empty() ? fmt::format("no agent is in zone '{}'", zone)
                                                     : fmt::format("no agent is named '{}'", name));
    }
    if (names.empty()) {
        return failure(Code::invalid,
                       fmt::format("{}: only agents that failed or left can be forgotten",
                                   name.empty() ? fmt::format("all of zone {} live", zone)
                                                : fmt::format("{} lives", name)));
    }
    driver_->act([&](gossip::Mesh& mesh, Instant now) {
        for (const std::string& gone : names) {
            const bool forgotten = mesh.forget(gone);
            PICKET_ASSERT(forgotten);
            const std::string message = {gossip::Mesh::picket_state, message_version,
                                         static_cast<char>(forget_kind)};
            // Names are short: it fits a packet.
            PICKET_ASSERT(mesh.broadcast(now, gossip::Rank::decisions, 0, message + gone,
                                         gossip::Audience::picket)
                              .has_value());
        }
    });
    log_info(fmt::format("forgotten: {}", fmt::join(names, ", ")));
    if (on_forgotten_) std::ranges::for_each(names, on_forgotten_);
    return names;
}

void MeshNode::on_forget(const gossip::UserMessage& message) {
    const std::string name = message.payload.substr(3);
    if (!mesh_.forget(name)) return;
    log_info(fmt::format("forgotten, as an agent was told: {}",
                         printable_line(name, gossip::wire::name_bytes_max)));
    if (on_forgotten_) on_forgotten_(name);
}

void MeshNode::send_reliably(const SocketAddress& to, std::string payload,
                             std::function<void(const gossip::Delivery&)> done) {
    driver_->act([&](gossip::Mesh& mesh, Instant now) {
        deliveries_.emplace(mesh.send_reliably(now, to, std::move(payload)), std::move(done));
    });
}

void MeshNode::ping(const gossip::Member& member, Duration timeout, gossip::Mesh::Over over,
                    std::function<void(const gossip::Pong&)> done) {
    driver_->act([&](gossip::Mesh& mesh, Instant now) {
        pongs_.emplace(mesh.ping(now, member.address, member.name, timeout, over), std::move(done));
    });
}

std::vector<gossip::Member> MeshNode::others() const {
    std::vector<gossip::Member> others = mesh_.swim().members();
    std::erase_if(others, [&](const gossip::Member& member) {
        return !gossip::present(member.liveness) || member.name == config_.name;
    });
    std::ranges::sort(others, {}, &gossip::Member::name);
    return others;
}

std::optional<SocketAddress> MeshNode::address_of(std::string_view name) const {
    const gossip::MemberView* view = name.empty() ? nullptr : mesh_.swim().table().find(name);
    if (view == nullptr || !view->picket || !gossip::present(view->liveness)) return std::nullopt;
    return view->address;
}

api::MeshView MeshNode::view() const {
    api::MeshView view;
    view.alive = view.reference = 0;
    std::uint32_t present = 0;
    for (const gossip::Member& member : mesh_.swim().members()) {
        switch (member.liveness) {
            case Liveness::alive:
                ++view.alive;
                break;
            case Liveness::suspect:
                ++view.suspect;
                break;
            case Liveness::failed:
                ++view.failed;
                break;
            case Liveness::left:
                ++view.left;
                continue;
        }
        ++view.reference;
        if (gossip::present(member.liveness)) ++present;
    }
    view.quorum = 2 * present > view.reference;
    return view;
}

std::vector<api::MemberView> MeshNode::members(std::uint32_t own_checks) const {
    std::vector<api::MemberView> views;
    const Instant now = io::monotonic_now();
    const WallTime wall = io::wall_now();
    for (const gossip::Member& member : mesh_.swim().members()) {
        api::MemberView view;
        view.name = member.name;
        view.address = to_text(member.address);
        view.state = to_text(member.liveness);
        view.since = wall - (now - member.since);
        view.incarnation = member.incarnation;
        view.picket = member.picket;
        view.zone = tag(member, "zone");
        if (view.picket) view.version = tag(member, "version");
        if (member.name == config_.name) view.checks = own_checks;
        views.push_back(std::move(view));
    }
    std::ranges::sort(views, {}, &api::MemberView::name);
    return views;
}

std::vector<std::string> MeshNode::problems() const {
    std::vector<std::string> problems = problems_;
    for (std::string& problem : seeds_.problems()) problems.push_back(std::move(problem));
    if (mesh_.swim().leaving()) {
        problems.emplace_back("this agent has left the mesh, and watches alone until it restarts");
    }
    return problems;
}

std::vector<std::pair<std::string, std::uint64_t>> MeshNode::counters() const {
    std::uint64_t refused = 0;
    for (std::size_t i = 0; i < gossip::wire::fault_count; ++i) {
        refused += mesh_.faults(static_cast<gossip::wire::Fault>(i));
    }
    const io::UdpSocket::Counters& packets = driver_->packets();
    return {
        {"gossip_packets_received", packets.received},
        {"gossip_packets_sent", packets.sent},
        {"gossip_packets_blocked", packets.sends_blocked},
        {"gossip_packets_unsent", packets.send_errors + mesh_.packets_unsent()},
        {"gossip_messages_refused", refused + messages_malformed_},
        {"gossip_messages_unknown", messages_unknown_},
        {"gossip_messages_dropped", mesh_.user_messages_dropped()},
        {"gossip_streams_accepted", driver_->streams_accepted()},
        {"gossip_streams_refused", mesh_.streams_refused() + driver_->accept_errors()},
        {"gossip_health", mesh_.swim().health_score()},
    };
}

}  // namespace picket
