#include "agent/io/dns_channel.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "agent/base/assert.h"
#include "agent/io/clock.h"
#include "agent/io/socket_fault.h"

namespace picket::io {
namespace {

// What a datagram may carry without being cut up on its way (DNS flag day 2020).
constexpr int udp_payload_bytes = 1232;

int flags_for(const DnsChannel::Manner& manner) {
    int flags = 0;
    if (manner.purpose == DnsChannel::Purpose::question) {
        // Hand over SERVFAIL and REFUSED, and a truncated answer as it is. A kept
        // TCP connection may have been closed by the server: never reuse one.
        flags |= ARES_FLAG_NOCHECKRESP | ARES_FLAG_IGNTC | ARES_FLAG_EDNS;
        if (!manner.tcp) flags |= ARES_FLAG_STAYOPEN;
    }
    if (manner.tcp) flags |= ARES_FLAG_USEVC;
    if (!manner.recursion) flags |= ARES_FLAG_NORECURSE;
    return flags;
}

}  // namespace

// What c-ares carries for a lookup, until it calls back.
struct DnsChannel::AskedAddresses {
    DnsChannel& channel;
    OnAddresses done;

    static void on_done(void* argument, int status, int, ares_addrinfo* found) {
        const std::unique_ptr<AskedAddresses> asked(static_cast<AskedAddresses*>(argument));
        --asked->channel.in_flight_;
        asked->done(status, found);
        if (found != nullptr) ares_freeaddrinfo(found);
    }
};

struct DnsChannel::AskedQuestion {
    DnsChannel& channel;
    OnMessage done;

    static void on_done(void* argument, int status, int, unsigned char* message, int length) {
        const std::unique_ptr<AskedQuestion> asked(static_cast<AskedQuestion*>(argument));
        --asked->channel.in_flight_;
        const std::size_t size = message == nullptr ? 0 : static_cast<std::size_t>(length);
        asked->done(status, std::span<const std::uint8_t>(message, size));
    }
};

DnsChannel::DnsChannel(Loop& loop, Manner manner, Instant now)
    : loop_(loop),
      manner_(std::move(manner)),
      opened_(now),
      timer_(loop, [this] { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }) {}

Result<std::unique_ptr<DnsChannel>> DnsChannel::open(Loop& loop, Manner manner, Instant now) {
    std::unique_ptr<DnsChannel> channel(new DnsChannel(loop, std::move(manner), now));
    PICKET_TRY(channel->initialise());
    return channel;
}

Status DnsChannel::initialise() {
    ares_options options{};
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB |
               ARES_OPT_EDNSPSZ;
    options.flags = flags_for(manner_);
    options.timeout =
        static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(manner_.first_wait).count());
    options.tries = manner_.tries;
    options.ednspsz = udp_payload_bytes;
    options.sock_state_cb_data = this;
    options.sock_state_cb = [](void* self, int fd, int readable, int writable) {
        static_cast<DnsChannel*>(self)->on_socket_state(fd, readable != 0, writable != 0);
    };
    std::string dns_only = "b";
    if (!manner_.hosts_file) {
        options.lookups = dns_only.data();
        mask |= ARES_OPT_LOOKUPS;
    }
    if (const int status = ares_init_options(&channel_, &options, mask); status != ARES_SUCCESS) {
        channel_ = nullptr;
        return failure(Code::io, fmt::format("start a resolver: {}", ares_strerror(status)));
    }
    if (!manner_.servers.empty()) {
        std::string list;
        for (const SocketAddress& server : manner_.servers) list += to_text(server) + ",";
        list.pop_back();
        PICKET_ASSERT(ares_set_servers_ports_csv(channel_, list.c_str()) == ARES_SUCCESS);
    }
    // c-ares 1.18 takes all of these or none. They do as its own do, and remember
    // why the last one failed.
    static constexpr ares_socket_functions functions{
        .asocket =
            [](int family, int type, int protocol, void* self) {
                auto* channel = static_cast<DnsChannel*>(self);
                return channel->note(channel->open_socket(family, type, protocol));
            },
        .aclose = [](ares_socket_t fd, void*) { return close(fd); },
        .aconnect =
            [](ares_socket_t fd, const sockaddr* to, ares_socklen_t length, void* self) {
                return static_cast<DnsChannel*>(self)->note(connect(fd, to, length));
            },
        .arecvfrom =
            [](ares_socket_t fd, void* into, std::size_t size, int flags, sockaddr* from,
               ares_socklen_t* length, void* self) {
                return static_cast<DnsChannel*>(self)->note(
                    recvfrom(fd, into, size, flags, from, length));
            },
        .asendv =
            [](ares_socket_t fd, const iovec* parts, int count, void* self) {
                return static_cast<DnsChannel*>(self)->note(writev(fd, parts, count));
            },
    };
    ares_set_socket_functions(channel_, &functions, this);
    return {};
}

