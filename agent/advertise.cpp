#include "agent/advertise.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "agent/base/assert.h"
#include "agent/io/local_socket.h"

namespace picket {
namespace {

using Family = IpAddress::Family;

SocketAddress parse_checked(std::string_view text) {
    const auto host = parse_host_port(text);
    PICKET_ASSERT(host.has_value());
    const auto ip = parse_ip(host->host);
    PICKET_ASSERT(ip.has_value());
    return {*ip, host->port};
}

bool is_private(const IpAddress& ip) {
    const auto& bytes = ip.bytes;
    if (ip.family == Family::v6) return (bytes[0] & 0xfe) == 0xfc;
    return bytes[0] == 10 || (bytes[0] == 172 && (bytes[1] & 0xf0) == 16) ||
           (bytes[0] == 192 && bytes[1] == 168) || (bytes[0] == 100 && (bytes[1] & 0xc0) == 64);
}

// How well an address suits: the lower the better.
int rank(const IpAddress& ip) {
    return (ip.family == Family::v4 ? 0 : 1) + (is_private(ip) ? 0 : 2);
}

}  // namespace

SocketAddress bind_address(const GossipConfig& gossip) {
    return parse_checked(gossip.bind);
}

Result<SocketAddress> advertised_address(const GossipConfig& gossip,
                                         std::span<const IpAddress> interfaces) {
    const SocketAddress bind = bind_address(gossip);
    const bool every = io::unspecified(bind.ip);
    const auto reachable = [&](const IpAddress& ip) {
        return ip.family == bind.ip.family || (every && bind.ip.family == Family::v6);
    };
    if (!gossip.advertise.empty()) {
        const SocketAddress advertised = parse_checked(gossip.advertise);
        if (io::unspecified(advertised.ip)) {
            return failure(Code::invalid,
                           fmt::format("gossip.advertise: {} is no address that another agent "
                                       "could send to",
                                       gossip.advertise));
        }
        if (!reachable(advertised.ip)) {
            return failure(Code::invalid,
                           fmt::format("gossip.advertise: {} cannot be reached at gossip.bind {}: "
                                       "one is IPv4, the other IPv6",
                                       gossip.advertise, gossip.bind));
        }
        return advertised;
    }
    if (!every) return bind;
    std::optional<IpAddress> best;
    for (const IpAddress& ip : interfaces) {
        if (reachable(ip) && (!best.has_value() || rank(ip) < rank(*best))) best = ip;
    }
    if (best.has_value()) return SocketAddress{*best, bind.port};
    return failure(Code::not_found,
                   fmt::format("gossip.bind {} stands for every address of this host, and no "
                               "interface beside loopback has one: set gossip.advertise, or bind "
                               "to one address",
                               gossip.bind));
}

}  // namespace picket
