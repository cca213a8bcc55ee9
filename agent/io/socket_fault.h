// Whose fault a socket's error is, and the one socket option that needs telling.

#pragma once

#include <cstdint>

#include "agent/base/address.h"

namespace picket::io {

enum class SocketFault : std::uint8_t {
    refused,      // The peer said no.
    reset,        // The peer, or something between, broke the connection.
    timed_out,    // The kernel gave up waiting.
    unreachable,  // No route, or the network says there is nobody.
    local,        // Ours: no descriptor, no such source address, forbidden here.
};

// `error_number` is an errno of a connect, read or write.
SocketFault socket_fault(int error_number);

// Binds `socket` to a local address without taking a port yet, so that there may
// be more connections from it than it has ports. Returns 0 or an errno.
int bind_source(int socket, const IpAddress& source);

}  // namespace picket::io
