#include "agent/base/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace picket {
namespace {

Result<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size() || port == 0) {
        return failure(Code::invalid, fmt::format("'{}' is not a port from 1 to 65535", text));
    }
    return port;
}

}  // namespace

bool IpAddress::loopback() const {
    if (family == Family::v4) return bytes[0] == 127;
    constexpr std::array<std::uint8_t, 16> one{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return bytes == one;
}

Result<IpAddress> parse_ip(std::string_view text) {
    IpAddress ip;
    const std::string terminated(text);
    if (inet_pton(AF_INET, terminated.c_str(), ip.bytes.data()) == 1) return ip;
    ip.family = IpAddress::Family::v6;
    if (inet_pton(AF_INET6, terminated.c_str(), ip.bytes.data()) == 1) return ip;
    return failure(Code::invalid, fmt::format("'{}' is not an IP address", text));
}

std::string to_text(const IpAddress& ip) {
    if (ip.family == IpAddress::Family::v4) {
        std::string text;
        for (std::size_t i = 0; i < 4; ++i) {
            if (i > 0) text += '.';
            text += fmt::format_int(ip.bytes[i]).c_str();
        }
        return text;
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    return inet_ntop(AF_INET6, ip.bytes.data(), text.data(), text.size());
}

std::string to_text(const SocketAddress& address) {
    std::string text = to_text(address.ip);
    if (address.ip.family == IpAddress::Family::v6) text = '[' + text + ']';
    text += ':';
    return text += fmt::format_int(address.port).c_str();
}

Result<HostPort> parse_host_port(std::string_view text, std::uint16_t default_port) {
    const auto bad = [&](std::string_view why) {
        return failure(Code::invalid, fmt::format("'{}' {}", text, why));
    };
    std::string_view host = text;
    std::string_view port;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) return bad("has a '[' without its ']'");
        host = text.substr(1, end - 1);
        if (!parse_ip(host).has_value()) return bad("has no IPv6 address between its brackets");
        const std::string_view rest = text.substr(end + 1);
        if (!rest.empty() && !rest.starts_with(':')) return bad("is not [ADDRESS]:PORT");
        if (!rest.empty()) port = rest.substr(1);
        if (!rest.empty() && port.empty()) return bad("ends in ':' without a port");
    } else if (const auto colons = std::ranges::count(text, ':'); colons == 1) {
        host = text.substr(0, text.find(':'));
        port = text.substr(host.size() + 1);
        if (port.empty()) return bad("ends in ':' without a port");
    } else if (colons > 1 && (default_port == 0 || !parse_ip(text).has_value())) {
        return bad("needs brackets around its IPv6 address: [ADDRESS]:PORT");
    }
    if (host.empty()) return bad("has no host");
    if (port.empty()) {
        if (default_port == 0) return bad("has no port: write HOST:PORT");
        return HostPort{std::string(host), default_port};
    }
    const std::uint16_t number = PICKET_TRY(parse_port(port));
    return HostPort{std::string(host), number};
}

}  // namespace picket
