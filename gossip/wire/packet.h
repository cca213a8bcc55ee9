// Packets: how messages are laid into one datagram, and taken out again.
//
// From the inside: one message as it is, or up to 255 as a compound; compressed,
// if that makes it smaller; a checksum, for those who know it; encrypted, if there
// are keys; the label of the mesh in clear before it all (memberlist.md, 4 and 5).
//
// Reading trusts nothing. With keys, no parser sees a byte that is not authentic.
// A message that is broken is lost alone: the others of its packet still count,
// as with the peers. Both ends only ever keep their buffers from one call to the
// next, so what was read never changes what is read later.

#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "gossip/wire/fault.h"
#include "gossip/wire/messages.h"
#include "gossip/wire/seal.h"

namespace picket::gossip::wire {

// What the peers stay below, so that a packet passes networks unfragmented.
constexpr std::size_t udp_packet_bytes_max = 1400;

constexpr std::size_t label_bytes_max = 255;
constexpr std::size_t compound_parts_max = 255;
constexpr std::size_t compound_part_bytes_max = 65535;
constexpr std::size_t compound_header_bytes = 2;
// What one more message costs beside its own bytes.
constexpr std::size_t compound_part_overhead_bytes = 2;
constexpr std::size_t checksum_bytes = 5;

// Whether the receiver is known to understand a checksum: protocol_max is 5 or more.
enum class Checksum : std::uint8_t { without, with };

// Lays messages out as datagrams.
class PacketWriter {
public:
    struct Options {
        std::string label{};  // At most label_bytes_max; empty for none.
        bool compress = true;
        EncryptionVersion encryption = EncryptionVersion::plain;
    };

    // `keys` must outlive the writer.
    PacketWriter(Options options, KeyRing& keys);

    // The bytes for messages in a packet of `packet_bytes` at most, each of which
    // costs its size and compound_part_overhead_bytes. A checksum is allowed for.
    std::size_t budget_bytes(std::size_t packet_bytes) const;

    // Builds one datagram; the view is good until the next call. Messages are
    // encoded, from their type byte on. Requires 1 to compound_parts_max of them, none empty or
    // longer than compound_part_bytes_max. Fails only when the nonces of the key are used up.
    Result<std::string_view> write(std::span<const std::string_view> messages, Checksum checksum);

private:
    void lay_out(std::span<const std::string_view> messages);
    void compress_if_smaller();

    Options options_;
    KeyRing& keys_;
    std::string plain_;
    std::string scratch_;
    std::string sealed_;
};

// Takes messages out of datagrams.
class PacketReader {
public:
    struct Options {
        std::string label{};
        // Compounds and compressions inside each other; the peers nest two.
        std::size_t nesting_max = 4;
        // Messages and broken ones together; what follows is too_many_messages.
        std::size_t messages_max = 1024;
        // All that one packet decompresses to; a peer's whole packet has at most 64 KiB.
        std::size_t inflated_bytes_max = std::size_t{256} * 1024;
    };

    // What a datagram held. It points into the datagram and the reader: good until
    // the next call, or until the datagram goes. One fault stands for one message, or
    // for a whole packet that could not be opened.
    struct Contents {
        std::span<const Message> messages;
        std::span<const Fault> faults;
    };

    // `keys` must outlive the reader.
    PacketReader(Options options, const KeyRing& keys);

    Contents read(std::string_view datagram);

private:
    Decoded<std::string_view> open(std::string_view datagram);
    void read_layer(std::string_view bytes, std::size_t depth);
    void read_compound(std::string_view body, std::size_t depth);
    void read_compressed(std::string_view bytes, std::size_t depth);
    bool full();

    Options options_;
    const KeyRing& keys_;
    std::vector<Message> messages_;
    std::vector<Fault> faults_;
    std::string plain_;
    // Decompressed layers: messages point into them. A deque, because its elements stay
    // where they are.
    std::deque<std::string> layers_;
    std::size_t layers_used_ = 0;
    std::size_t inflated_bytes_ = 0;
};

// The label before a packet or a stream. Removes it from `bytes`, and refuses any
// other label than `expected`, which is empty for none.
Decoded<void> strip_label(std::string_view expected, std::string_view& bytes);
void append_label(std::string_view label, std::string& out);

}  // namespace picket::gossip::wire
