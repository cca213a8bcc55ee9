#include "gossip/mesh.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "agent/base/assert.h"
#include "gossip/membership/tags.h"

namespace picket::gossip {
namespace {

// Swim numbers the streams that it asks for from 1; those accepted begin here.
constexpr StreamId first_inbound = StreamId{1} << 63;
constexpr StreamId first_own = StreamId{1} << 62;  // And Mesh's own here.

// Keys of the application's broadcasts that are Mesh's own; others are free to use
// any that does not have the highest bit.
constexpr std::uint64_t intent_key = ~std::uint64_t{0};

// Serf's agents must have heard of the intent before they hear of the leaving.
constexpr Duration leave_intent_time_max = std::chrono::seconds(2);

// Where the application above memberlist has version 0, as Alertmanager's, no agent of
// Serf's can be a member, and its words would only be warned of.
Mesh::Options sensible(Mesh::Options options) {
    if (options.swim.versions.delegate_max == 0) options.serf_intents = false;
    return options;
}

wire::PacketWriter::Options writer_options(const Mesh::Options& options) {
    return {.label = options.label, .compress = options.compress};
}

Swim::Options swim_options(const Mesh::Options& options, const wire::PacketWriter& writer) {
    Swim::Options swim = options.swim;
    swim.packet_budget_bytes = writer.budget_bytes(options.packet_bytes_max);
    return swim;
}

// Whether a user message takes up no more than `room` of a packet.
Status fits(std::string_view payload, std::size_t room) {
    if (payload.empty()) return failure(Code::invalid, "a user message is empty");
    constexpr std::size_t overhead = 1 + BroadcastQueue::overhead_bytes;
    if (payload.size() + overhead <= room) return {};
    return failure(Code::invalid,
                   fmt::format("a user message of {} bytes fits no packet: at most {} do",
                               payload.size(), room - overhead));
}

std::string encoded_user(std::string_view payload) {
    std::string message;
    wire::encode(wire::User{payload}, message);
    return message;
}

}  // namespace

Mesh::Mesh(Options options, wire::KeyRing keys, TextPool& texts, std::uint64_t seed, Instant now)
    : options_(sensible(std::move(options))),
      keys_(std::move(keys)),
      writer_(writer_options(options_), keys_),
      reader_({.label = options_.label}, keys_),
      swim_(swim_options(options_, writer_), texts, seed, now),
      now_(now),
      next_inbound_(first_inbound),
      next_own_(first_own) {}

void Mesh::on_packet(Instant now, const SocketAddress& from, std::string_view bytes) {
    now_ = now;
    const wire::PacketReader::Contents contents = reader_.read(bytes);
    for (const wire::Fault fault : contents.faults) count(fault);
    for (const wire::Message& message : contents.messages) {
        if (const auto* user = std::get_if<wire::User>(&message)) {
            tell_on(now, user->payload);
            keep_user({UserMessage::Channel::packet, from, std::string(user->payload)});
        } else if (const auto* ack = std::get_if<wire::Ack>(&message);
                   ack != nullptr && pings_.on_ack(now, ack->sequence)) {
            continue;
        } else {
            swim_.on_message(now, from, message);
        }
    }
}

void Mesh::on_tick(Instant now) {
    now_ = now;
    expire_streams(now);
    pings_.expire(now);
    swim_.on_tick(now);
    run_leave(now);
}

Instant Mesh::next_wakeup() const {
    Instant wakeup = std::min(swim_.next_wakeup(), pings_.next_wakeup());
    for (const auto& [id, stream] : streams_) wakeup = std::min(wakeup, stream.deadline);
    if (leave_by_.has_value()) wakeup = std::min(wakeup, *leave_by_);
    return wakeup;
}

void Mesh::join(Instant now, const SocketAddress& seed) {
    now_ = now;
    swim_.join(now, seed);
    tell_serf(now, false);
}

void Mesh::leave(Instant now) {
    now_ = now;
    if (swim_.leaving() || leave_by_.has_value()) return;
    tell_serf(now, true);
    leave_by_ = now + leave_intent_time_max;
    run_leave(now);
}

// The intent first; when it was told as often as it can be, or to nobody, the rest.
void Mesh::run_leave(Instant now) {
    if (!leave_by_.has_value()) return;
    const bool telling = options_.serf_intents &&
                         swim_.application_broadcasts().contains(intent_key) &&
                         swim_.table().count_present() > 1;
    if (telling && now < *leave_by_) return;
    leave_by_.reset();
    swim_.leave(now);
}

void Mesh::rejoin(Instant now) {
    now_ = now;
    swim_.rejoin(now);
    tell_serf(now, false);
}

// The incarnation grows over all runs of this agent, as the intents' times must.
void Mesh::tell_serf(Instant now, bool leaving) {
    if (!options_.serf_intents) return;
    const std::uint64_t time = 2 * std::uint64_t{swim_.incarnation()};
    const std::string_view name = options_.swim.name;
    const std::string payload =
        leaving ? serf_leave_intent(time + 1, name) : serf_join_intent(time, name);
    swim_.broadcast(now, Rank::decisions, intent_key, encoded_user(payload), Audience::everybody);
}

// What is too long for half of a packet is left to Serf's agents.
void Mesh::tell_on(Instant now, std::string_view payload) {
    if (!options_.serf_intents || !serf_relay_.take(now, payload)) return;
    const bool mixed = std::ranges::any_of(swim_.table().views(), [](const MemberView& view) {
        return present(view.liveness) && !view.picket;
    });
    if (!mixed || !fits(payload, writer_.budget_bytes(options_.packet_bytes_max) / 2)) return;
    swim_.broadcast(now, Rank::details, 0, encoded_user(payload), Audience::everybody);
}

Status Mesh::broadcast(Instant now, Rank rank, std::uint64_t key, std::string_view payload,
                       Audience audience) {
    now_ = now;
    PICKET_ASSERT(key >> 63 == 0);
    // Half of a packet is what it can always have. Details can wait for a whole one.
    const std::size_t room = writer_.budget_bytes(options_.packet_bytes_max);
    PICKET_TRY(fits(payload, rank == Rank::details ? room : room / 2));
    swim_.broadcast(now, rank, key, encoded_user(payload), audience);
    return {};
}

Status Mesh::send(Instant now, const SocketAddress& to, std::string_view payload) {
    now_ = now;
    PICKET_TRY(fits(payload, writer_.budget_bytes(options_.packet_bytes_max)));
    swim_.send_user(now, to, encoded_user(payload));
    return {};
}

std::uint64_t Mesh::send_reliably(Instant now, const SocketAddress& to, std::string payload) {
    now_ = now;
    return outbox_.post(to, std::move(payload));
}

std::uint64_t Mesh::ping(Instant now, const SocketAddress& to, std::string_view node,
                         Duration timeout, Over over) {
    now_ = now;
    const std::uint32_t sequence = swim_.next_sequence();
    const Pings::Opened opened = pings_.open(now, {sequence, node, timeout});
    if (!opened.ask) return opened.ticket;
    if (over == Over::packet) {
        swim_.send_ping(now, to, node, sequence);
    } else {
        dial_ping(to, node, sequence, timeout);
    }
    return opened.ticket;
}

void Mesh::set_user_state(std::string state) {
    PICKET_ASSERT(state.empty() || state.front() == picket_state);
    user_state_ = std::move(state);
}

std::optional<Transmit> Mesh::poll_transmit() {
    while (const auto packet = swim_.poll_packet()) {
        std::vector<std::string_view> messages(packet->messages.begin(), packet->messages.end());
        const auto checksum = packet->checksum ? wire::Checksum::with : wire::Checksum::without;
        const Result<std::string_view> payload = writer_.write(messages, checksum);
        if (payload.has_value()) return Transmit{packet->to, *payload};
        ++packets_unsent_;
    }
    return std::nullopt;
}

bool Mesh::keep_user(UserMessage message) {
    if (user_messages_.size() >= user_messages_max) {
        ++user_messages_dropped_;
        return false;
    }
    user_messages_.push_back(std::move(message));
    return true;
}

std::optional<UserMessage> Mesh::poll_user() {
    if (user_messages_.empty()) return std::nullopt;
    UserMessage message = std::move(user_messages_.front());
    user_messages_.pop_front();
    return message;
}

std::optional<StreamFailure> Mesh::poll_failure() {
    if (failures_.empty()) return std::nullopt;
    StreamFailure failure = std::move(failures_.front());
    failures_.pop_front();
    return failure;
}

}  // namespace picket::gossip
