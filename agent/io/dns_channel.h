// DnsChannel: c-ares on the loop.
//
// One c-ares channel with its sockets polled and its time-outs timed. It asks and
// calls back; what an answer means and how long to wait for it is Resolvers'
// business. Must not be destroyed from within one of its callbacks.

#pragma once

#include <ares.h>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/base/address.h"
#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/io/deadline.h"
#include "agent/io/loop.h"
#include "agent/io/poll.h"

namespace picket::io {

class DnsChannel {
public:
    enum class Purpose : std::uint8_t {
        addresses,  // Retries and falls back as a stub resolver does.
        question,   // Hands over whatever the one server answers.
    };

    // What makes two channels different. Lookups with equal ones share a channel.
    struct Manner {
        Purpose purpose = Purpose::addresses;
        std::vector<SocketAddress> servers{};  // Empty: those of resolv.conf.
        bool hosts_file = true;                // Whether /etc/hosts counts.
        bool tcp = false;
        bool recursion = true;
        Duration first_wait = std::chrono::seconds(1);  // Doubled for each further try.
        int tries = 3;
        std::optional<IpAddress> source{};  // To ask from; empty: the kernel's choice.

        bool operator==(const Manner&) const = default;
    };

    // Called once, perhaps from within the call that asks, at the latest when the
    // channel is destroyed. What they are given is gone when they return.
    using OnAddresses = std::function<void(int status, const ares_addrinfo* found)>;
    using OnMessage = std::function<void(int status, std::span<const std::uint8_t> message)>;

    static Result<std::unique_ptr<DnsChannel>> open(Loop& loop, Manner manner, Instant now);
    ~DnsChannel();
    DnsChannel(const DnsChannel&) = delete;
    DnsChannel& operator=(const DnsChannel&) = delete;

    void ask_addresses(const std::string& host, int family, OnAddresses done);
    void ask_question(const std::string& name, std::uint16_t type, OnMessage done);

    const Manner& manner() const { return manner_; }
    Instant opened() const { return opened_; }
    std::size_t in_flight() const { return in_flight_; }

    // In the order in which they are asked.
    std::vector<SocketAddress> servers() const;

    // Why a socket of this channel failed last, as an errno; 0 after an answer.
    // c-ares calls every such failure "connection refused".
    int last_error() const { return last_error_; }

private:
    struct AskedAddresses;
    struct AskedQuestion;

    DnsChannel(Loop& loop, Manner manner, Instant now);
    Status initialise();
    int open_socket(int family, int type, int protocol);
    void on_socket_state(int fd, bool readable, bool writable);
    void process(int readable_fd, int writable_fd);
    void set_timer();
    template <typename T>
    T note(T result);

    Loop& loop_;
    const Manner manner_;
    const Instant opened_;
    ares_channel channel_ = nullptr;
    std::unordered_map<int, Poll> polls_;
    Deadline timer_;
    std::size_t in_flight_ = 0;
    int last_error_ = 0;
};

}  // namespace picket::io
