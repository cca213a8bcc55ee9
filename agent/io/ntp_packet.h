// NTP packets (RFC 5905): one client's request, and what a server answers.
//
// Pure functions over untrusted bytes. The request carries a random number where
// its time would stand, as it tells a server nothing it needs to know (RFC 8915's
// data minimisation); a reply must repeat it, which proves that it answers this
// request and that its sender has seen it.

#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace picket::io {

constexpr std::size_t ntp_packet_bytes = 48;

enum class LeapIndicator : std::uint8_t { none, last_minute_61, last_minute_59, unsynchronised };

// Seconds since 1900 in the high 32 bits, of the era that is near: differences of
// two are right as signed numbers where they are below 68 years.
enum class NtpTime : std::uint64_t {};

NtpTime to_ntp_time(WallTime time);
// `a` - `b`.
Duration operator-(NtpTime a, NtpTime b);

struct NtpReply {
    LeapIndicator leap = LeapIndicator::unsynchronised;
    std::uint8_t stratum = 0;  // 1 to 15; 0, with a kiss, a refusal; else not synchronised.
    std::string kiss;          // What a kiss of death says: "RATE", "DENY".
    Duration root_delay{0};
    Duration root_dispersion{0};
    NtpTime received{};  // By the server, as its clock says.
    NtpTime sent{};
};

std::array<std::uint8_t, ntp_packet_bytes> write_ntp_request(std::uint64_t nonce);

// Reads a reply to the request with this nonce. Returns not_found for a packet that
// answers another request, corrupt for what is no server's packet.
Result<NtpReply> parse_ntp_reply(std::span<const std::uint8_t> packet, std::uint64_t nonce);

}  // namespace picket::io
