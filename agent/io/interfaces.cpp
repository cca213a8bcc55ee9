#include "agent/io/interfaces.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <memory>

#include "agent/io/sockaddr.h"

namespace picket::io {
namespace {

bool link_local(const IpAddress& ip) {
    if (ip.family == IpAddress::Family::v4) return ip.bytes[0] == 169 && ip.bytes[1] == 254;
    return ip.bytes[0] == 0xfe && (ip.bytes[1] & 0xc0) == 0x80;
}

socklen_t length_of(int family) {
    return family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

}  // namespace

std::vector<IpAddress> interface_addresses() {
    ifaddrs* first = nullptr;
    if (getifaddrs(&first) != 0) return {};
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owned(first, freeifaddrs);
    std::vector<IpAddress> addresses;
    for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
        if ((entry->ifa_flags & IFF_LOOPBACK) != 0) continue;
        const int family = entry->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) continue;
        const auto address = from_kernel(entry->ifa_addr, length_of(family));
        if (address.has_value() && !link_local(address->ip)) addresses.push_back(address->ip);
    }
    return addresses;
}

}  // namespace picket::io
