#include "agent/io/socket_fault.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "agent/io/sockaddr.h"

namespace picket::io {

SocketFault socket_fault(int error_number) {
    switch (error_number) {
        case ECONNREFUSED:
            return SocketFault::refused;
        case ECONNRESET:
        case ECONNABORTED:
        case EPIPE:
            return SocketFault::reset;
        case ETIMEDOUT:
            return SocketFault::timed_out;
        case EHOSTUNREACH:
        case ENETUNREACH:
        case EHOSTDOWN:
        case ENETDOWN:
            return SocketFault::unreachable;
        default:
            return SocketFault::local;
    }
}

int bind_source(int socket, const IpAddress& source) {
    const int on = 1;
    setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    const KernelAddress address = to_kernel({source, 0});
    return bind(socket, address.get(), address.length) == 0 ? 0 : errno;
}

}  // namespace picket::io
