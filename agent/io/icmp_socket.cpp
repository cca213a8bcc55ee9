#include "agent/io/icmp_socket.h"

#include <fmt/format.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/errno_text.h"
#include "agent/io/clock.h"
#include "agent/io/icmp_packet.h"
#include "agent/io/sockaddr.h"

namespace picket::io {
namespace {

constexpr std::size_t packet_overhead_bytes = 60 + 8;  // IPv4 header with options, ICMP header.
constexpr int identifier_tries = 8;
// Reads per event, so that a flood of foreign packets cannot hold the loop.
constexpr int reads_per_event_max = 64;
// A kernel timestamp further back than this is a step of the wall clock.
constexpr Duration timestamp_age_max = std::chrono::seconds(1);

// A received message with its control data.
struct Received {
    std::span<const std::uint8_t> bytes;
    std::optional<SocketAddress> from;
    std::optional<WallTime> at;
    std::optional<sock_extended_err> error;
    std::optional<SocketAddress> reporter;
};

void read_control(Received& received, const cmsghdr& control) {
    const auto* content = CMSG_DATA(&control);
    const std::size_t size = control.cmsg_len - CMSG_LEN(0);
    const bool timestamp = control.cmsg_level == SOL_SOCKET && control.cmsg_type == SO_TIMESTAMPNS;
    const bool error = (control.cmsg_level == IPPROTO_IP && control.cmsg_type == IP_RECVERR) ||
                       (control.cmsg_level == IPPROTO_IPV6 && control.cmsg_type == IPV6_RECVERR);
    if (timestamp && size >= sizeof(timespec)) {
        timespec time{};
        std::memcpy(&time, content, sizeof(time));
        received.at = WallTime(std::chrono::seconds(time.tv_sec) +
                               std::chrono::microseconds(time.tv_nsec / 1000));
    } else if (error && size >= sizeof(sock_extended_err)) {
        received.error.emplace();
        std::memcpy(&*received.error, content, sizeof(*received.error));
        // SO_EE_OFFENDER: the address stands behind the error.
        KernelAddress reporter;
        reporter.length = static_cast<socklen_t>(
            std::min(size - sizeof(sock_extended_err), sizeof(reporter.storage)));
        std::memcpy(&reporter.storage, content + sizeof(sock_extended_err), reporter.length);
        received.reporter = from_kernel(reporter.get(), reporter.length);
    }
}

std::optional<Received> receive(int fd, std::span<std::uint8_t> buffer, int flags) {
    KernelAddress from;
    alignas(cmsghdr) std::array<std::uint8_t, 512> control{};
    iovec part{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_name = &from.storage;
    message.msg_namelen = sizeof(from.storage);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = recvmsg(fd, &message, flags | MSG_DONTWAIT);
    if (size < 0) return std::nullopt;
    Received received;
    received.bytes = buffer.first(static_cast<std::size_t>(size));
    received.from = from_kernel(from.get(), message.msg_namelen);
    for (cmsghdr* next = CMSG_FIRSTHDR(&message); next != nullptr;
         next = CMSG_NXTHDR(&message, next)) {
        read_control(received, *next);
    }
    return received;
}

bool set_option(int fd, int level, int option, int value) {
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

// The token, then a pattern that shows where bytes were changed.
std::vector<std::uint8_t> make_payload(std::size_t size, std::uint64_t token) {
    std::vector<std::uint8_t> payload(size);
    for (std::size_t i = 0; i < size; ++i) {
        payload[i] = static_cast<std::uint8_t>(i < 8 ? token >> (8 * i) : i);
    }
    return payload;
}

}  // namespace

IcmpSocket::IcmpSocket(Loop& loop, const Options& options, Random& random, OnEvents on_events)
    : loop_(loop),
      options_(options),
      payload_(make_payload(options.payload_bytes, random.next())),
      on_events_(std::move(on_events)),
      buffer_(options.payload_bytes + packet_overhead_bytes) {}

IcmpSocket::~IcmpSocket() {
    poll_.reset();
    if (fd_ >= 0) close(fd_);
}

Result<std::unique_ptr<IcmpSocket>> IcmpSocket::open(Loop& loop, const Options& options,
                                                     Random& random, OnEvents on_events) {
    PICKET_ASSERT(options.payload_bytes <= payload_bytes_max);
    PICKET_ASSERT(!options.source.has_value() || options.source->family == options.target.family);
    std::unique_ptr<IcmpSocket> socket(new IcmpSocket(loop, options, random, std::move(on_events)));
    PICKET_TRY(socket->open_socket(random));
    return socket;
}

Status IcmpSocket::open_socket(Random& random) {
    const bool v4 = options_.target.family == IpAddress::Family::v4;
    const int family = kernel_family(options_.target.family);
    const int protocol = v4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
    const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    fd_ = socket(family, SOCK_DGRAM | flags, protocol);
    if (fd_ < 0) {
        raw_ = true;
        fd_ = socket(family, SOCK_RAW | flags, protocol);
    }
    if (fd_ < 0 && (errno == EPERM || errno == EACCES)) {
        return failure(Code::io,
                       "ping is not permitted here: let net.ipv4.ping_group_range include the "
                       "agent's group, or give the agent CAP_NET_RAW");
    }
    if (fd_ < 0) return failure(Code::io, "open an ICMP socket: " + errno_text(errno));
    set_options();
    PICKET_TRY(bind_identifier(random));
    poll_ = std::make_unique<Poll>(loop_, fd_, [this](int) { on_readable(); });
    poll_->watch(UV_READABLE);
    return {};
}

// None of these is needed for a reply to come; what is refused, is done without.
void IcmpSocket::set_options() {
    const bool v4 = options_.target.family == IpAddress::Family::v4;
    set_option(fd_, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    if (v4) {
        set_option(fd_, IPPROTO_IP, IP_RECVERR, 1);
    } else {
        set_option(fd_, IPPROTO_IPV6, IPV6_RECVERR, 1);
    }
    if (options_.ttl > 0) {
        const auto hops = static_cast<int>(options_.ttl);
        v4 ? set_option(fd_, IPPROTO_IP, IP_TTL, hops)
           : set_option(fd_, IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops);
    }
    if (options_.dont_fragment) {
        v4 ? set_option(fd_, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
           : set_option(fd_, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO);
        if (!v4) set_option(fd_, IPPROTO_IPV6, IPV6_DONTFRAG, 1);
    }
    if (!raw_) return;
    if (v4) {
        const icmp_filter filter{~(1u << ICMP_ECHOREPLY)};
        setsockopt(fd_, SOL_RAW, ICMP_FILTER, &filter, sizeof(filter));
    } else {
        icmp6_filter filter{};
        ICMP6_FILTER_SETBLOCKALL(&filter);
        ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
        setsockopt(fd_, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter));
    }
}

// The port of a datagram socket is its identifier, one socket's alone in this
// network namespace; a raw socket takes any.
Status IcmpSocket::bind_identifier(Random& random) {
    SocketAddress local{options_.source.value_or(IpAddress{options_.target.family, {}}), 0};
    int error = 0;
    for (int i = 0; i < identifier_tries; ++i) {
        identifier_ = static_cast<std::uint16_t>(1 + random.below(0xffff));
        if (!raw_) local.port = identifier_;
        const KernelAddress address = to_kernel(local);
        error = bind(fd_, address.get(), address.length) == 0 ? 0 : errno;
        if (error != EADDRINUSE) break;
    }
    if (error == 0) return {};
    return failure(Code::io, fmt::format("bind {}: {}", to_text(local.ip), errno_text(error)));
}

int IcmpSocket::send(std::uint16_t sequence) {
    if (!connected_) {
        // Only its target's packets wake a connected socket.
        const KernelAddress target = to_kernel({options_.target, 0});
        if (connect(fd_, target.get(), target.length) != 0) return errno;
        connected_ = true;
    }
    const auto message =
        write_echo(options_.target.family,
                   {.identifier = identifier_, .sequence = sequence, .payload = payload_});
    return ::send(fd_, message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
}

void IcmpSocket::on_readable() {
    std::vector<IcmpEvent> events;
    read_losses(events);
    read_replies(events);
    // libuv stops watching a socket on which an error waits.
    poll_->watch(UV_READABLE);
    if (events.empty()) return;
    const OnEvents on_events = on_events_;
    on_events(events);
}

void IcmpSocket::read_losses(std::vector<IcmpEvent>& events) {
    for (int i = 0; i < reads_per_event_max; ++i) {
        const auto received = receive(fd_, buffer_, MSG_ERRQUEUE);
        if (!received.has_value()) return;
        // The bytes are those of the request, as far as the reporter repeated them.
        const auto echo = parse_echo(options_.target.family, received->bytes);
        if (!received->error.has_value() || !echo.has_value()) continue;
        if (echo->reply || echo->identifier != identifier_) continue;
        events.push_back({.sequence = echo->sequence,
                          .at = monotonic_now(),
                          .error_number = static_cast<int>(received->error->ee_errno),
                          .reporter = received->reporter.value_or(SocketAddress{}).ip});
    }
}

void IcmpSocket::read_replies(std::vector<IcmpEvent>& events) {
    const bool with_ip_header = raw_ && options_.target.family == IpAddress::Family::v4;
    for (int i = 0; i < reads_per_event_max; ++i) {
        const auto received = receive(fd_, buffer_, 0);
        if (!received.has_value()) {
            // An error that was read from its queue already is said once more.
            if (errno == EAGAIN) return;
            continue;
        }
        const auto message = with_ip_header ? after_ipv4_header(received->bytes) : received->bytes;
        const auto echo = parse_echo(options_.target.family, message);
        if (!echo.has_value() || !echo->reply || echo->identifier != identifier_) continue;
        if (!std::ranges::equal(echo->payload, payload_)) continue;
        if (!received->from.has_value() || received->from->ip != options_.target) continue;
        Instant at = monotonic_now();
        if (received->at.has_value()) {
            const Duration age = wall_now() - *received->at;
            if (age > Duration{0} && age < timestamp_age_max) at -= age;
        }
        events.push_back({.sequence = echo->sequence, .at = at});
    }
}

}  // namespace picket::io
