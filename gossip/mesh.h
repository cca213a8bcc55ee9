// Mesh: the face of gossip/. Bytes and time in, bytes and events out.
//
// It lays Swim's messages out as packets and streams and takes them out again
// (wire/), and keeps the streams' deadlines and limits. It owns no socket, clock or
// entropy. The driver passes on what arrives (`on_*`); after each call it does what
// the `poll_*` functions say, each until it returns nothing, and calls on_tick at
// next_wakeup(). Calls never re-enter.
//
// A stream is one message each way. The driver dials, writes, and reads until it is
// told to close; a stream accepted is given a number by accept_stream, and its bytes
// to on_stream_bytes. Whenever a stream ends that Mesh did not close itself, the
// driver says so with on_stream_ended.
//
// What is malformed changes nothing and is counted by its fault.

#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gossip/membership/swim.h"
#include "gossip/outbox.h"
#include "gossip/pings.h"
#include "gossip/serf_relay.h"
#include "gossip/wire/packet.h"
#include "gossip/wire/seal.h"
#include "gossip/wire/stream.h"

namespace picket::gossip {

using StreamId = std::uint64_t;

struct Transmit {
    SocketAddress to;
    std::string_view payload;  // Good until the next call.
};

struct StreamEffect {
    enum class Action : std::uint8_t {
        dial,    // Connect to `to`, write `bytes`, then read.
        answer,  // Write `bytes`, then close.
        close,   // Close at once.
    };
    Action action = Action::close;
    StreamId id = 0;
    SocketAddress to{};
    std::string bytes{};
};

// A message of the application's, and where it came from: a packet, which says so, a
// stream, or the user state of a push/pull.
struct UserMessage {
    enum class Channel : std::uint8_t { packet, stream, state };
    Channel channel = Channel::packet;
    std::optional<SocketAddress> from;
    std::string payload;
};

// A push/pull with somebody that came to nothing, for whoever reads the log.
struct StreamFailure {
    SocketAddress to;
    bool join = false;
    std::string reason;  // "no answer within 10s", or what the other side said.
};

class Mesh {
public:
    static constexpr std::size_t inbound_streams_max = 127;  // memberlist's; more are refused.
    // Of all streams together; the one that goes beyond it is closed, and counted.
    static constexpr std::size_t stream_buffers_bytes_max = std::size_t{64} * 1024 * 1024;
    static constexpr std::size_t user_messages_max = 1024;  // Waiting; then the newest is dropped.
    static constexpr std::size_t failures_max = 64;         // Likewise.
    static constexpr std::size_t ping_streams_max = 256;    // Open for ping(); then none is asked.
    // User state that begins so is picket's, and answered with our own.
    static constexpr char picket_state = 0x70;

    struct Options {
        Swim::Options swim;  // packet_budget_bytes is worked out from what follows.
        std::string label{};
        bool compress = true;
        std::size_t packet_bytes_max = wire::udp_packet_bytes_max;
        // Serf's agents are told when we come and go, in their own words, and what they
        // tell each other; never where our versions are such that there can be none.
        bool serf_intents = true;
    };

    // `texts` must outlive it. Without keys nothing is encrypted.
    Mesh(Options options, wire::KeyRing keys, TextPool& texts, std::uint64_t seed, Instant now);
    Mesh(const Mesh&) = delete;
    Mesh& operator=(const Mesh&) = delete;

    void on_packet(Instant now, const SocketAddress& from, std::string_view bytes);
    void on_tick(Instant now);

    // A number for a stream somebody dialled, or nothing at inbound_streams_max.
    std::optional<StreamId> accept_stream(Instant now);
    void on_stream_bytes(Instant now, StreamId id, std::string_view bytes);
    // Ended, or never came about; `reason` in a few words.
    void on_stream_ended(Instant now, StreamId id, std::string_view reason);

    void join(Instant now, const SocketAddress& seed);
    // Serf's agents hear of it first; leave_done says when all is told.
    void leave(Instant now);
    bool leave_done(Instant now) const { return swim_.leave_done(now); }
    void rejoin(Instant now);
    void set_meta(Instant now, std::string_view meta) { swim_.set_meta(now, meta); }
    bool forget(std::string_view name) { return swim_.forget(name); }
    void assume(Instant now, std::span<const wire::Alive> members) { swim_.assume(now, members); }

    // Tells a user message to everybody, or to picket's agents. It replaces an earlier
    // one of the same key; key 0 replaces nothing. Returns invalid where the message
    // is empty, or over half of a packet (details: over a whole one): that goes over a
    // stream.
    Status broadcast(Instant now, Rank rank, std::uint64_t key, std::string_view payload,
                     Audience audience);
    // What a push/pull with one of picket's agents carries along; begins with
    // picket_state, or is empty.
    void set_user_state(std::string state);

