#include "agent/io/icmp_packet.h"

#include <doctest/doctest.h>

#include <array>

namespace picket::io {
namespace {

using Family = IpAddress::Family;
using Bytes = std::vector<std::uint8_t>;

TEST_CASE("an echo request has the bytes and the checksum of RFC 792") {
    const Bytes payload{0xab, 0xcd, 0xef};
    const Bytes message =
        write_echo(Family::v4, {.identifier = 0x1234, .sequence = 1, .payload = payload});
    // 0800 + 1234 + 0001 + abcd + ef00 = 1b502, folded b503, inverted 4afc.
    CHECK(message == Bytes{8, 0, 0x4a, 0xfc, 0x12, 0x34, 0, 1, 0xab, 0xcd, 0xef});
    CHECK(write_echo(Family::v6, {})[0] == 128);
}

TEST_CASE("an echo survives being written and read") {
    const Bytes payload{1, 2, 3};
    for (const Family family : {Family::v4, Family::v6}) {
        const Bytes message = write_echo(
            family, {.reply = true, .identifier = 7, .sequence = 65535, .payload = payload});
        const auto echo = parse_echo(family, message);
        REQUIRE(echo.has_value());
        CHECK(echo->reply);
        CHECK(echo->identifier == 7);
        CHECK(echo->sequence == 65535);
        CHECK(Bytes(echo->payload.begin(), echo->payload.end()) == payload);
    }
}

TEST_CASE("what is no echo, or cut short, is nothing") {
    const Bytes message = write_echo(Family::v4, {.reply = true});
    for (std::size_t size = 0; size < message.size(); ++size) {
        CHECK_FALSE(parse_echo(Family::v4, std::span(message).first(size)).has_value());
    }
    CHECK_FALSE(parse_echo(Family::v6, message).has_value());
    Bytes other = message;
    other[0] = 3;
    CHECK_FALSE(parse_echo(Family::v4, other).has_value());
    other = message;
    other[1] = 1;
    CHECK_FALSE(parse_echo(Family::v4, other).has_value());
}

TEST_CASE("an IPv4 header is skipped by its own length, if it is all there") {
    Bytes packet(28, 0);
    packet[0] = 0x45;
    CHECK(after_ipv4_header(packet).size() == 8);
    packet[0] = 0x46;
    CHECK(after_ipv4_header(packet).size() == 4);
    for (const std::uint8_t bad : std::array<std::uint8_t, 3>{0x40, 0x44, 0x4f}) {
        packet[0] = bad;
        CHECK(after_ipv4_header(packet).empty());
    }
    CHECK(after_ipv4_header({}).empty());
}

}  // namespace
}  // namespace picket::io
