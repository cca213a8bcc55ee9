// IcmpSockets: echo requests to many addresses, and their replies, over few sockets.
//
// A datagram socket where net.ipv4.ping_group_range admits this group, else a raw
// one where the process holds CAP_NET_RAW. All pings that are alike in what the
// kernel keeps for a socket as a whole (family, source, time to live) share one; its
// sequence numbers tell the requests apart. Each socket has a random identifier, and
// each run a random token in its payload, which takes only replies from its target
// that carry both and are otherwise the bytes that were sent; so neither another run's nor
// another program's replies are ever taken for its own.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "agent/base/address.h"
#include "agent/base/random.h"
#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/io/file_descriptor.h"
#include "agent/io/loop.h"
#include "agent/io/poll.h"

namespace picket::io {

// What became of one request.
struct IcmpEvent {
    std::uint16_t number = 0;  // The run's own count.
    Instant at{};              // When the kernel received it.
    int error_number = 0;      // 0: a reply, perhaps a repeated one; else the network said that
    IpAddress reporter{};      // the request goes nowhere, by this address.
};

class IcmpSocket;

// The requests of one run. Replies that come after its end are nobody's.
class IcmpEcho {
public:
    static constexpr std::size_t payload_bytes_max = 65'507;

    // May end this run and any other.
    using OnEvent = std::function<void(const IcmpEvent&)>;

    // Requires payload_bytes <= payload_bytes_max and a target of the socket's family.
    IcmpEcho(std::shared_ptr<IcmpSocket> socket, const IpAddress& target, std::size_t payload_bytes,
             OnEvent on_event);
    ~IcmpEcho();
    IcmpEcho(const IcmpEcho&) = delete;
    IcmpEcho& operator=(const IcmpEcho&) = delete;

    // Sends a request. Returns 0 or an errno.
    int send(std::uint16_t number);

private:
    friend class IcmpSocket;

    const std::shared_ptr<IcmpSocket> socket_;
    const IpAddress target_;
    const std::vector<std::uint8_t> payload_;
    const OnEvent on_event_;
    std::vector<std::uint16_t> sequences_;  // Of the requests sent.
};

// One socket, held by those who ping over it.
class IcmpSocket : public std::enable_shared_from_this<IcmpSocket> {
public:
    // What the kernel keeps for the socket as a whole.
    struct Manner {
        IpAddress::Family family = IpAddress::Family::v4;
        std::optional<IpAddress> source{};  // Of that family.
        unsigned ttl = 0;                   // 0: the kernel's own.
        bool dont_fragment = false;

        bool operator==(const Manner&) const = default;
    };

    // Requests that may wait for replies, or for the end of their runs, at one time;
    // a further one fails with ENOBUFS. Sequence numbers have 16 bits.
    static constexpr std::size_t requests_max = 60'000;

    // The Error names what to permit where neither kind of socket is.
    static Result<std::shared_ptr<IcmpSocket>> open(Loop& loop, const Manner& manner,
                                                    Random& random);

    const Manner& manner() const { return manner_; }

private:
    friend class IcmpEcho;

    struct Request {
        IcmpEcho* echo = nullptr;
        std::uint16_t number = 0;
    };

    IcmpSocket(const Manner& manner, Random& random) : manner_(manner), random_(random) {}
    Status open_socket();
    void set_options() const;
    Status bind_identifier();
    void make_room(std::size_t payload_bytes);
    int send(IcmpEcho& echo, std::uint16_t number);
    void on_ready(bool error);
    void read_losses();
    void read_replies();
    const Request* find(std::uint16_t identifier, std::uint16_t sequence) const;

    const Manner manner_;
    Random& random_;
    FileDescriptor fd_;
    bool raw_ = false;
    std::uint16_t identifier_ = 0;
    std::uint16_t last_sequence_ = 0;
    std::unordered_map<std::uint16_t, Request> requests_;  // By sequence.
    std::vector<std::uint8_t> buffer_;
    std::unique_ptr<Poll> poll_;
};

// One in an agent. Keeps no socket open that nobody holds.
class IcmpSockets {
public:
    explicit IcmpSockets(Loop& loop);

    // The socket for pings of that manner, opened where there is none. As open().
    Result<std::shared_ptr<IcmpSocket>> find(const IcmpSocket::Manner& manner);

private:
    Loop& loop_;
    Random random_;
    std::vector<std::weak_ptr<IcmpSocket>> open_;
};

}  // namespace picket::io
