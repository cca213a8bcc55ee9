#include "gossip/wire/messages.h"

#include <doctest/doctest.h>

#include "agent/base/random.h"
#include "gossip/wire/msgpack_map.h"

namespace picket::gossip::wire {
namespace {

using namespace std::string_literals;

template <typename T>
std::string encoded(const T& message) {
    std::string bytes;
    encode(message, bytes);
    return bytes;
}

// The fault of a message that must not decode.
Fault fault_of(const std::string& bytes) {
    const Decoded<Message> message = decode(bytes);
    REQUIRE_FALSE(message.has_value());
    return message.error();
}

constexpr std::string_view sequence_7 = "\xa5SeqNo\x07";

TEST_CASE("a ping leaves out what is not known of its sender") {
    CHECK(encoded(Ping{7, "n1", {}}) == "\x00\x82\xa4Node\xa2n1\xa5SeqNo\x07"s);
    const Source source{"n2", IpAddress{IpAddress::Family::v4, {127, 0, 0, 1}}, 7946};
    CHECK(encoded(Ping{7, "n1", source}) ==
          "\x00\x85\xa4Node\xa2n1\xa5SeqNo\x07\xaaSourceAddr\xa4\x7f\x00\x00\x01"
          "\xaaSourceNode\xa2n2\xaaSourcePort\xcd\x1f\x0a"s);
}

TEST_CASE("text and bytes are only ever of the raw family, empty bytes nil") {
    CHECK(encoded(Ack{1, {}}) == "\x02\x82\xa7Payload\xc0\xa5SeqNo\x01"s);
    const std::string payload(200, 'x');
    CHECK(encoded(Ack{1, payload}) ==
          "\x02\x82\xa7Payload\xda\x00\xc8"s + payload + "\xa5SeqNo\x01");
    CHECK(encoded(Suspect{1, "", ""}) ==
          "\x03\x83\xa4"s + "From\xa0\xabIncarnation\x01\xa4Node\xa0");
}

TEST_CASE("numbers of any width and sign are read if they fit") {
    for (const std::string& code :
         {"\x07"s, "\xcc\x07"s, "\xcd\x00\x07"s, "\xce\x00\x00\x00\x07"s, "\xcf\0\0\0\0\0\0\0\x07"s,
          "\xd0\x07"s, "\xd1\x00\x07"s, "\xd2\x00\x00\x00\x07"s, "\xd3\0\0\0\0\0\0\0\x07"s}) {
        const std::string bytes = "\x0b\x81\xa5SeqNo"s + code;
        CHECK(decode(bytes) == Decoded<Message>(Nack{7}));
    }
    CHECK(fault_of("\x0b\x81\xa5SeqNo\xff"s) == Fault::out_of_range);
    CHECK(fault_of("\x0b\x81\xa5SeqNo\xcf\0\0\0\1\0\0\0\0"s) == Fault::out_of_range);
    CHECK(fault_of("\x00\x82\xa5SeqNo\x01\xaaSourcePort\xce\x00\x01\x00\x00"s) ==
          Fault::out_of_range);
}

TEST_CASE("keys may come in any order, be missing, unknown, or nil") {
    CHECK(decode("\x00\x82"s + std::string(sequence_7) + "\xa4Node\xa2n1") ==
          Decoded<Message>(Ping{7, "n1", {}}));
    CHECK(decode("\x00\x81"s + std::string(sequence_7)) == Decoded<Message>(Ping{7, "", {}}));
    CHECK(decode("\x00\x82\xa4Node\xc0"s + std::string(sequence_7)) ==
          Decoded<Message>(Ping{7, "", {}}));
    CHECK(decode("\x0b\x80"s) == Decoded<Message>(Nack{0}));
    CHECK(decode("\x0b\x82\xa1X\x82\xa1y\x92\x01\xc4\x01z\x02\xca\0\0\0\0"s +
                 std::string(sequence_7)) == Decoded<Message>(Nack{7}));
    CHECK(decode("\x0b\x81\xd9\x05SeqNo\x07"s) == Decoded<Message>(Nack{7}));
    CHECK(decode("\x0b\xde\x00\x01"s + std::string(sequence_7) + "trailing") ==
          Decoded<Message>(Nack{7}));
}

TEST_CASE("a value of another kind is refused") {
    CHECK(fault_of("\x0b\x81\xa5SeqNo\xa1x"s) == Fault::wrong_kind);
    CHECK(fault_of("\x0b\x81\xa5SeqNo\xc3"s) == Fault::wrong_kind);
    CHECK(fault_of("\x0b\x81\xa5SeqNo\x90"s) == Fault::wrong_kind);
    CHECK(fault_of("\x0b\x81\xa5SeqNo\x80"s) == Fault::wrong_kind);
    CHECK(fault_of("\x00\x81\xa4Node\xc4\x01n"s) == Fault::wrong_kind);
    CHECK(fault_of("\x00\x81\xa4Node\x01"s) == Fault::wrong_kind);
    CHECK(fault_of("\x01\x81\xa4Nack\x01"s) == Fault::wrong_kind);
}

TEST_CASE("what is not a map with text for keys is refused") {
    for (const std::string& body :
         {"\xc0"s, "\x91\x07"s, "\x07"s, "\xa1x"s, "\xc1"s, "\xc3"s, "\x81\x01\x02"s,
          "\x81\xc0\x02"s, "\x81\x90\x02"s, "\x81\x80\x02"s, "\x81\xc4\x01k\x02"s}) {
        CAPTURE(body.size());
        CHECK(fault_of("\x0b"s + body) == Fault::malformed_map);
    }
    CHECK(fault_of("") == Fault::empty);
    CHECK(fault_of("\x0b"s) == Fault::truncated);
    CHECK(fault_of("\x0b\x82"s + std::string(sequence_7)) == Fault::truncated);
    for (const char type : {'\x06', '\x07', '\x09', '\x0a', '\x0c', '\x0d', '\x0e', '\xf4'}) {
        CHECK(fault_of(std::string(1, type) + "\x80") == Fault::unknown_type);
    }
}

TEST_CASE("depth and number of values are bounded, whatever a length announces") {
    CHECK(fault_of("\x0b\x81\xa1X"s + std::string(100'000, '\x91')) == Fault::too_complex);
    CHECK(fault_of("\x0b\x81\xa1X\xdd\xff\xff\xff\xff"s + std::string(1000, '\xc0')) ==
          Fault::too_complex);
    CHECK(fault_of("\x0b\xdf\xff\xff\xff\xff"s + std::string(10, '\xa0')) == Fault::truncated);
    CHECK(fault_of("\x02\x81\xa7Payload\xdb\xff\xff\xff\xff"s) == Fault::truncated);
    CHECK(fault_of("\x0b\x81\xa1X\xc9\xff\xff\xff\xff\x01"s) == Fault::truncated);
}

TEST_CASE("what could poison the mesh is refused") {
    const auto alive = [](std::string_view node, std::string_view ip, std::string_view versions,
                          std::string_view meta) {
        std::string bytes = "\x04";
        MapWriter map(bytes, 6);
        map.bytes("Addr", ip);
        map.number("Incarnation", 1);
        map.bytes("Meta", meta);
        map.text("Node", node);
        map.number("Port", 7946);
        map.bytes("Vsn", versions);
        return bytes;
    };
    CHECK(decode(alive("n", "abcd", "\1\5\2\2\5\5", std::string(512, 'm'))).has_value());
    CHECK(decode(alive(std::string(255, 'n'), "0123456789abcdef", "\1\5\2\2\5\5", "")).has_value());
    CHECK(fault_of(alive("", "abcd", "\1\5\2\2\5\5", "")) == Fault::bad_name);
    CHECK(fault_of(alive(std::string(256, 'n'), "abcd", "\1\5\2\2\5\5", "")) == Fault::too_long);
    CHECK(fault_of(alive("n", "abcd", "\1\5\2\2\5\5", std::string(513, 'm'))) == Fault::too_long);
    CHECK(fault_of(alive("n", "abc", "\1\5\2\2\5\5", "")) == Fault::bad_address);
    CHECK(fault_of(alive("n", "", "\1\5\2\2\5\5", "")) == Fault::bad_address);
    CHECK(fault_of(alive("n", "abcd", "\1\5\2\2\5", "")) == Fault::bad_versions);
    CHECK(fault_of(alive("n", "abcd", "", "")) == Fault::bad_versions);
    CHECK(fault_of(encoded(Suspect{1, "", "x"})) == Fault::bad_name);
    CHECK(fault_of(encoded(Dead{1, "", "x"})) == Fault::bad_name);
    CHECK(fault_of("\x08"s) == Fault::empty);
}

std::string random_text(Random& random, std::size_t bytes_max) {
    std::string text(random.below(bytes_max + 1), '\0');
    for (char& byte : text) byte = static_cast<char>(random.next());
    return text;
}

IpAddress random_ip(Random& random) {
    IpAddress ip;
    ip.family = random.chance(1, 2) ? IpAddress::Family::v4 : IpAddress::Family::v6;
    const std::size_t size = ip.family == IpAddress::Family::v4 ? 4 : 16;
    for (std::size_t i = 0; i < size; ++i) ip.bytes[i] = static_cast<std::uint8_t>(random.next());
    return ip;
}

TEST_CASE("any message decodes to what was encoded, and no part of it to anything else") {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        const std::string name = "n" + random_text(random, 254);
        const std::string other = random_text(random, 255);
        const std::string payload = "p" + random_text(random, 70'000);
        const std::string meta = random_text(random, 512);
        const auto number = static_cast<std::uint32_t>(random.next() >> random.below(64));
        const auto port = static_cast<std::uint16_t>(random.next());
        Source source{other, {}, port};
        if (random.chance(1, 2)) source.ip = random_ip(random);
        const Versions versions{1, 5, 2, 2, 5, static_cast<std::uint8_t>(random.next())};
        const std::array<Message, 8> messages{
            Ping{number, other, source},
            IndirectPing{number, name, random_ip(random), port, random.chance(1, 2), source},
            Ack{number, payload},
            Nack{number},
            Suspect{number, name, other},
            Alive{number, name, random_ip(random), port, meta, versions},
            Dead{number, name, other},
            User{payload}};
        for (const Message& message : messages) {
            const std::string bytes = encoded(message);
            CHECK(decode(bytes) == Decoded<Message>(message));
            if (std::holds_alternative<User>(message)) continue;
            for (std::size_t cut = 1; cut < bytes.size(); cut += 1 + bytes.size() / 50) {
                CHECK(fault_of(bytes.substr(0, cut)) == Fault::truncated);
            }
        }
    }
}

TEST_CASE("each fault has words of its own") {
    for (std::size_t i = 0; i < fault_count; ++i) {
        CHECK_FALSE(to_text(static_cast<Fault>(i)).empty());
        for (std::size_t j = 0; j < i; ++j) {
            CHECK(to_text(static_cast<Fault>(i)) != to_text(static_cast<Fault>(j)));
        }
    }
    CHECK(static_cast<std::size_t>(Fault::unknown_version) + 1 == fault_count);
}

}  // namespace
}  // namespace picket::gossip::wire