DnsChannel::~DnsChannel() {
    if (channel_ != nullptr) ares_destroy(channel_);
    PICKET_ASSERT(in_flight_ == 0);
}

template <typename T>
T DnsChannel::note(T result) {
    if (result >= 0) {
        last_error_ = 0;
    } else if (errno != EAGAIN && errno != EINPROGRESS && errno != EINTR) {
        last_error_ = errno;
    }
    return result;
}

void DnsChannel::ask_addresses(const std::string& host, int family, OnAddresses done) {
    ares_addrinfo_hints hints{};
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    ++in_flight_;
    auto asked = std::make_unique<AskedAddresses>(AskedAddresses{*this, std::move(done)});
    ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, AskedAddresses::on_done,
                     asked.release());
    set_timer();
}

void DnsChannel::ask_question(const std::string& name, std::uint16_t type, OnMessage done) {
    constexpr int class_in = 1;
    ++in_flight_;
    auto asked = std::make_unique<AskedQuestion>(AskedQuestion{*this, std::move(done)});
    ares_query(channel_, name.c_str(), class_in, type, AskedQuestion::on_done, asked.release());
    set_timer();
}

std::vector<SocketAddress> DnsChannel::servers() const {
    if (!manner_.servers.empty()) return manner_.servers;
    std::vector<SocketAddress> result;
    ares_addr_port_node* list = nullptr;
    if (ares_get_servers_ports(channel_, &list) != ARES_SUCCESS) return result;
    for (const ares_addr_port_node* node = list; node != nullptr; node = node->next) {
        SocketAddress server;
        if (node->family == AF_INET6) server.ip.family = IpAddress::Family::v6;
        std::memcpy(server.ip.bytes.data(), &node->addr, node->family == AF_INET6 ? 16 : 4);
        server.port =
            node->udp_port == 0 ? std::uint16_t{53} : static_cast<std::uint16_t>(node->udp_port);
        result.push_back(server);
    }
    if (list != nullptr) ares_free_data(list);
    return result;
}

int DnsChannel::open_socket(int family, int type, int protocol) {
    const int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (fd < 0 || !manner_.source.has_value()) return fd;
    if (const int error = bind_source(fd, *manner_.source); error != 0) {
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

void DnsChannel::on_socket_state(int fd, bool readable, bool writable) {
    if (!readable && !writable) {
        polls_.erase(fd);  // c-ares closes it next.
        return;
    }
    const auto [place, added] = polls_.try_emplace(fd, loop_, fd, [this, fd](int events) {
        process((events & UV_READABLE) != 0 ? fd : ARES_SOCKET_BAD,
                (events & UV_WRITABLE) != 0 ? fd : ARES_SOCKET_BAD);
    });
    place->second.watch((readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0));
}

void DnsChannel::process(int readable_fd, int writable_fd) {
    ares_process_fd(channel_, readable_fd, writable_fd);
    set_timer();
}

void DnsChannel::set_timer() {
    timeval wait{};
    if (ares_timeout(channel_, nullptr, &wait) == nullptr) {
        timer_.clear();
        return;
    }
    timer_.set(monotonic_now() + std::chrono::seconds(wait.tv_sec) +
               std::chrono::microseconds(wait.tv_usec));
}

}  // namespace picket::io
