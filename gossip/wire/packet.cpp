#include "gossip/wire/packet.h"

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"
#include "gossip/wire/checksum.h"
#include "gossip/wire/lzw.h"

namespace picket::gossip::wire {
namespace {

void append_type(Type type, std::string& out) {
    out.push_back(static_cast<char>(type));
}

void append_u16(std::size_t value, std::string& out) {
    out.push_back(static_cast<char>(value >> 8 & 0xff));
    out.push_back(static_cast<char>(value & 0xff));
}

// Requires at least two bytes.
std::size_t u16_at(std::string_view bytes, std::size_t index) {
    return static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[index])) << 8 |
           static_cast<std::uint8_t>(bytes[index + 1]);
}

std::size_t label_overhead_bytes(std::string_view label) {
    return label.empty() ? 0 : 2 + label.size();
}

// The checksum is optional, so a packet without one passes. Anything that begins as
// one and is too short is left to the dispatch, where its type is unknown.
Decoded<std::string_view> verify_checksum(std::string_view packet) {
    if (packet.size() < checksum_bytes || static_cast<Type>(packet[0]) != Type::checksum) {
        return packet;
    }
    const std::uint32_t expected =
        static_cast<std::uint32_t>(u16_at(packet, 1) << 16 | u16_at(packet, 3));
    packet.remove_prefix(checksum_bytes);
    if (crc32(packet) != expected) return refused(Fault::bad_checksum);
    return packet;
}

}  // namespace

Decoded<void> strip_label(std::string_view expected, std::string_view& bytes) {
    if (bytes.empty()) return refused(Fault::empty);
    if (static_cast<Type>(bytes[0]) != Type::label) {
        if (!expected.empty()) return refused(Fault::wrong_label);
        return {};
    }
    if (bytes.size() < 2) return refused(Fault::truncated);
    const std::size_t size = static_cast<std::uint8_t>(bytes[1]);
    if (size == 0) return refused(Fault::wrong_label);
    if (bytes.size() < 2 + size) return refused(Fault::truncated);
    if (bytes.substr(2, size) != expected) return refused(Fault::wrong_label);
    bytes.remove_prefix(2 + size);
    return {};
}

void append_label(std::string_view label, std::string& out) {
    if (label.empty()) return;
    PICKET_ASSERT(label.size() <= label_bytes_max);
    append_type(Type::label, out);
    out.push_back(static_cast<char>(label.size()));
    out.append(label);
}

PacketWriter::PacketWriter(Options options, KeyRing& keys)
    : options_(std::move(options)), keys_(keys) {
    PICKET_ASSERT(options_.label.size() <= label_bytes_max);
}

std::size_t PacketWriter::budget_bytes(std::size_t packet_bytes) const {
    const std::size_t overhead = label_overhead_bytes(options_.label) + compound_header_bytes +
                                 checksum_bytes +
                                 (keys_.empty() ? 0 : sealed_overhead_bytes(options_.encryption));
    return packet_bytes > overhead ? packet_bytes - overhead : 0;
}

Result<std::string_view> PacketWriter::write(std::span<const std::string_view> messages,
                                             Checksum checksum) {
    lay_out(messages);
    if (options_.compress) compress_if_smaller();
    if (checksum == Checksum::with) {
        const std::uint32_t crc = crc32(plain_);
        scratch_.clear();
        append_type(Type::checksum, scratch_);
        append_u16(crc >> 16, scratch_);
        append_u16(crc & 0xffff, scratch_);
        plain_.insert(0, scratch_);
    }
    if (keys_.empty() && options_.label.empty()) return std::string_view(plain_);
    sealed_.clear();
    append_label(options_.label, sealed_);
    if (keys_.empty()) {
        sealed_.append(plain_);
    } else {
        PICKET_TRY(keys_.seal(options_.encryption, options_.label, plain_, sealed_));
    }
    return std::string_view(sealed_);
}

void PacketWriter::lay_out(std::span<const std::string_view> messages) {
    PICKET_ASSERT(!messages.empty());
    PICKET_ASSERT(messages.size() <= compound_parts_max);
    plain_.clear();
    if (messages.size() > 1) {
        append_type(Type::compound, plain_);
        plain_.push_back(static_cast<char>(messages.size()));
        for (const std::string_view message : messages) {
            PICKET_ASSERT(message.size() <= compound_part_bytes_max);
            append_u16(message.size(), plain_);
        }
    }
    for (const std::string_view message : messages) {
        PICKET_ASSERT(!message.empty());
        plain_.append(message);
    }
}

