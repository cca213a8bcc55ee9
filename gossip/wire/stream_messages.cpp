#include "gossip/wire/stream_messages.h"

#include <array>
#include <utility>

#include "agent/base/assert.h"
#include "gossip/wire/msgpack_map.h"

namespace picket::gossip::wire {
namespace {

struct Header {
    bool join = false;
    std::uint64_t nodes = 0;
    std::uint64_t opaque_bytes = 0;  // Of user state, or of a user message.
    std::size_t taken = 0;
};

Decoded<Header> decode_push_pull_header(std::string_view body, const StreamLimits& limits) {
    Header header;
    const std::array<Field, 3> fields{
        {{"Join", &header.join}, {"Nodes", &header.nodes}, {"UserStateLen", &header.opaque_bytes}}};
    header.taken = PICKET_TRY(read_map(body, fields));
    if (header.nodes > limits.nodes_max) return refused(Fault::too_large);
    if (header.opaque_bytes > limits.user_bytes_max) return refused(Fault::too_large);
    return header;
}

Decoded<Header> decode_user_header(std::string_view body, const StreamLimits& limits) {
    Header header;
    const std::array<Field, 1> fields{{{"UserMsgLen", &header.opaque_bytes}}};
    header.taken = PICKET_TRY(read_map(body, fields));
    if (header.opaque_bytes == 0) return refused(Fault::empty);
    if (header.opaque_bytes > limits.user_bytes_max) return refused(Fault::too_large);
    return header;
}

// Reads the node state that `bytes` begins with, and says how long it is.
Decoded<std::size_t> decode_node_state(std::string_view bytes, NodeState& node) {
    std::string_view ip;
    std::string_view versions;
    std::uint8_t condition = 0;
    const std::array<Field, 7> fields{{{"Addr", &ip},
                                       {"Incarnation", &node.incarnation},
                                       {"Meta", &node.meta, meta_bytes_max},
                                       {"Name", &node.name, name_bytes_max},
                                       {"Port", &node.port},
                                       {"State", &condition},
                                       {"Vsn", &versions}}};
    const std::size_t taken = PICKET_TRY(read_map(bytes, fields));
    if (node.name.empty()) return refused(Fault::bad_name);
    if (condition > static_cast<std::uint8_t>(NodeCondition::left)) {
        return refused(Fault::out_of_range);
    }
    node.condition = static_cast<NodeCondition>(condition);
    node.ip = PICKET_TRY(decode_ip(ip));
    node.versions = PICKET_TRY(decode_versions(versions));
    return taken;
}

Decoded<PushPull> decode_push_pull(std::string_view body, const StreamLimits& limits) {
    const Header header = PICKET_TRY(decode_push_pull_header(body, limits));
    PushPull state;
    state.join = header.join;
    std::string_view rest = body.substr(header.taken);
    for (std::uint64_t left = header.nodes; left > 0; --left) {
        NodeState node;
        const Decoded<std::size_t> taken = decode_node_state(rest, node);
        if (taken.has_value()) {
            rest.remove_prefix(*taken);
            state.nodes.push_back(node);
            continue;
        }
        // Where only the content is wrong the map still has an end, and the next one a start.
        const std::size_t skipped = PICKET_TRY(read_map(rest, {}));
        rest.remove_prefix(skipped);
        if (++state.nodes_refused > limits.nodes_refused_max) return refused(taken.error());
    }
    if (rest.size() < header.opaque_bytes) return refused(Fault::truncated);
    state.user_state = rest.substr(0, header.opaque_bytes);
    return state;
}

Decoded<User> decode_user(std::string_view body, const StreamLimits& limits) {
    const Header header = PICKET_TRY(decode_user_header(body, limits));
    const std::string_view rest = body.substr(header.taken);
    if (rest.size() < header.opaque_bytes) return refused(Fault::truncated);
    return User{rest.substr(0, header.opaque_bytes)};
}

Decoded<ErrorReply> decode_error(std::string_view body) {
    ErrorReply error;
    const std::array<Field, 1> fields{{{"Error", &error.text, error_text_bytes_max}}};
    PICKET_TRY(read_map(body, fields));
    return error;
}

template <typename T>
Decoded<StreamMessage> widened(Decoded<T> decoded) {
    T message = PICKET_TRY(std::move(decoded));
    return message;
}

// Reads the first map of the message. Returns false if there is not yet enough of it.
Decoded<bool> scan_header(std::string_view bytes, const StreamLimits& limits, StreamScan& scan) {
    const std::string_view body = bytes.substr(1);
    const auto type = static_cast<Type>(bytes[0]);
    Decoded<Header> header = Header{};
    if (type == Type::push_pull) {
        header = decode_push_pull_header(body, limits);
    } else if (type == Type::user) {
        header = decode_user_header(body, limits);
    } else if (type == Type::ping || type == Type::ack || type == Type::error) {
        const Decoded<std::size_t> taken = read_map(body, {});
        if (!taken.has_value()) {
            header = refused(taken.error());
        } else {
            header->taken = *taken;
        }
    } else {
        return refused(Fault::unknown_type);
    }
    if (!header.has_value()) {
        if (header.error() == Fault::truncated) return false;
        return refused(header.error());
    }
    scan = {1 + header->taken, header->nodes, header->opaque_bytes, true};
    return true;
}

}  // namespace

Decoded<StreamMessage> decode_stream(std::string_view bytes, const StreamLimits& limits) {
    if (bytes.empty()) return refused(Fault::truncated);
    const std::string_view body = bytes.substr(1);
    const auto type = static_cast<Type>(bytes[0]);
    if (type == Type::push_pull) return widened(decode_push_pull(body, limits));
    if (type == Type::ping) return widened(decode_ping(body));
    if (type == Type::ack) return widened(decode_ack(body));
    if (type == Type::user) return widened(decode_user(body, limits));
    if (type == Type::error) return widened(decode_error(body));
    return refused(Fault::unknown_type);
}

Decoded<bool> scan_stream(std::string_view bytes, const StreamLimits& limits, StreamScan& scan) {
    if (bytes.empty()) return false;
    if (!scan.header_read) {
        const bool read = PICKET_TRY(scan_header(bytes, limits, scan));
        if (!read) return false;
    }
    while (scan.nodes_left > 0) {
        const Decoded<std::size_t> taken = read_map(bytes.substr(scan.offset), {});
        if (!taken.has_value()) {
            if (taken.error() == Fault::truncated) return false;
            return refused(taken.error());
        }
        scan.offset += *taken;
        --scan.nodes_left;
    }
    return bytes.size() - scan.offset >= scan.opaque_bytes;
}

void encode_stream(const PushPull& state, std::string& out) {
    out.push_back(static_cast<char>(Type::push_pull));
    {
        MapWriter map(out, 3);
        map.boolean("Join", state.join);
        map.number("Nodes", state.nodes.size());
        map.number("UserStateLen", state.user_state.size());
    }
    for (const NodeState& node : state.nodes) {
        const std::array<char, 6> versions = raw_bytes(node.versions);
        MapWriter map(out, 7);
        map.bytes("Addr", raw_bytes(node.ip));
        map.number("Incarnation", node.incarnation);
        map.bytes("Meta", node.meta);
        map.text("Name", node.name);
        map.number("Port", node.port);
        map.number("State", static_cast<std::uint8_t>(node.condition));
        map.bytes("Vsn", {versions.data(), versions.size()});
    }
    out.append(state.user_state);
}

void encode_stream(const Ping& ping, std::string& out) {
    encode(ping, out);
}

void encode_stream(const Ack& ack, std::string& out) {
    encode(ack, out);
}

void encode_stream(const User& user, std::string& out) {
    PICKET_ASSERT(!user.payload.empty());
    out.push_back(static_cast<char>(Type::user));
    MapWriter map(out, 1);
    map.number("UserMsgLen", user.payload.size());
    out.append(user.payload);
}

void encode_stream(const ErrorReply& error, std::string& out) {
    out.push_back(static_cast<char>(Type::error));
    MapWriter map(out, 1);
    map.text("Error", error.text);
}

void encode_stream(const StreamMessage& message, std::string& out) {
    std::visit([&](const auto& alternative) { encode_stream(alternative, out); }, message);
}

}  // namespace picket::gossip::wire
