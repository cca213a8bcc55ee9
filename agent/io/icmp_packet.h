// Echo requests and replies as bytes (RFC 792, RFC 4443). Pure.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "agent/base/address.h"

namespace picket::io {

struct Echo {
    bool reply = false;
    std::uint16_t identifier = 0;
    std::uint16_t sequence = 0;
    std::span<const std::uint8_t> payload{};
};

// A whole ICMP message. The checksum is IPv4's; the kernel replaces that of IPv6.
std::vector<std::uint8_t> write_echo(IpAddress::Family family, const Echo& echo);

// Nothing for any other message, and for one that is cut short. The payload lies
// within `message`.
std::optional<Echo> parse_echo(IpAddress::Family family, std::span<const std::uint8_t> message);

// What follows the IPv4 header that a raw socket delivers; empty where it is cut
// short.
std::span<const std::uint8_t> after_ipv4_header(std::span<const std::uint8_t> packet);

}  // namespace picket::io