void PacketWriter::compress_if_smaller() {
    sealed_.clear();
    lzw_compress(plain_, sealed_);
    scratch_.clear();
    encode_compressed(sealed_, scratch_);
    if (scratch_.size() < plain_.size()) plain_.swap(scratch_);
}

PacketReader::PacketReader(Options options, const KeyRing& keys)
    : options_(std::move(options)), keys_(keys) {
    PICKET_ASSERT(options_.label.size() <= label_bytes_max);
}

PacketReader::Contents PacketReader::read(std::string_view datagram) {
    messages_.clear();
    faults_.clear();
    layers_used_ = 0;
    inflated_bytes_ = 0;
    // The peers compress once. Buffers for more would add up over many hostile packets.
    if (layers_.size() > 1) layers_.resize(1);
    const Decoded<std::string_view> packet = open(datagram);
    if (packet.has_value()) {
        read_layer(*packet, 0);
    } else {
        faults_.push_back(packet.error());
    }
    return {messages_, faults_};
}

Decoded<std::string_view> PacketReader::open(std::string_view datagram) {
    PICKET_TRY(strip_label(options_.label, datagram));
    if (!keys_.empty()) {
        PICKET_TRY(keys_.open(options_.label, datagram, plain_));
        datagram = plain_;
    }
    return verify_checksum(datagram);
}

void PacketReader::read_layer(std::string_view bytes, std::size_t depth) {
    const auto type = bytes.empty() ? Type::user : static_cast<Type>(bytes[0]);
    if (type == Type::compound || type == Type::compress) {
        if (depth == options_.nesting_max) return faults_.push_back(Fault::nested_too_deep);
        if (type == Type::compound) return read_compound(bytes.substr(1), depth + 1);
        return read_compressed(bytes, depth + 1);
    }
    const Decoded<Message> message = decode(bytes);
    if (message.has_value()) {
        messages_.push_back(*message);
    } else {
        faults_.push_back(message.error());
    }
}

void PacketReader::read_compound(std::string_view body, std::size_t depth) {
    const std::size_t parts = body.empty() ? 0 : static_cast<std::uint8_t>(body[0]);
    if (parts == 0) return faults_.push_back(Fault::empty);
    const std::size_t table_end = 1 + 2 * parts;
    if (body.size() < table_end) return faults_.push_back(Fault::truncated);
    std::string_view rest = body.substr(table_end);
    for (std::size_t part = 0; part < parts; ++part) {
        const std::size_t size = u16_at(body, 1 + 2 * part);
        // The parts before it are whole; this one and the rest count as one fault.
        if (size > rest.size()) return faults_.push_back(Fault::truncated);
        if (full()) return;
        read_layer(rest.substr(0, size), depth);
        rest.remove_prefix(size);
    }
}

void PacketReader::read_compressed(std::string_view bytes, std::size_t depth) {
    const Decoded<Compressed> compressed = decode_compressed(bytes);
    if (!compressed.has_value()) return faults_.push_back(compressed.error());
    if (layers_used_ == layers_.size()) layers_.emplace_back();
    std::string& layer = layers_[layers_used_];
    const Decoded<void> inflated =
        lzw_decompress(compressed->bytes, options_.inflated_bytes_max - inflated_bytes_, layer);
    if (!inflated.has_value()) {
        // What a broken stream cost is not known: the packet gets no second one.
        inflated_bytes_ = options_.inflated_bytes_max;
        return faults_.push_back(inflated.error());
    }
    ++layers_used_;
    inflated_bytes_ += layer.size();
    read_layer(layer, depth);
}

// Says whether the limit is reached, and notes it once for the packet.
bool PacketReader::full() {
    if (messages_.size() + faults_.size() < options_.messages_max) return false;
    if (faults_.empty() || faults_.back() != Fault::too_many_messages) {
        faults_.push_back(Fault::too_many_messages);
    }
    return true;
}

}  // namespace picket::gossip::wire
