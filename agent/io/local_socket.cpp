#include "agent/io/local_socket.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "agent/base/errno_text.h"
#include "agent/io/sockaddr.h"

namespace picket::io {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

Result<FileDescriptor> open_local_socket(SocketKind kind, const SocketAddress& local) {
    const bool stream = kind == SocketKind::stream;
    const auto failed = [&](std::string_view what) {
        return failure(Code::io, fmt::format("{} {}/{}: {}", what, to_text(local),
                                             stream ? "tcp" : "udp", errno_text(errno)));
    };
    const int type = (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
    FileDescriptor socket(::socket(kernel_family(local.ip.family), type, 0));
    if (!socket.open()) return failed("open a socket for");
    const int on = 1;
    const int off = 0;
    // Of a datagram socket it would let another program take the port as well.
    if (stream) setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (local.ip.family == IpAddress::Family::v6) {
        const int& v6_only = unspecified(local.ip) ? off : on;
        setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
    }
    const KernelAddress address = to_kernel(local);
    if (bind(socket.get(), address.get(), address.length) != 0) return failed("bind");
    return socket;
}

bool unspecified(const IpAddress& ip) {
    return std::ranges::all_of(ip.bytes, [](std::uint8_t byte) { return byte == 0; });
}

SocketAddress unmapped(SocketAddress address) {
    const bool is_mapped =
        address.ip.family == IpAddress::Family::v6 &&
        std::equal(mapped_prefix.begin(), mapped_prefix.end(), address.ip.bytes.begin());
    if (!is_mapped) return address;
    IpAddress v4;
    std::copy_n(address.ip.bytes.begin() + mapped_prefix.size(), 4, v4.bytes.begin());
    return {v4, address.port};
}

SocketAddress mapped(SocketAddress address) {
    if (address.ip.family == IpAddress::Family::v6) return address;
    IpAddress v6{IpAddress::Family::v6, {}};
    std::ranges::copy(mapped_prefix, v6.bytes.begin());
    std::copy_n(address.ip.bytes.begin(), 4, v6.bytes.begin() + mapped_prefix.size());
    return {v6, address.port};
}

}  // namespace picket::io
