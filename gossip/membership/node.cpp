#include "gossip/membership/node.h"

#include <algorithm>

namespace picket::gossip {
namespace {

IpAddress unmapped(const IpAddress& ip) {
    if (ip.family == IpAddress::Family::v4) return ip;
    constexpr std::array<std::uint8_t, 12> prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (!std::equal(prefix.begin(), prefix.end(), ip.bytes.begin())) return ip;
    IpAddress v4;
    std::copy_n(ip.bytes.begin() + prefix.size(), 4, v4.bytes.begin());
    return v4;
}

bool speaks(const wire::Versions& a, const wire::Versions& b) {
    return a.protocol_min <= b.protocol && b.protocol <= a.protocol_max &&
           a.delegate_min <= b.delegate && b.delegate <= a.delegate_max;
}

}  // namespace

std::string_view to_text(Liveness liveness) {
    switch (liveness) {
        case Liveness::alive:
            return "alive";
        case Liveness::suspect:
            return "suspect";
        case Liveness::failed:
            return "failed";
        case Liveness::left:
            return "left";
    }
    return "";
}

bool same_endpoint(const SocketAddress& a, const SocketAddress& b) {
    return a.port == b.port && (a.ip == b.ip || unmapped(a.ip) == unmapped(b.ip));
}

bool usable(const SocketAddress& address) {
    const IpAddress ip = unmapped(address.ip);
    if (address.port == 0 || ip.bytes == IpAddress{}.bytes) return false;
    if (ip.family == IpAddress::Family::v6) return ip.bytes[0] != 0xff;
    return ip.bytes[0] != 0 && ip.bytes[0] < 224;  // Neither multicast nor above it.
}

bool compatible(const wire::Versions& a, const wire::Versions& b) {
    const auto sane = [](const wire::Versions& versions) {
        return versions.protocol_min > 0 && versions.protocol_min <= versions.protocol_max;
    };
    return sane(a) && sane(b) && speaks(a, b) && speaks(b, a);
}

}  // namespace picket::gossip
