// Mesh's streams: memberlist.md, sections 7 and 8.

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "agent/base/assert.h"
#include "gossip/mesh.h"

namespace picket::gossip {

std::unique_ptr<wire::StreamReader> Mesh::reader(wire::StreamSide from) const {
    wire::StreamReader::Options options;
    options.label = options_.label;
    options.from = from;
    return std::make_unique<wire::StreamReader>(std::move(options), keys_);
}

wire::StreamWriteOptions Mesh::write_options(wire::StreamSide from) const {
    return {.label = options_.label, .from = from, .compress = options_.compress};
}

std::size_t Mesh::buffered_bytes() const {
    std::size_t bytes = 0;
    for (const auto& [id, stream] : streams_) bytes += stream.reader->buffered_bytes();
    return bytes;
}

std::optional<StreamEffect> Mesh::poll_stream() {
    while (const auto request = swim_.poll_stream()) dial(*request);
    while (const auto letter = outbox_.poll_letter()) dial(*letter);
    if (stream_effects_.empty()) return std::nullopt;
    StreamEffect effect = std::move(stream_effects_.front());
    stream_effects_.pop_front();
    return effect;
}

void Mesh::dial(const StreamRequest& request) {
    wire::StreamMessage message;
    if (request.kind == StreamRequest::Kind::push_pull) {
        wire::PushPull state = swim_.push_pull_state(request.join);
        if (request.picket) state.user_state = user_state_;
        message = std::move(state);
    } else {
        message = wire::Ping{request.sequence, request.node, {}};
    }
    const bool probe = request.kind == StreamRequest::Kind::ping;
    dial(request.id,
         {.purpose = probe ? Purpose::probe : Purpose::push_pull,
          .join = request.join,
          .to = request.to,
          .timeout = request.timeout},
         message);
}

void Mesh::dial(const Outbox::Letter& letter) {
    dial(next_own_++,
         {.purpose = Purpose::message,
          .ticket = letter.ticket,
          .to = letter.to,
          .timeout = options_.swim.timings.stream_timeout},
         wire::User{letter.payload});
}

void Mesh::dial_ping(const SocketAddress& to, std::string_view node, std::uint32_t sequence,
                     Duration timeout) {
    if (ping_streams_ >= ping_streams_max) {
        return pings_.on_failed(
            now_, sequence,
            fmt::format("{} pings over streams are under way already", ping_streams_max));
    }
    dial(next_own_++,
         {.purpose = Purpose::ping, .sequence = sequence, .to = to, .timeout = timeout},
         wire::Ping{sequence, node, {}});
}

void Mesh::dial(StreamId id, Stream stream, const wire::StreamMessage& message) {
    Result<std::string> bytes =
        wire::write_stream(message, write_options(wire::StreamSide::dialler), keys_);
    if (!bytes.has_value()) return tell_failed(now_, id, stream, bytes.error().message());
    if (stream.purpose == Purpose::ping) ++ping_streams_;
    stream.deadline = now_ + stream.timeout;
    stream.reader = reader(wire::StreamSide::acceptor);
    stream_effects_.push_back({StreamEffect::Action::dial, id, stream.to, *std::move(bytes)});
    streams_.emplace(id, std::move(stream));
}

std::optional<StreamId> Mesh::accept_stream(Instant now) {
    now_ = now;
    if (inbound_streams_ >= inbound_streams_max) {
        ++streams_refused_;
        return std::nullopt;
    }
    ++inbound_streams_;
    const StreamId id = next_inbound_++;
    const Duration timeout = options_.swim.timings.stream_timeout;
    streams_.emplace(id, Stream{.timeout = timeout,
                                .deadline = now + timeout,
                                .reader = reader(wire::StreamSide::dialler)});
    return id;
}

void Mesh::on_stream_bytes(Instant now, StreamId id, std::string_view bytes) {
    now_ = now;
    const auto stream = streams_.find(id);
    if (stream == streams_.end()) return;  // Closed, and the driver has yet to hear of it.
    const wire::Decoded<bool> complete = stream->second.reader->feed(bytes);
    if (!complete.has_value()) {
        count(complete.error());
        on_stream_fault(stream, complete.error());
    } else if (*complete) {
        const bool inbound = stream->second.purpose == Purpose::inbound;
        inbound ? on_message_in(now, stream) : on_message_back(now, stream);
    } else if (buffered_bytes() > stream_buffers_bytes_max) {
        ++streams_refused_;
        fail(now, stream, "too many bytes in all streams together");
    }
}

void Mesh::on_message_in(Instant now, Streams::iterator stream) {
    // Kept alive until the message has been dealt with: it points into its reader.
    const std::unique_ptr<wire::StreamReader> reader = std::move(stream->second.reader);
    const wire::StreamMessage& message = reader->message();
    if (const auto* state = std::get_if<wire::PushPull>(&message)) {
        wire::PushPull ours = swim_.push_pull_state(state->join);
        if (state->user_state.starts_with(picket_state)) ours.user_state = user_state_;
        answer(stream, std::move(ours));
        swim_.on_push_pull(now, *state, std::nullopt);
        if (state->user_state.empty()) return;
        keep_user({UserMessage::Channel::state, std::nullopt, std::string(state->user_state)});
    } else if (const auto* ping = std::get_if<wire::Ping>(&message);
               ping != nullptr && swim_.is_for_us(ping->node)) {
        answer(stream, wire::Ack{ping->sequence, {}});
    } else if (const auto* user = std::get_if<wire::User>(&message);
               user != nullptr && keep_user({UserMessage::Channel::stream, std::nullopt,
                                             std::string(user->payload)})) {
        // picket's agents wait for this; the peers have closed, and do not see it.
        answer(stream, wire::Ack{});
    } else {
        close(stream);
    }
}

void Mesh::on_message_back(Instant now, Streams::iterator stream) {
    const std::unique_ptr<wire::StreamReader> reader = std::move(stream->second.reader);
    const wire::StreamMessage& message = reader->message();
    const StreamId id = stream->first;
    const Purpose purpose = stream->second.purpose;
    const auto* state = std::get_if<wire::PushPull>(&message);
    const auto* ack = std::get_if<wire::Ack>(&message);
    if (state != nullptr && purpose == Purpose::push_pull) {
        const SocketAddress to = stream->second.to;
        close(stream);
        swim_.on_push_pull(now, *state, id);
        if (state->user_state.empty()) return;
        keep_user({UserMessage::Channel::state, to, std::string(state->user_state)});
    } else if (ack != nullptr && purpose == Purpose::probe) {
        close(stream);
        swim_.on_tcp_answer(now, id, ack->sequence);
    } else if (ack != nullptr && purpose == Purpose::message) {
        outbox_.on_delivered(stream->second.ticket);
        close(stream);
    } else if (ack != nullptr && purpose == Purpose::ping &&
               ack->sequence == stream->second.sequence) {
        pings_.on_ack(now, ack->sequence);
        close(stream);
    } else if (const auto* error = std::get_if<wire::ErrorReply>(&message)) {
        fail(now, stream, fmt::format("the other side answered: {}", error->text));
    } else {
        fail(now, stream, "the other side answered something else");
    }
}

void Mesh::on_stream_fault(Streams::iterator stream, wire::Fault fault) {
    if (stream->second.purpose != Purpose::inbound) return fail(now_, stream, to_text(fault));
    if (!stream->second.reader->error_reply_due()) return close(stream);
    answer(stream, wire::ErrorReply{to_text(fault)});
}

void Mesh::on_stream_ended(Instant now, StreamId id, std::string_view reason) {
    now_ = now;
    const auto stream = streams_.find(id);
    if (stream == streams_.end()) return;
    if (stream->second.purpose != Purpose::inbound) return fail(now, stream, reason);
    --inbound_streams_;
    streams_.erase(stream);
}

void Mesh::fail(Instant now, Streams::iterator stream, std::string_view reason) {
    tell_failed(now, stream->first, stream->second, reason);
    close(stream);
}

// To whoever wanted the stream that has failed, or did not come about.
void Mesh::tell_failed(Instant now, StreamId id, const Stream& stream, std::string_view reason) {
    switch (stream.purpose) {
        case Purpose::inbound:
            break;
        case Purpose::push_pull:
            if (failures_.size() < failures_max) {
                failures_.push_back({stream.to, stream.join, std::string(reason)});
            }
            swim_.on_stream_failed(now, id);
            break;
        case Purpose::probe:
            swim_.on_stream_failed(now, id);
            break;
        case Purpose::message:
            outbox_.on_failed(stream.ticket, reason);
            break;
        case Purpose::ping:
            pings_.on_failed(now, stream.sequence, reason);
            break;
    }
}

void Mesh::expire_streams(Instant now) {
    for (auto stream = streams_.begin(); stream != streams_.end();) {
        const auto next = std::next(stream);
        if (now >= stream->second.deadline) {
            fail(now, stream,
                 fmt::format("no answer within {}", format_duration(stream->second.timeout)));
        }
        stream = next;
    }
}

void Mesh::answer(Streams::iterator stream, const wire::StreamMessage& message) {
    Result<std::string> bytes =
        wire::write_stream(message, write_options(wire::StreamSide::acceptor), keys_);
    if (!bytes.has_value()) return close(stream);
    stream_effects_.push_back({StreamEffect::Action::answer, stream->first, {}, *std::move(bytes)});
    --inbound_streams_;
    streams_.erase(stream);
}

void Mesh::close(Streams::iterator stream) {
    stream_effects_.push_back({.action = StreamEffect::Action::close, .id = stream->first});
    if (stream->second.purpose == Purpose::inbound) --inbound_streams_;
    if (stream->second.purpose == Purpose::ping) --ping_streams_;
    streams_.erase(stream);
}

}  // namespace picket::gossip
