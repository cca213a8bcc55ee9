#include "agent/io/sockaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

namespace picket::io {

// Copies in and out, because a sockaddr may stand at any alignment.

KernelAddress to_kernel(const SocketAddress& address) {
    KernelAddress result;
    if (address.ip.family == IpAddress::Family::v4) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(address.port);
        std::memcpy(&v4.sin_addr, address.ip.bytes.data(), sizeof(v4.sin_addr));
        std::memcpy(&result.storage, &v4, sizeof(v4));
        result.length = sizeof(v4);
    } else {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(address.port);
        std::memcpy(&v6.sin6_addr, address.ip.bytes.data(), sizeof(v6.sin6_addr));
        std::memcpy(&result.storage, &v6, sizeof(v6));
        result.length = sizeof(v6);
    }
    return result;
}

std::optional<SocketAddress> from_kernel(const sockaddr* address, socklen_t length) {
    SocketAddress result;
    sa_family_t family = AF_UNSPEC;
    if (address == nullptr || length < offsetof(sockaddr, sa_family) + sizeof(family)) {
        return std::nullopt;
    }
    const auto* bytes = reinterpret_cast<const unsigned char*>(address);
    std::memcpy(&family, bytes + offsetof(sockaddr, sa_family), sizeof(family));
    if (family == AF_INET && length >= sizeof(sockaddr_in)) {
        sockaddr_in v4{};
        std::memcpy(&v4, bytes, sizeof(v4));
        std::memcpy(result.ip.bytes.data(), &v4.sin_addr, sizeof(v4.sin_addr));
        result.port = ntohs(v4.sin_port);
        return result;
    }
    if (family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, bytes, sizeof(v6));
        result.ip.family = IpAddress::Family::v6;
        std::memcpy(result.ip.bytes.data(), &v6.sin6_addr, sizeof(v6.sin6_addr));
        result.port = ntohs(v6.sin6_port);
        return result;
    }
    return std::nullopt;
}

int kernel_family(IpAddress::Family family) {
    return family == IpAddress::Family::v4 ? AF_INET : AF_INET6;
}

}  // namespace picket::io
