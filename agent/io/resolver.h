// Resolvers: every name lookup and every DNS question, through c-ares.
//
// A lookup never blocks the loop and never starts a thread. There is one c-ares
// channel for each set of servers and way of asking that is in use; it takes
// lookups for half a minute and is closed once the last of them has its answer,
// so that a changed resolv.conf is read again and no socket stays open for long.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
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
    std::optional<IpAddress> source{};  // To ask from; of the server's family.
};

// Why a question found no answer.
struct QueryFailure {
    Error error;
    int error_number = 0;  // The errno of a socket that failed; 0 where none did.
};

class Resolvers {
public:
    // Lookups that c-ares is at work on, dropped ones included: further ones are
    // answered with exhausted.
    static constexpr std::size_t lookups_in_flight_max = 4096;
    // Each takes some 80 kB. One that is idle makes way for a new one; where none
    // is, the lookup is answered with exhausted.
    static constexpr std::size_t channels_max = 256;

    using OnAddresses = std::function<void(Result<std::vector<IpAddress>>)>;
    using OnAnswer = std::function<void(tl::expected<DnsAnswer, QueryFailure>)>;

    // `system_servers` take the place of resolv.conf's, where there are any.
    explicit Resolvers(Loop& loop, std::vector<SocketAddress> system_servers = {});
    ~Resolvers();
    Resolvers(const Resolvers&) = delete;
    Resolvers& operator=(const Resolvers&) = delete;

    // The addresses of `host`, in the order in which to try them. An address
    // answers as itself; /etc/hosts counts unless a `server` is named. `server`
    // is ADDRESS or ADDRESS:PORT, empty for the system's own. `done` is called
    // once, later, never from within, by `deadline` at the latest. Errors:
    // not_found (the name does not exist or has no such address), timed_out, io
    // (no server could be asked, or none would answer), invalid (`host` is no name,
    // `server` no address), exhausted, each with a message that names the host and
    // the servers and says why: "look up db.example.com at 10.0.0.1:53: NXDOMAIN".
    std::unique_ptr<Lookup> resolve(std::string_view host, LookupFamily family,
                                    std::string_view server, Instant deadline, OnAddresses done);

    // Asks one server one question, and once more when a third of the time went by
    // without an answer. An answer of any rcode is an answer; a datagram that does
    // not answer this question is ignored. Errors: timed_out, refused or unreachable
    // (io), corrupt (not a DNS message), invalid (no such type, not a name),
    // exhausted; said as resolve() does.
    std::unique_ptr<Lookup> query(const DnsQuestion& question, Instant deadline, OnAnswer done);

    // The system's name servers, in order.
    std::vector<SocketAddress> system_servers() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace picket::io
