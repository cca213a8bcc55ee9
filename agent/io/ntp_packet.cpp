#include "agent/io/ntp_packet.h"

#include <fmt/format.h>

#include <chrono>

namespace picket::io {
namespace {

constexpr std::uint8_t version = 4;
constexpr std::uint8_t version_min = 3;  // What old servers answer with.
constexpr std::uint8_t mode_client = 3;
constexpr std::uint8_t mode_server = 4;
// From 1900 to 1970.
constexpr std::int64_t epoch_seconds = 2'208'988'800;

// Requires that the bytes are there.
std::uint64_t read_number(std::span<const std::uint8_t> packet, std::size_t at, std::size_t bytes) {
    std::uint64_t number = 0;
    for (const std::uint8_t byte : packet.subspan(at, bytes)) number = number << 8 | byte;
    return number;
}

// 16 bits of seconds, 16 of their fraction.
Duration short_format(std::uint64_t number) {
    return Duration(static_cast<Duration::rep>(number * 1'000'000 >> 16U));
}

// The letters of a kiss code (RFC 5905 §7.4).
std::string letters(std::span<const std::uint8_t> code) {
    std::string text;
    for (const std::uint8_t byte : code) {
        if (byte == 0) break;
        text += byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte) : '?';
    }
    return text;
}

}  // namespace

NtpTime to_ntp_time(WallTime time) {
    const auto since = time.time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
    const auto fraction = static_cast<std::uint64_t>((since - seconds).count());
    const auto whole = static_cast<std::uint64_t>(seconds.count() + epoch_seconds);
    return NtpTime{whole << 32U | ((fraction << 32U) / 1'000'000)};
}

Duration operator-(NtpTime a, NtpTime b) {
    const auto difference =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
    const std::int64_t seconds = difference >> 32U;
    const auto fraction = static_cast<std::int64_t>(difference & 0xffffffff);
    return std::chrono::seconds(seconds) + Duration(fraction * 1'000'000 >> 32U);
}

std::array<std::uint8_t, ntp_packet_bytes> write_ntp_request(std::uint64_t nonce) {
    std::array<std::uint8_t, ntp_packet_bytes> packet{};
    packet[0] = version << 3 | mode_client;
    for (std::size_t i = 0; i < 8; ++i) {
        packet[40 + i] = static_cast<std::uint8_t>(nonce >> (56 - 8 * i));
    }
    return packet;
}

Result<NtpReply> parse_ntp_reply(std::span<const std::uint8_t> packet, std::uint64_t nonce) {
    if (packet.size() < ntp_packet_bytes) {
        return failure(Code::corrupt, fmt::format("{} bytes are no NTP packet", packet.size()));
    }
    const unsigned answered_version = packet[0] >> 3U & 7U;
    const unsigned mode = packet[0] & 7U;
    if (mode != mode_server) {
        return failure(Code::corrupt,
                       fmt::format("an NTP packet of mode {}, not a server's", mode));
    }
    if (answered_version < version_min || answered_version > version) {
        return failure(Code::corrupt, fmt::format("NTP version {}", answered_version));
    }
    if (read_number(packet, 24, 8) != nonce) {
        return failure(Code::not_found, "answers another request");
    }
    NtpReply reply;
    reply.leap = static_cast<LeapIndicator>(packet[0] >> 6U);
    reply.stratum = packet[1];
    if (reply.stratum == 0) {
        reply.kiss = letters(packet.subspan(12, 4));
        return reply;
    }
    reply.root_delay = short_format(read_number(packet, 4, 4));
    reply.root_dispersion = short_format(read_number(packet, 8, 4));
    reply.received = NtpTime{read_number(packet, 32, 8)};
    reply.sent = NtpTime{read_number(packet, 40, 8)};
    const bool timed = reply.received != NtpTime{} && reply.sent != NtpTime{};
    if (!timed && reply.leap != LeapIndicator::unsynchronised) {
        return failure(Code::corrupt, "an NTP packet without a time");
    }
    return reply;
}

}  // namespace picket::io
