#include "gossip/wire/packet.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "agent/base/random.h"
#include "gossip/wire/checksum.h"
#include "gossip/wire/lzw.h"

namespace picket::gossip::wire {
namespace {

using namespace std::string_literals;

std::string nack(std::uint32_t sequence) {
    std::string bytes;
    encode(Nack{sequence}, bytes);
    return bytes;
}

std::string compressed(std::string_view input) {
    std::string lzw;
    lzw_compress(input, lzw);
    std::string bytes;
    encode_compressed(lzw, bytes);
    return bytes;
}

std::string compound(const std::vector<std::string>& parts) {
    std::string bytes = "\x07";
    bytes.push_back(static_cast<char>(parts.size()));
    for (const std::string& part : parts) {
        bytes.push_back(static_cast<char>(part.size() >> 8));
        bytes.push_back(static_cast<char>(part.size() & 0xff));
    }
    for (const std::string& part : parts) bytes += part;
    return bytes;
}

KeyRing ring_of(char first) {
    KeyRing ring;
    const Result<Key> key = Key::from_bytes(std::string(16, first));
    REQUIRE(ring.add(*key, NonceSequence({1, 2, 3, 4, 5, 6, 7})).has_value());
    return ring;
}

// What a reader without keys and label makes of a datagram, as numbers of nacks.
struct Read {
    std::vector<std::uint32_t> sequences;
    std::vector<Fault> faults;
    bool operator==(const Read&) const = default;
};

Read as_values(const PacketReader::Contents& contents) {
    Read read;
    for (const Message& message : contents.messages) {
        read.sequences.push_back(std::get<Nack>(message).sequence);
    }
    read.faults.assign(contents.faults.begin(), contents.faults.end());
    return read;
}

Read read_plain(std::string_view datagram, PacketReader::Options options = {}) {
    const KeyRing none;
    PacketReader reader(std::move(options), none);
    return as_values(reader.read(datagram));
}

TEST_CASE("the checksum is zlib's") {
    CHECK(crc32("") == 0);
    CHECK(crc32("123456789") == 0xcbf43926u);
    CHECK(crc32("The quick brown fox jumps over the lazy dog") == 0x414fa339u);
}

TEST_CASE("any messages come out of a packet as they went in, whatever the layers") {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        KeyRing keys = random.chance(1, 2) ? ring_of('k') : KeyRing();
        const std::string label =
            random.chance(1, 2) ? std::string(1 + random.below(255), 'l') : "";
        PacketWriter writer({.label = label,
                             .compress = random.chance(1, 2),
                             .encryption = random.chance(1, 2) ? EncryptionVersion::plain
                                                               : EncryptionVersion::padded},
                            keys);
        PacketReader reader({.label = label}, keys);
        std::vector<std::string> messages;
        std::size_t size = 0;
        for (std::uint64_t i = 0; i <= random.below(compound_parts_max); ++i) {
            messages.push_back(nack(static_cast<std::uint32_t>(random.next())));
            size += messages.back().size() + compound_part_overhead_bytes;
        }
        const std::vector<std::string_view> views(messages.begin(), messages.end());
        const auto written =
            writer.write(views, random.chance(1, 2) ? Checksum::with : Checksum::without);
        REQUIRE(written.has_value());
        CHECK(writer.budget_bytes(written->size()) <= size);
        CHECK(writer.budget_bytes(size + 1000) + 1000 >= writer.budget_bytes(size + 2000));
        const PacketReader::Contents contents = reader.read(*written);
        CHECK(contents.faults.empty());
        REQUIRE(contents.messages.size() == messages.size());
        for (std::size_t i = 0; i < messages.size(); ++i) {
            CHECK(Decoded<Message>(contents.messages[i]) == decode(messages[i]));
        }
    }
}

TEST_CASE("a packet filled to its budget is no longer than it may be") {
    KeyRing keys = ring_of('k');
    for (const auto version : {EncryptionVersion::plain, EncryptionVersion::padded}) {
        PacketWriter writer({.label = "mesh", .compress = false, .encryption = version}, keys);
        const std::size_t budget = writer.budget_bytes(udp_packet_bytes_max);
        const std::string filler(budget / 2 - compound_part_overhead_bytes, 'u');
        const std::array<std::string_view, 2> messages{filler, filler};
        const auto written = writer.write(messages, Checksum::with);
        REQUIRE(written.has_value());
        CHECK(written->size() <= udp_packet_bytes_max);
        CHECK(written->size() >= udp_packet_bytes_max - 17);
    }
    CHECK(PacketWriter({}, keys).budget_bytes(10) == 0);
}

TEST_CASE("a packet is compressed only where that makes it smaller") {
    KeyRing none;
    PacketWriter writer({}, none);
    const std::string small = nack(7);
    const std::string large = "\x08"s + std::string(500, 'x');
    const std::array<std::string_view, 1> one{small};
    CHECK(*writer.write(one, Checksum::without) == small);
    const std::array<std::string_view, 1> other{large};
    CHECK(writer.write(other, Checksum::without)->size() < 100);
}

TEST_CASE("of a compound that ends early the whole parts count") {
    const std::string whole = compound({nack(1), nack(2), nack(3)});
    CHECK(read_plain(whole) == Read{{1, 2, 3}, {}});
    CHECK(read_plain(whole.substr(0, whole.size() - 1)) == Read{{1, 2}, {Fault::truncated}});
    CHECK(read_plain(whole.substr(0, 8)) == Read{{}, {Fault::truncated}});
    CHECK(read_plain(whole.substr(0, 7)) == Read{{}, {Fault::truncated}});
    CHECK(read_plain("\x07") == Read{{}, {Fault::empty}});
    CHECK(read_plain(whole + "more") == Read{{1, 2, 3}, {}});
}

TEST_CASE("a broken message is lost alone") {
    CHECK(read_plain(compound({nack(1), "\x0b\x81", "", "\x0e", nack(2)})) ==
          Read{{1, 2}, {Fault::truncated, Fault::empty, Fault::unknown_type}});
    CHECK(read_plain(compound({nack(1), compressed("\x0b"), nack(2)})) ==
          Read{{1, 2}, {Fault::truncated}});
    CHECK(read_plain("") == Read{{}, {Fault::empty}});
    CHECK(read_plain("\x06\x80") == Read{{}, {Fault::unknown_type}});
}

TEST_CASE("layers nest to the limit and no deeper") {
    std::string nested = nack(1);
    for (int depth = 1; depth <= 4; ++depth) {
        nested = depth % 2 == 0 ? compressed(nested) : compound({nack(9), nested});
    }
    CHECK(read_plain(nested) == Read{{9, 9, 1}, {}});
    CHECK(read_plain(compound({nested})) == Read{{9}, {Fault::nested_too_deep}});
    CHECK(read_plain(compressed(nested), {.nesting_max = 5}) == Read{{9, 9, 1}, {}});
}

TEST_CASE("messages beyond the limit are left, and noted once") {
    const std::string hundred = compound(std::vector<std::string>(100, nack(1)));
    const Read read = read_plain(compound({hundred, hundred, hundred}), {.messages_max = 150});
    CHECK(read.sequences.size() == 150);
    CHECK(read.faults == std::vector<Fault>{Fault::too_many_messages});
}

TEST_CASE("what a packet decompresses to is bounded in sum") {
    const std::string large = compressed("\x08"s + std::string(999, 'x'));
    const KeyRing none;
    PacketReader reader({.inflated_bytes_max = 2500}, none);
    const PacketReader::Contents contents =
        reader.read(compound({large, large, large, compressed(nack(1)), nack(2)}));
    CHECK(contents.messages.size() == 3);
    CHECK(std::ranges::count(contents.faults, Fault::inflated_too_large) == 2);
}

TEST_CASE("a checksum must match where there is one") {
    KeyRing none;
    PacketWriter writer({.compress = false}, none);
    const std::string message = nack(7);
    const std::array<std::string_view, 1> messages{message};
    const std::string packet(*writer.write(messages, Checksum::with));
    CHECK(packet.size() == message.size() + checksum_bytes);
    CHECK(read_plain(packet) == Read{{7}, {}});
    for (std::size_t bit = 8; bit < packet.size() * 8; ++bit) {
        std::string flipped = packet;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
        CHECK(read_plain(flipped) == Read{{}, {Fault::bad_checksum}});
    }
    CHECK(read_plain(packet.substr(0, 4)) == Read{{}, {Fault::unknown_type}});
    CHECK(read_plain(packet.substr(0, 5)) == Read{{}, {Fault::bad_checksum}});
    CHECK(read_plain(compound({packet})) == Read{{}, {Fault::unknown_type}});
}

TEST_CASE("meshes of different labels and keys do not hear each other") {
    KeyRing none;
    KeyRing keys = ring_of('k');
    KeyRing others = ring_of('o');
    const std::string message = nack(7);
    const std::array<std::string_view, 1> messages{message};
    const auto heard = [&](const std::string& label, KeyRing& sealing, const std::string& expected,
                           KeyRing& opening) {
        PacketWriter writer({.label = label}, sealing);
        PacketReader reader({.label = expected}, opening);
        return as_values(reader.read(*writer.write(messages, Checksum::without)));
    };
    CHECK(heard("a", none, "a", none) == Read{{7}, {}});
    CHECK(heard("a", none, "b", none) == Read{{}, {Fault::wrong_label}});
    CHECK(heard("a", none, "", none) == Read{{}, {Fault::wrong_label}});
    CHECK(heard("", none, "b", none) == Read{{}, {Fault::wrong_label}});
    CHECK(heard("a", keys, "a", keys) == Read{{7}, {}});
    CHECK(heard("a", keys, "a", others) == Read{{}, {Fault::not_authentic}});
    CHECK(heard("a", none, "a", keys) == Read{{}, {Fault::unknown_encryption}});
    CHECK(heard("", keys, "", none).faults.size() == 1);
    CHECK(read_plain("\xf4") == Read{{}, {Fault::truncated}});
    CHECK(read_plain("\xf4\x02x") == Read{{}, {Fault::truncated}});
    CHECK(read_plain("\xf4\0rest"s) == Read{{}, {Fault::wrong_label}});
}

TEST_CASE("a packet is not written once the key may seal no more") {
    KeyRing ring;
    const Result<Key> key = Key::from_bytes(std::string(16, 'k'));
    REQUIRE(ring.add(*key, NonceSequence({}, NonceSequence::count_max)).has_value());
    PacketWriter writer({}, ring);
    const std::string message = nack(7);
    const std::array<std::string_view, 1> messages{message};
    CHECK(writer.write(messages, Checksum::without).error().code() == Code::exhausted);
}

}  // namespace
}  // namespace picket::gossip::wire
