// Resolvers: every name lookup and every DNS question, through c-ares.
//
// A lookup never blocks the loop and never starts a thread. There is one c-ares
// channel for each set of servers and transport that is in use; its sockets are
// polled and its time-outs are timed on the loop.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/address.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace picket::io {

class Loop;

enum class LookupFamily : std::uint8_t { any, v4, v6 };

// A lookup under way. Destroying it drops its answer.
class Lookup {
public:
    virtual ~Lookup() = default;
};

struct DnsRecord {
    std::string type;  // "A", "MX" ...
    std::string text;  // Presentation form: "192.0.2.1", "10 mail.example.com", "\"v=spf1 -all\""
    std::uint32_t ttl = 0;
};

struct DnsAnswer {
    std::string rcode;  // "NOERROR", "NXDOMAIN", "SERVFAIL" ...
    bool authoritative = false;
    bool truncated = false;
    std::vector<DnsRecord> answers;
    SocketAddress server;
};

struct DnsQuestion {
    std::string name;
    std::string type;
    SocketAddress server;
    bool tcp = false;
    bool recursion = true;
};

class Resolvers {
public:
    using OnAddresses = std::function<void(Result<std::vector<IpAddress>>)>;
    using OnAnswer = std::function<void(Result<DnsAnswer>)>;

    explicit Resolvers(Loop& loop);
    ~Resolvers();
    Resolvers(const Resolvers&) = delete;
    Resolvers& operator=(const Resolvers&) = delete;

    // The addresses of `host`, in the order in which to try them. An address
    // answers as itself; /etc/hosts counts unless a `server` is named. `server`
    // is ADDRESS or ADDRESS:PORT, empty for the system's own. `done` is called
    // once, later, never from within, by `deadline` at the latest. Errors:
    // not_found (the name does not exist or has no such address), timed_out, io,
    // each with a message that names the host and says why.
    std::unique_ptr<Lookup> resolve(std::string_view host, LookupFamily family,
                                    std::string_view server, Instant deadline, OnAddresses done);

    // Asks one server one question, exactly once more after a lost packet. An
    // answer of any rcode is an answer. Errors: timed_out, io (refused,
    // unreachable), corrupt (not a DNS message).
    std::unique_ptr<Lookup> query(const DnsQuestion& question, Instant deadline, OnAnswer done);

    // The system's name servers, in order, from resolv.conf.
    std::vector<SocketAddress> system_servers() const;

private:
    class Channel;
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace picket::io
