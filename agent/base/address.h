// Addresses as values: what a name resolves to, where a packet goes.

#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace picket {

// An IPv4 or IPv6 address. IPv4 uses the first four bytes; the rest is zero.
struct IpAddress {
    enum class Family : std::uint8_t { v4, v6 };

    Family family = Family::v4;
    std::array<std::uint8_t, 16> bytes{};

    bool loopback() const;
    auto operator<=>(const IpAddress&) const = default;
};

struct SocketAddress {
    IpAddress ip;
    std::uint16_t port = 0;

    auto operator<=>(const SocketAddress&) const = default;
};

// A host as a person wrote it, not yet resolved, and its port.
struct HostPort {
    std::string host;
    std::uint16_t port = 0;
};

// Dotted quad, or RFC 4291 text without a zone. Names are refused.
Result<IpAddress> parse_ip(std::string_view text);
std::string to_text(const IpAddress& ip);           // "192.0.2.1", "2001:db8::1"
std::string to_text(const SocketAddress& address);  // "192.0.2.1:53", "[2001:db8::1]:53"

// "HOST:PORT", "[V6]:PORT". With a `default_port` other than 0 the port, and then
// the brackets too, may be absent: "ns1", "2001:db8::1".
Result<HostPort> parse_host_port(std::string_view text, std::uint16_t default_port = 0);

}  // namespace picket
