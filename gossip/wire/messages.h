// Messages: what agents say to each other, as values.
//
// One message is a type byte and one map (memberlist.md, sections 2, 3 and 6); a
// user message is a type byte and opaque bytes. Texts and bytes in a decoded
// message are views into the bytes it was decoded from.
//
// Decoding checks everything that can be checked without knowing the mesh: a
// message comes out whole and within the limits below, or as a Fault. Encoding
// gives exactly what memberlist would: what a peer sent, decoded and encoded
// again, is the same bytes.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "agent/base/address.h"
#include "gossip/wire/fault.h"

namespace picket::gossip::wire {

constexpr std::size_t name_bytes_max = 255;  // A member's name; a host name has 253 at most.
constexpr std::size_t meta_bytes_max = 512;  // memberlist's limit on both sides.

// The first byte of every message, packet layer and stream.
enum class Type : std::uint8_t {
    ping = 0,
    indirect_ping = 1,
    ack = 2,
    suspect = 3,
    alive = 4,
    dead = 5,
    push_pull = 6,
    compound = 7,
    user = 8,
    compress = 9,
    encrypt = 10,  // Streams only: an encrypted packet has no type byte.
    nack = 11,
    checksum = 12,
    error = 13,
    label = 244,
};

// What a member can speak: memberlist's own protocol, and that of the application
// above it. Whether the ranges make sense together is for the membership to judge.
struct Versions {
    std::uint8_t protocol_min = 1;
    std::uint8_t protocol_max = 5;
    std::uint8_t protocol = 2;
    std::uint8_t delegate_min = 0;
    std::uint8_t delegate_max = 0;
    std::uint8_t delegate = 0;

    bool operator==(const Versions&) const = default;
};

// Who asks, so that the answer finds the way back. Old peers leave all of it out.
struct Source {
    std::string_view node;
    std::optional<IpAddress> ip;
    std::uint16_t port = 0;

    bool operator==(const Source&) const = default;
};

struct Ping {
    std::uint32_t sequence = 0;
    std::string_view node;  // Who is meant; empty for whoever listens.
    Source source;

    bool operator==(const Ping&) const = default;
};

struct IndirectPing {
    std::uint32_t sequence = 0;
    std::string_view node;  // Whom to ping, and where.
    IpAddress target;
    std::uint16_t port = 0;  // 0: the receiver's own port.
    bool nack = false;       // Say so when the target does not answer.
    Source source;

    bool operator==(const IndirectPing&) const = default;
};

struct Ack {
    std::uint32_t sequence = 0;
    std::string_view payload;  // The application's; Serf's is a coordinate.

    bool operator==(const Ack&) const = default;
};

struct Nack {
    std::uint32_t sequence = 0;

    bool operator==(const Nack&) const = default;
};

struct Suspect {
    std::uint32_t incarnation = 0;
    std::string_view node;  // Never empty.
    std::string_view from;

    bool operator==(const Suspect&) const = default;
};

struct Alive {
    std::uint32_t incarnation = 0;
    std::string_view node;  // Never empty.
    IpAddress ip;
    std::uint16_t port = 0;  // 0: the receiver's own port.
    std::string_view meta;
    Versions versions;

    bool operator==(const Alive&) const = default;
};

// From itself: it leaves of its own will.
struct Dead {
    std::uint32_t incarnation = 0;
    std::string_view node;  // Never empty.
    std::string_view from;

    bool operator==(const Dead&) const = default;
};

// The application's own bytes, never empty.
struct User {
    std::string_view payload;

    bool operator==(const User&) const = default;
};

// What a packet can carry.
using Message = std::variant<Ping, IndirectPing, Ack, Nack, Suspect, Alive, Dead, User>;

// Decodes one message of a packet, which begins with its type byte. Bytes after
// its map are ignored, as the peers do.
Decoded<Message> decode(std::string_view bytes);

// Appends the message, type byte first, to `out`.
void encode(const Ping& ping, std::string& out);
void encode(const IndirectPing& ping, std::string& out);
void encode(const Ack& ack, std::string& out);
void encode(const Nack& nack, std::string& out);
void encode(const Suspect& suspect, std::string& out);
void encode(const Alive& alive, std::string& out);
void encode(const Dead& dead, std::string& out);
void encode(const User& user, std::string& out);  // As in a packet: no header.
void encode(const Message& message, std::string& out);

// What the other files of the wire share: the bodies of messages that streams
// carry too, without their type byte; addresses and versions as they travel; and
// the map around LZW's output.
Decoded<Ping> decode_ping(std::string_view body);
Decoded<Ack> decode_ack(std::string_view body);
Decoded<IpAddress> decode_ip(std::string_view raw);
Decoded<Versions> decode_versions(std::string_view raw);
std::string_view raw_bytes(const IpAddress& ip);
std::array<char, 6> raw_bytes(const Versions& versions);

struct Compressed {
    std::string_view bytes;
    std::size_t taken = 0;  // Of the bytes given to decode_compressed.
};
Decoded<Compressed> decode_compressed(std::string_view bytes);
void encode_compressed(std::string_view compressed, std::string& out);

}  // namespace picket::gossip::wire
