// Messages of a stream: the push/pull, in which two agents tell each other all they
// know, and the few others that travel over TCP.
//
// A stream carries one message in each direction. In clear and uncompressed
// nothing announces its length, so that its end must be found while it arrives.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gossip/wire/messages.h"

namespace picket::gossip::wire {

constexpr std::size_t error_text_bytes_max = 1024;

struct ErrorReply {
    std::string_view text;

    bool operator==(const ErrorReply&) const = default;
};

enum class NodeCondition : std::uint8_t { alive = 0, suspect = 1, dead = 2, left = 3 };

// One member as a push/pull tells of it.
struct NodeState {
    std::string_view name;  // Never empty.
    IpAddress ip;
    std::uint16_t port = 0;
    std::string_view meta;
    std::uint32_t incarnation = 0;
    NodeCondition condition = NodeCondition::alive;
    Versions versions;

    bool operator==(const NodeState&) const = default;
};

// All that one side knows. Peers pass on whatever they were once told, so one
// member with, say, no versions must not cut everyone who lists it off the mesh:
// such an entry is left out and counted, while broken framing refuses the whole.
struct PushPull {
    bool join = false;
    std::vector<NodeState> nodes;
    std::size_t nodes_refused = 0;
    std::string_view user_state;

    bool operator==(const PushPull&) const = default;
};

// What a stream can carry, one message in each direction.
using StreamMessage = std::variant<PushPull, Ping, Ack, User, ErrorReply>;

struct StreamLimits {
    std::size_t nodes_max = 1'048'576;
    std::size_t nodes_refused_max = 1000;  // One more, and the whole push/pull is refused.
    std::size_t user_bytes_max = std::size_t{20} * 1024 * 1024;  // User state, and a user message.
};

// Decodes one message of a stream. `truncated` says that more bytes might complete it.
Decoded<StreamMessage> decode_stream(std::string_view bytes, const StreamLimits& limits);

// How far the search for the end of a message has come. It goes on where it
// stopped, so that a peer cannot make it quadratic by sending byte by byte.
struct StreamScan {
    std::size_t offset = 0;          // Up to here all is known.
    std::uint64_t nodes_left = 0;    // Node states that follow, once the header is read.
    std::uint64_t opaque_bytes = 0;  // What follows those.
    bool header_read = false;
};

// Returns true at the end, false while more is needed. `bytes` is all that came so far.
Decoded<bool> scan_stream(std::string_view bytes, const StreamLimits& limits, StreamScan& scan);

// Appends the message, type byte first. Here a user message has a header.
void encode_stream(const PushPull& state, std::string& out);
void encode_stream(const Ping& ping, std::string& out);
void encode_stream(const Ack& ack, std::string& out);
void encode_stream(const User& user, std::string& out);
void encode_stream(const ErrorReply& error, std::string& out);
void encode_stream(const StreamMessage& message, std::string& out);

}  // namespace picket::gossip::wire