    // Sends a user message to one of picket's agents, in one packet, which may get lost.
    // Returns invalid where it is empty or fits none.
    Status send(Instant now, const SocketAddress& to, std::string_view payload);
    // Sends it over a stream, and tells its end as a Delivery with the ticket returned
    // (outbox.h). It is tried once, for as long as the timings' stream_timeout.
    std::uint64_t send_reliably(Instant now, const SocketAddress& to, std::string payload);
    // Asks the member `node` at `to` once whether it answers, and tells its end as a
    // Pong with the ticket returned (pings.h). Over a stream, where UDP may be blocked,
    // a host that refuses says so at once.
    enum class Over : std::uint8_t { packet, stream };
    std::uint64_t ping(Instant now, const SocketAddress& to, std::string_view node,
                       Duration timeout, Over over = Over::packet);

    std::optional<Transmit> poll_transmit();
    std::optional<StreamEffect> poll_stream();
    std::optional<MemberEvent> poll_event() { return swim_.poll_event(); }
    std::optional<UserMessage> poll_user();
    std::optional<StreamFailure> poll_failure();
    std::optional<Delivery> poll_delivery() { return outbox_.poll_delivery(); }
    std::optional<Pong> poll_pong() { return pings_.poll_pong(); }
    Instant next_wakeup() const;

    const Swim& swim() const { return swim_; }
    wire::KeyRing& keys() { return keys_; }
    std::uint64_t faults(wire::Fault fault) const {
        return faults_[static_cast<std::size_t>(fault)];
    }
    std::uint64_t packets_unsent() const { return packets_unsent_; }
    std::uint64_t streams_refused() const { return streams_refused_; }
    std::uint64_t user_messages_dropped() const { return user_messages_dropped_; }

private:
    enum class Purpose : std::uint8_t {
        inbound,  // Somebody else's.
        push_pull,
        probe,    // Swim's question whether somebody lives.
        message,  // One of the outbox.
        ping,     // The application's question.
    };
    struct Stream {
        Purpose purpose = Purpose::inbound;
        bool join = false;           // Of a push/pull.
        std::uint64_t ticket = 0;    // Of a message.
        std::uint32_t sequence = 0;  // Of a ping.
        SocketAddress to{};          // Of one we dialled.
        Duration timeout{};
        Instant deadline{};
        std::unique_ptr<wire::StreamReader> reader{};
    };
    using Streams = std::map<StreamId, Stream>;

    void run_leave(Instant now);
    void tell_serf(Instant now, bool leaving);
    void tell_on(Instant now, std::string_view payload);
    void count(wire::Fault fault) { ++faults_[static_cast<std::size_t>(fault)]; }
    bool keep_user(UserMessage message);  // False when there is no room for it.

    // mesh_streams.cpp
    void dial(const StreamRequest& request);
    void dial(const Outbox::Letter& letter);
    void dial_ping(const SocketAddress& to, std::string_view node, std::uint32_t sequence,
                   Duration timeout);
    void dial(StreamId id, Stream stream, const wire::StreamMessage& message);
    void on_message_in(Instant now, Streams::iterator stream);
    void on_message_back(Instant now, Streams::iterator stream);
    void on_stream_fault(Streams::iterator stream, wire::Fault fault);
    void fail(Instant now, Streams::iterator stream, std::string_view reason);
    void tell_failed(Instant now, StreamId id, const Stream& stream, std::string_view reason);
    void expire_streams(Instant now);
    void answer(Streams::iterator stream, const wire::StreamMessage& message);
    void close(Streams::iterator stream);
    std::unique_ptr<wire::StreamReader> reader(wire::StreamSide from) const;
    wire::StreamWriteOptions write_options(wire::StreamSide from) const;
    std::size_t buffered_bytes() const;

    Options options_;
    wire::KeyRing keys_;
    wire::PacketWriter writer_;
    wire::PacketReader reader_;
    Swim swim_;
    std::optional<Instant> leave_by_;  // While Serf's agents are told first.
    std::string user_state_;
    Outbox outbox_;
    SerfRelay serf_relay_;
    Pings pings_;
    Instant now_;

    Streams streams_;
    std::size_t inbound_streams_ = 0;
    std::size_t ping_streams_ = 0;
    StreamId next_inbound_;
    StreamId next_own_;  // Of messages and pings; Swim numbers its own.
    std::deque<StreamEffect> stream_effects_;
    std::deque<UserMessage> user_messages_;
    std::deque<StreamFailure> failures_;
    std::array<std::uint64_t, wire::fault_count> faults_{};
    std::uint64_t packets_unsent_ = 0;  // The key's nonces are used up.
    std::uint64_t streams_refused_ = 0;
    std::uint64_t user_messages_dropped_ = 0;
};

}  // namespace picket::gossip
