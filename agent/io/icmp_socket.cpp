#include "agent/io/icmp_socket.h"

#include <fmt/format.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/errno_text.h"
#include "agent/io/clock.h"
#include "agent/io/entropy.h"
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

IcmpEcho::IcmpEcho(std::shared_ptr<IcmpSocket> socket, const IpAddress& target,
                   std::size_t payload_bytes, OnEvent on_event)
    : socket_(std::move(socket)),
      target_(target),
      payload_(make_payload(payload_bytes, socket_->random_.next())),
      on_event_(std::move(on_event)) {
    PICKET_ASSERT(payload_bytes <= payload_bytes_max);
    PICKET_ASSERT(target.family == socket_->manner_.family);
    socket_->make_room(payload_bytes);
}

IcmpEcho::~IcmpEcho() {
    for (const std::uint16_t sequence : sequences_) socket_->requests_.erase(sequence);
}

int IcmpEcho::send(std::uint16_t number) {
    return socket_->send(*this, number);
}

Result<std::shared_ptr<IcmpSocket>> IcmpSocket::open(Loop& loop, const Manner& manner,
                                                     Random& random) {
    PICKET_ASSERT(!manner.source.has_value() || manner.source->family == manner.family);
    std::shared_ptr<IcmpSocket> socket(new IcmpSocket(manner, random));
    PICKET_TRY(socket->open_socket());
    socket->poll_ = std::make_unique<Poll>(
        loop, socket->fd_.get(),
        // An error is told as both, and nobody waits to write.
        [raw = socket.get()](int events) { raw->on_ready((events & UV_WRITABLE) != 0); });
    socket->poll_->watch(UV_READABLE);
    return socket;
}

Status IcmpSocket::open_socket() {
    const bool v4 = manner_.family == IpAddress::Family::v4;
    const int family = kernel_family(manner_.family);
    const int protocol = v4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
    const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    fd_ = FileDescriptor(socket(family, SOCK_DGRAM | flags, protocol));
    if (!fd_.open()) {
        raw_ = true;
        fd_ = FileDescriptor(socket(family, SOCK_RAW | flags, protocol));
    }
    if (!fd_.open() && (errno == EPERM || errno == EACCES)) {
        return failure(Code::io,
                       "ping is not permitted here: let net.ipv4.ping_group_range include the "
                       "agent's group, or give the agent CAP_NET_RAW");
    }
    if (!fd_.open()) return failure(Code::io, "open an ICMP socket: " + errno_text(errno));
    set_options();
    return bind_identifier();
}

// None of these is needed for a reply to come; what is refused, is done without.
void IcmpSocket::set_options() const {
    const int fd = fd_.get();
    const bool v4 = manner_.family == IpAddress::Family::v4;
    set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    if (v4) {
        set_option(fd, IPPROTO_IP, IP_RECVERR, 1);
    } else {
        set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
    }
    if (manner_.ttl > 0) {
        const auto hops = static_cast<int>(manner_.ttl);
        v4 ? set_option(fd, IPPROTO_IP, IP_TTL, hops)
           : set_option(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops);
    }
    if (manner_.dont_fragment) {
        v4 ? set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
           : set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO);
        if (!v4) set_option(fd, IPPROTO_IPV6, IPV6_DONTFRAG, 1);
    }
    if (!raw_) return;
    if (v4) {
        const icmp_filter filter{~(1u << ICMP_ECHOREPLY)};
        setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof(filter));
    } else {
        icmp6_filter filter{};
        ICMP6_FILTER_SETBLOCKALL(&filter);
        ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
        setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter));
    }
}

// The port of a datagram socket is its identifier, one socket's alone in this
// network namespace; a raw socket takes any.
Status IcmpSocket::bind_identifier() {
    SocketAddress local{manner_.source.value_or(IpAddress{manner_.family, {}}), 0};
    int error = 0;
    for (int i = 0; i < identifier_tries; ++i) {
        identifier_ = static_cast<std::uint16_t>(1 + random_.below(0xffff));
        if (!raw_) local.port = identifier_;
        const KernelAddress address = to_kernel(local);
        error = bind(fd_.get(), address.get(), address.length) == 0 ? 0 : errno;
        if (error != EADDRINUSE) break;
    }
    if (error == 0) return {};
    return failure(Code::io, fmt::format("bind {}: {}", to_text(local.ip), errno_text(error)));
}

