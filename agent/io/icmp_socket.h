// IcmpSocket: echo requests to one address, and their replies.
//
// A datagram socket where net.ipv4.ping_group_range admits this group, else a raw
// one where the process holds CAP_NET_RAW. Each socket has a random identifier and
// a random token in its payload, and takes only replies from its target that carry
// both and are otherwise the bytes that were sent; so neither another probe's nor
// another program's replies are ever taken for its own.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "agent/base/address.h"
#include "agent/base/random.h"
#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/io/loop.h"
#include "agent/io/poll.h"

namespace picket::io {

// What became of one request.
struct IcmpEvent {
    std::uint16_t sequence = 0;
    Instant at{};          // When the kernel received it.
    int error_number = 0;  // 0: a reply, perhaps a repeated one; else the network said that
    IpAddress reporter{};  // the request goes nowhere, by this address.
};

class IcmpSocket {
public:
    static constexpr std::size_t payload_bytes_max = 65'507;

    struct Options {
        IpAddress target;
        std::optional<IpAddress> source{};  // Of the target's family.
        std::size_t payload_bytes = 56;
        unsigned ttl = 0;  // 0: the kernel's own.
        bool dont_fragment = false;
    };

    // Called last by what reads the socket, which it may therefore destroy.
    using OnEvents = std::function<void(const std::vector<IcmpEvent>&)>;

    // The Error names what to permit where neither kind of socket is.
    // Requires payload_bytes <= payload_bytes_max.
    static Result<std::unique_ptr<IcmpSocket>> open(Loop& loop, const Options& options,
                                                    Random& random, OnEvents on_events);
    ~IcmpSocket();
    IcmpSocket(const IcmpSocket&) = delete;
    IcmpSocket& operator=(const IcmpSocket&) = delete;

    // Sends a request. Returns 0 or an errno.
    int send(std::uint16_t sequence);

    bool raw() const { return raw_; }

private:
    IcmpSocket(Loop& loop, const Options& options, Random& random, OnEvents on_events);
    Status open_socket(Random& random);
    Status bind_identifier(Random& random);
    void set_options();
    void on_readable();
    void read_replies(std::vector<IcmpEvent>& events);
    void read_losses(std::vector<IcmpEvent>& events);

    Loop& loop_;
    const Options options_;
    const std::vector<std::uint8_t> payload_;
    const OnEvents on_events_;
    int fd_ = -1;
    bool raw_ = false;
    bool connected_ = false;
    std::uint16_t identifier_ = 0;
    std::vector<std::uint8_t> buffer_;
    std::unique_ptr<Poll> poll_;
};

}  // namespace picket::io
