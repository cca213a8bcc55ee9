// A socket bound to one of this host's own addresses, as servers need it.

#pragma once

#include <cstdint>

#include "agent/base/address.h"
#include "agent/base/result.h"
#include "agent/io/file_descriptor.h"

namespace picket::io {

enum class SocketKind : std::uint8_t { datagram, stream };

// Not blocking, closed on exec. One bound to `::` speaks IPv4 too, to and from
// addresses mapped into IPv6. A stream's port may still have old connections on it;
// nobody else's socket ever shares it. Errors are io: "bind 127.0.0.1:7946/udp:
// address already in use".
Result<FileDescriptor> open_local_socket(SocketKind kind, const SocketAddress& local);

// 0.0.0.0 or ::, which stands for every address of this host.
bool unspecified(const IpAddress& ip);

// An IPv4 address out of the form in which an IPv6 socket shows it; any other as it is.
SocketAddress unmapped(SocketAddress address);
// The form in which an IPv6 socket takes an IPv4 address.
SocketAddress mapped(SocketAddress address);

}  // namespace picket::io
