#include "agent/io/ntp_packet.h"

#include <doctest/doctest.h>

#include <vector>

namespace picket::io {
namespace {

using namespace std::chrono_literals;
using Bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t nonce = 0x0102030405060708;
constexpr WallTime moment{std::chrono::seconds(1'790'000'000) + 250ms};

void put(Bytes& packet, std::size_t at, std::uint64_t number, std::size_t bytes = 8) {
    for (std::size_t i = 0; i < bytes; ++i) {
        packet[at + i] = static_cast<std::uint8_t>(number >> 8 * (bytes - 1 - i));
    }
}

// What a server of stratum 2 answers at `moment`.
Bytes reply() {
    Bytes packet(ntp_packet_bytes);
    packet[0] = 0 << 6 | 4 << 3 | 4;
    packet[1] = 2;
    put(packet, 4, 0x00008000, 4);  // Half a second.
    put(packet, 8, 0x00004000, 4);
    put(packet, 24, nonce);
    put(packet, 32, static_cast<std::uint64_t>(to_ntp_time(moment)));
    put(packet, 40, static_cast<std::uint64_t>(to_ntp_time(moment + 2ms)));
    return packet;
}

std::string problem(const Bytes& packet) {
    const auto parsed = parse_ntp_reply(packet, nonce);
    return parsed.has_value() ? "" : parsed.error().message();
}

TEST_CASE("a request says which version it speaks, a random number, and nothing else") {
    const auto request = write_ntp_request(nonce);
    CHECK(request[0] == 0x23);
    for (std::size_t i = 1; i < 40; ++i) CHECK(request[i] == 0);
    for (std::size_t i = 0; i < 8; ++i) CHECK(request[40 + i] == i + 1);
}

TEST_CASE("a reply tells its times, stratum and uncertainty") {
    const auto parsed = parse_ntp_reply(reply(), nonce);
    REQUIRE(parsed.has_value());
    CHECK(parsed->leap == LeapIndicator::none);
    CHECK(parsed->stratum == 2);
    CHECK(parsed->root_delay == 500ms);
    CHECK(parsed->root_dispersion == 250ms);
    CHECK(std::chrono::abs((parsed->sent - parsed->received) - 2ms) <= 1us);
    CHECK(std::chrono::abs(parsed->received - to_ntp_time(moment)) <= 1us);
}

TEST_CASE("what is no reply of a server is refused and says why") {
    Bytes packet = reply();
    packet.pop_back();
    CHECK(problem(packet) == "47 bytes are no NTP packet");
    packet = reply();
    packet[0] = 4 << 3 | 3;
    CHECK(problem(packet) == "an NTP packet of mode 3, not a server's");
    packet[0] = 2 << 3 | 4;
    CHECK(problem(packet) == "NTP version 2");
    packet = reply();
    put(packet, 40, 0);
    CHECK(problem(packet) == "an NTP packet without a time");
}

TEST_CASE("a reply to another request is told apart from a wrong one") {
    Bytes packet = reply();
    packet[31] ^= 1;
    const auto parsed = parse_ntp_reply(packet, nonce);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code() == Code::not_found);
}

TEST_CASE("a server that is not synchronised need not tell a time") {
    Bytes packet = reply();
    packet[0] |= 3 << 6;
    packet[1] = 16;
    put(packet, 32, 0);
    const auto parsed = parse_ntp_reply(packet, nonce);
    REQUIRE(parsed.has_value());
    CHECK(parsed->leap == LeapIndicator::unsynchronised);
    CHECK(parsed->stratum == 16);
}

TEST_CASE("a kiss of death says its code, as far as it is letters") {
    Bytes packet = reply();
    packet[1] = 0;
    put(packet, 12, 0x52415445, 4);
    CHECK(parse_ntp_reply(packet, nonce)->kiss == "RATE");
    put(packet, 12, 0x1b5b4100, 4);
    CHECK(parse_ntp_reply(packet, nonce)->kiss == "??A");
}

TEST_CASE("times are reckoned across the end of an era") {
    // 2036-02-07T06:28:16Z is second 0 of era 1.
    constexpr WallTime era{std::chrono::seconds(2'085'978'496)};
    CHECK(to_ntp_time(era) == NtpTime{0});
    CHECK(to_ntp_time(era + 1s) - to_ntp_time(era - 1s) == 2s);
    CHECK(to_ntp_time(era - 1s) - to_ntp_time(era + 1s) == -2s);
}

}  // namespace
}  // namespace picket::io
