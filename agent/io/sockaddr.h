// Addresses as the kernel takes them.

#pragma once

#include <sys/socket.h>

#include <optional>

#include "agent/base/address.h"

namespace picket::io {

struct KernelAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

KernelAddress to_kernel(const SocketAddress& address);

// Nothing for a family other than IPv4 and IPv6, and for fewer bytes than the
// family needs.
std::optional<SocketAddress> from_kernel(const sockaddr* address, socklen_t length);

// AF_INET or AF_INET6.
int kernel_family(IpAddress::Family family);

}  // namespace picket::io
