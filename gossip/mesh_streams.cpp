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
    Result<std::string> bytes =
        wire::write_stream(message, write_options(wire::StreamSide::dialler), keys_);
    if (!bytes.has_value()) {
        if (failures_.size() < failures_max) {
            failures_.push_back({request.to, request.join, bytes.error().message()});
        }
        return swim_.on_stream_failed(now_, request.id);
    }
    Stream stream;
    stream.kind = request.kind;
    stream.join = request.join;
    stream.to = request.to;
    stream.timeout = request.timeout;
    stream.deadline = now_ + request.timeout;
    stream.reader = reader(wire::StreamSide::acceptor);
    streams_.emplace(request.id, std::move(stream));
    stream_effects_.push_back(
        {StreamEffect::Action::dial, request.id, request.to, *std::move(bytes)});
}

std::optional<StreamId> Mesh::accept_stream(Instant now) {
    now_ = now;
    if (inbound_streams_ >= inbound_streams_max) {
        ++streams_refused_;
        return std::nullopt;
    }
    ++inbound_streams_;
    const StreamId id = next_inbound_++;
    Stream stream;
    stream.inbound = true;
    stream.timeout = options_.swim.timings.stream_timeout;
    stream.deadline = now + stream.timeout;
    stream.reader = reader(wire::StreamSide::dialler);
    streams_.emplace(id, std::move(stream));
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
        stream->second.inbound ? on_message_in(now, stream) : on_message_back(now, stream);
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
    } else {
        if (const auto* user = std::get_if<wire::User>(&message)) {
            keep_user({UserMessage::Channel::stream, std::nullopt, std::string(user->payload)});
        }
        close(stream);
    }
}

void Mesh::on_message_back(Instant now, Streams::iterator stream) {
    const std::unique_ptr<wire::StreamReader> reader = std::move(stream->second.reader);
    const wire::StreamMessage& message = reader->message();
    const StreamId id = stream->first;
    const bool push_pull = stream->second.kind == StreamRequest::Kind::push_pull;
    if (const auto* state = std::get_if<wire::PushPull>(&message); state != nullptr && push_pull) {
        const SocketAddress to = stream->second.to;
        close(stream);
        swim_.on_push_pull(now, *state, id);
        if (state->user_state.empty()) return;
        keep_user({UserMessage::Channel::state, to, std::string(state->user_state)});
    } else if (const auto* ack = std::get_if<wire::Ack>(&message); ack != nullptr && !push_pull) {
        close(stream);
        swim_.on_tcp_answer(now, id, ack->sequence);
    } else if (const auto* error = std::get_if<wire::ErrorReply>(&message)) {
        fail(now, stream, fmt::format("the other side answered: {}", error->text));
    } else {
        fail(now, stream, "the other side answered something else");
    }
}

void Mesh::on_stream_fault(Streams::iterator stream, wire::Fault fault) {
    if (!stream->second.inbound) return fail(now_, stream, to_text(fault));
    if (!stream->second.reader->error_reply_due()) return close(stream);
    answer(stream, wire::ErrorReply{to_text(fault)});
}

void Mesh::on_stream_ended(Instant now, StreamId id, std::string_view reason) {
    now_ = now;
    const auto stream = streams_.find(id);
    if (stream == streams_.end()) return;
    if (!stream->second.inbound) return fail(now, stream, reason);
    --inbound_streams_;
    streams_.erase(stream);
}

void Mesh::fail(Instant now, Streams::iterator stream, std::string_view reason) {
    const StreamId id = stream->first;
    const bool inbound = stream->second.inbound;
    const bool push_pull = stream->second.kind == StreamRequest::Kind::push_pull;
    if (!inbound && push_pull && failures_.size() < failures_max) {
        failures_.push_back({stream->second.to, stream->second.join, std::string(reason)});
    }
    close(stream);
    if (!inbound) swim_.on_stream_failed(now, id);
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
    if (stream->second.inbound) --inbound_streams_;
    streams_.erase(stream);
}

}  // namespace picket::gossip
