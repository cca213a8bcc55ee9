#include "gossip/wire/messages.h"

#include <algorithm>

#include "agent/base/assert.h"
#include "gossip/wire/msgpack_map.h"

namespace picket::gossip::wire {
namespace {

constexpr std::size_t ip_bytes_max = 16;
constexpr std::size_t versions_bytes = 6;

// The three fields by which a peer says where to answer, as they stand in the map.
struct RawSource {
    Source source;
    std::string_view ip;

    Decoded<Source> decoded() {
        if (!ip.empty()) source.ip = PICKET_TRY(decode_ip(ip));
        return source;
    }
};

Decoded<IndirectPing> decode_indirect_ping(std::string_view body) {
    IndirectPing ping;
    RawSource raw;
    std::string_view target;
    const std::array<Field, 8> fields{{{"Nack", &ping.nack},
                                       {"Node", &ping.node, name_bytes_max},
                                       {"Port", &ping.port},
                                       {"SeqNo", &ping.sequence},
                                       {"SourceAddr", &raw.ip},
                                       {"SourceNode", &raw.source.node, name_bytes_max},
                                       {"SourcePort", &raw.source.port},
                                       {"Target", &target}}};
    PICKET_TRY(read_map(body, fields));
    ping.target = PICKET_TRY(decode_ip(target));
    ping.source = PICKET_TRY(raw.decoded());
    return ping;
}

Decoded<Nack> decode_nack(std::string_view body) {
    Nack nack;
    const std::array<Field, 1> fields{{{"SeqNo", &nack.sequence}}};
    PICKET_TRY(read_map(body, fields));
    return nack;
}

// Suspect and Dead say the same of a member: who, by whom, which incarnation.
template <typename Accusation>
Decoded<Accusation> decode_accusation(std::string_view body) {
    Accusation accusation;
    const std::array<Field, 3> fields{{{"From", &accusation.from, name_bytes_max},
                                       {"Incarnation", &accusation.incarnation},
                                       {"Node", &accusation.node, name_bytes_max}}};
    PICKET_TRY(read_map(body, fields));
    if (accusation.node.empty()) return refused(Fault::bad_name);
    return accusation;
}

Decoded<Alive> decode_alive(std::string_view body) {
    Alive alive;
    std::string_view ip;
    std::string_view versions;
    const std::array<Field, 6> fields{{{"Addr", &ip},
                                       {"Incarnation", &alive.incarnation},
                                       {"Meta", &alive.meta, meta_bytes_max},
                                       {"Node", &alive.node, name_bytes_max},
                                       {"Port", &alive.port},
                                       {"Vsn", &versions}}};
    PICKET_TRY(read_map(body, fields));
    if (alive.node.empty()) return refused(Fault::bad_name);
    alive.ip = PICKET_TRY(decode_ip(ip));
    alive.versions = PICKET_TRY(decode_versions(versions));
    return alive;
}

Decoded<User> decode_user(std::string_view body) {
    if (body.empty()) return refused(Fault::empty);
    return User{body};
}

void append_type(Type type, std::string& out) {
    out.push_back(static_cast<char>(type));
}

std::uint32_t source_fields(const Source& source) {
    return (source.ip.has_value() ? 1u : 0u) + (source.node.empty() ? 0u : 1u) +
           (source.port == 0 ? 0u : 1u);
}

void write_source(const Source& source, MapWriter& map) {
    if (source.ip.has_value()) map.bytes("SourceAddr", raw_bytes(*source.ip));
    if (!source.node.empty()) map.text("SourceNode", source.node);
    if (source.port != 0) map.number("SourcePort", source.port);
}

template <typename Accusation>
void encode_accusation(Type type, const Accusation& accusation, std::string& out) {
    append_type(type, out);
    MapWriter map(out, 3);
    map.text("From", accusation.from);
    map.number("Incarnation", accusation.incarnation);
    map.text("Node", accusation.node);
}

// A decoded message as one of several, or why there is none.
template <typename T>
Decoded<Message> widened(Decoded<T> decoded) {
    const T message = PICKET_TRY(std::move(decoded));
    return message;
}

}  // namespace

Decoded<Ping> decode_ping(std::string_view body) {
    Ping ping;
    RawSource raw;
    const std::array<Field, 5> fields{{{"Node", &ping.node, name_bytes_max},
                                       {"SeqNo", &ping.sequence},
                                       {"SourceAddr", &raw.ip},
                                       {"SourceNode", &raw.source.node, name_bytes_max},
                                       {"SourcePort", &raw.source.port}}};
    PICKET_TRY(read_map(body, fields));
    ping.source = PICKET_TRY(raw.decoded());
    return ping;
}

Decoded<Ack> decode_ack(std::string_view body) {
    Ack ack;
    const std::array<Field, 2> fields{{{"Payload", &ack.payload}, {"SeqNo", &ack.sequence}}};
    PICKET_TRY(read_map(body, fields));
    return ack;
}

Decoded<IpAddress> decode_ip(std::string_view raw) {
    if (raw.size() != 4 && raw.size() != ip_bytes_max) return refused(Fault::bad_address);
    IpAddress ip;
    ip.family = raw.size() == 4 ? IpAddress::Family::v4 : IpAddress::Family::v6;
    std::ranges::copy(raw, ip.bytes.begin());
    return ip;
}

Decoded<Versions> decode_versions(std::string_view raw) {
    if (raw.size() != versions_bytes) return refused(Fault::bad_versions);
    const auto at = [&](std::size_t index) { return static_cast<std::uint8_t>(raw[index]); };
    return Versions{at(0), at(1), at(2), at(3), at(4), at(5)};
}

std::string_view raw_bytes(const IpAddress& ip) {
    const std::size_t size = ip.family == IpAddress::Family::v4 ? 4 : ip_bytes_max;
    return {reinterpret_cast<const char*>(ip.bytes.data()), size};
}

std::array<char, 6> raw_bytes(const Versions& versions) {
    return {static_cast<char>(versions.protocol_min), static_cast<char>(versions.protocol_max),
            static_cast<char>(versions.protocol),     static_cast<char>(versions.delegate_min),
            static_cast<char>(versions.delegate_max), static_cast<char>(versions.delegate)};
}

Decoded<Message> decode(std::string_view bytes) {
    if (bytes.empty()) return refused(Fault::empty);
    const std::string_view body = bytes.substr(1);
    switch (static_cast<Type>(bytes[0])) {
        case Type::ping:
            return widened(decode_ping(body));
        case Type::indirect_ping:
            return widened(decode_indirect_ping(body));
        case Type::ack:
            return widened(decode_ack(body));
        case Type::nack:
            return widened(decode_nack(body));
        case Type::suspect:
            return widened(decode_accusation<Suspect>(body));
        case Type::alive:
            return widened(decode_alive(body));
        case Type::dead:
            return widened(decode_accusation<Dead>(body));
        case Type::user:
            return widened(decode_user(body));
        case Type::push_pull:
        case Type::compound:
        case Type::compress:
        case Type::encrypt:
        case Type::checksum:
        case Type::error:
        case Type::label:
            break;
    }
    return refused(Fault::unknown_type);
}

void encode(const Ping& ping, std::string& out) {
    append_type(Type::ping, out);
    MapWriter map(out, 2 + source_fields(ping.source));
    map.text("Node", ping.node);
    map.number("SeqNo", ping.sequence);
    write_source(ping.source, map);
}

void encode(const IndirectPing& ping, std::string& out) {
    append_type(Type::indirect_ping, out);
    MapWriter map(out, 5 + source_fields(ping.source));
    map.boolean("Nack", ping.nack);
    map.text("Node", ping.node);
    map.number("Port", ping.port);
    map.number("SeqNo", ping.sequence);
    write_source(ping.source, map);
    map.bytes("Target", raw_bytes(ping.target));
}

void encode(const Ack& ack, std::string& out) {
    append_type(Type::ack, out);
    MapWriter map(out, 2);
    map.bytes("Payload", ack.payload);
    map.number("SeqNo", ack.sequence);
}

void encode(const Nack& nack, std::string& out) {
    append_type(Type::nack, out);
    MapWriter map(out, 1);
    map.number("SeqNo", nack.sequence);
}

void encode(const Suspect& suspect, std::string& out) {
    encode_accusation(Type::suspect, suspect, out);
}

void encode(const Alive& alive, std::string& out) {
    append_type(Type::alive, out);
    const std::array<char, versions_bytes> versions = raw_bytes(alive.versions);
    MapWriter map(out, 6);
    map.bytes("Addr", raw_bytes(alive.ip));
    map.number("Incarnation", alive.incarnation);
    map.bytes("Meta", alive.meta);
    map.text("Node", alive.node);
    map.number("Port", alive.port);
    map.bytes("Vsn", {versions.data(), versions.size()});
}

void encode(const Dead& dead, std::string& out) {
    encode_accusation(Type::dead, dead, out);
}

void encode(const User& user, std::string& out) {
    PICKET_ASSERT(!user.payload.empty());
    append_type(Type::user, out);
    out.append(user.payload);
}

void encode(const Message& message, std::string& out) {
    std::visit([&](const auto& alternative) { encode(alternative, out); }, message);
}

Decoded<Compressed> decode_compressed(std::string_view bytes) {
    if (bytes.empty()) return refused(Fault::truncated);
    PICKET_ASSERT(static_cast<Type>(bytes[0]) == Type::compress);
    std::uint8_t algorithm = 0;
    Compressed compressed;
    const std::array<Field, 2> fields{{{"Algo", &algorithm}, {"Buf", &compressed.bytes}}};
    const std::size_t taken = PICKET_TRY(read_map(bytes.substr(1), fields));
    compressed.taken = 1 + taken;
    if (algorithm != 0) return refused(Fault::unknown_compression);
    return compressed;
}

void encode_compressed(std::string_view compressed, std::string& out) {
    append_type(Type::compress, out);
    MapWriter map(out, 2);
    map.number("Algo", 0);
    map.bytes("Buf", compressed);
}

}  // namespace picket::gossip::wire
