#include "agent/io/icmp_packet.h"

#include <cstddef>

namespace picket::io {
namespace {

constexpr std::size_t header_bytes = 8;
constexpr std::size_t ipv4_header_bytes_min = 20;

struct EchoTypes {
    std::uint8_t request;
    std::uint8_t reply;
};

constexpr EchoTypes types_of(IpAddress::Family family) {
    return family == IpAddress::Family::v4 ? EchoTypes{8, 0} : EchoTypes{128, 129};
}

std::uint16_t read_u16(std::span<const std::uint8_t> bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

void write_u16(std::span<std::uint8_t> bytes, std::size_t at, std::uint16_t value) {
    bytes[at] = static_cast<std::uint8_t>(value >> 8);
    bytes[at + 1] = static_cast<std::uint8_t>(value);
}

// RFC 1071.
std::uint16_t checksum(std::span<const std::uint8_t> bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        sum += static_cast<std::uint32_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
    }
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

}  // namespace

std::vector<std::uint8_t> write_echo(IpAddress::Family family, const Echo& echo) {
    std::vector<std::uint8_t> message(header_bytes);
    message[0] = echo.reply ? types_of(family).reply : types_of(family).request;
    write_u16(message, 4, echo.identifier);
    write_u16(message, 6, echo.sequence);
    message.insert(message.end(), echo.payload.begin(), echo.payload.end());
    write_u16(message, 2, checksum(message));
    return message;
}

std::optional<Echo> parse_echo(IpAddress::Family family, std::span<const std::uint8_t> message) {
    if (message.size() < header_bytes || message[1] != 0) return std::nullopt;
    const EchoTypes types = types_of(family);
    if (message[0] != types.request && message[0] != types.reply) return std::nullopt;
    return Echo{message[0] == types.reply, read_u16(message, 4), read_u16(message, 6),
                message.subspan(header_bytes)};
}

std::span<const std::uint8_t> after_ipv4_header(std::span<const std::uint8_t> packet) {
    if (packet.empty()) return {};
    const std::size_t length = std::size_t{packet[0] & 0xfu} * 4;
    if (length < ipv4_header_bytes_min || length > packet.size()) return {};
    return packet.subspan(length);
}

}  // namespace picket::io