void IcmpSocket::make_room(std::size_t payload_bytes) {
    buffer_.resize(std::max(buffer_.size(), payload_bytes + packet_overhead_bytes));
}

int IcmpSocket::send(IcmpEcho& echo, std::uint16_t number) {
    if (requests_.size() >= requests_max) return ENOBUFS;
    do {
        ++last_sequence_;
    } while (requests_.contains(last_sequence_));
    requests_.emplace(last_sequence_, Request{&echo, number});
    echo.sequences_.push_back(last_sequence_);
    const auto message = write_echo(
        manner_.family,
        {.identifier = identifier_, .sequence = last_sequence_, .payload = echo.payload_});
    const KernelAddress target = to_kernel({echo.target_, 0});
    const auto try_to_send = [&] {
        return sendto(fd_.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                      target.get(), target.length) >= 0;
    };
    // What the network said of an earlier request, of whatever run, is told once by the
    // next call; it stands in the error queue all the same.
    return try_to_send() || try_to_send() ? 0 : errno;
}

void IcmpSocket::on_ready(bool error) {
    const auto keep = shared_from_this();  // A run may end, and let go of the socket.
    if (error) read_losses();
    read_replies();
}

const IcmpSocket::Request* IcmpSocket::find(std::uint16_t identifier,
                                            std::uint16_t sequence) const {
    const auto found = requests_.find(sequence);
    return identifier == identifier_ && found != requests_.end() ? &found->second : nullptr;
}

void IcmpSocket::read_losses() {
    for (int i = 0; i < reads_per_event_max; ++i) {
        const auto received = receive(fd_.get(), buffer_, MSG_ERRQUEUE);
        if (!received.has_value()) return;
        // The bytes are those of the request, as far as the reporter repeated them.
        const auto message = parse_echo(manner_.family, received->bytes);
        if (!received->error.has_value() || !message.has_value() || message->reply) continue;
        const Request* request = find(message->identifier, message->sequence);
        if (request == nullptr) continue;
        // Copied, as are those below: it may end its run.
        const IcmpEcho::OnEvent on_event = request->echo->on_event_;
        on_event({.number = request->number,
                  .at = monotonic_now(),
                  .error_number = static_cast<int>(received->error->ee_errno),
                  .reporter = received->reporter.value_or(SocketAddress{}).ip});
    }
}

void IcmpSocket::read_replies() {
    const bool with_ip_header = raw_ && manner_.family == IpAddress::Family::v4;
    for (int i = 0; i < reads_per_event_max; ++i) {
        const auto received = receive(fd_.get(), buffer_, 0);
        if (!received.has_value()) {
            // An error that was read from its queue already is said once more.
            if (errno == EAGAIN) return;
            continue;
        }
        const auto bytes = with_ip_header ? after_ipv4_header(received->bytes) : received->bytes;
        const auto message = parse_echo(manner_.family, bytes);
        if (!message.has_value() || !message->reply) continue;
        const Request* request = find(message->identifier, message->sequence);
        if (request == nullptr) continue;
        const IcmpEcho& echo = *request->echo;
        if (!std::ranges::equal(message->payload, echo.payload_)) continue;
        if (!received->from.has_value() || received->from->ip != echo.target_) continue;
        Instant at = monotonic_now();
        if (received->at.has_value()) {
            const Duration age = wall_now() - *received->at;
            if (age > Duration{0} && age < timestamp_age_max) at -= age;
        }
        const IcmpEcho::OnEvent on_event = echo.on_event_;
        on_event({.number = request->number, .at = at});
    }
}

IcmpSockets::IcmpSockets(Loop& loop) : loop_(loop), random_(random_seed()) {}

Result<std::shared_ptr<IcmpSocket>> IcmpSockets::find(const IcmpSocket::Manner& manner) {
    std::erase_if(open_, [](const auto& socket) { return socket.expired(); });
    for (const auto& held : open_) {
        if (auto socket = held.lock(); socket->manner() == manner) return socket;
    }
    auto opened = IcmpSocket::open(loop_, manner, random_);
    if (opened.has_value()) open_.push_back(*opened);
    return opened;
}

}  // namespace picket::io
