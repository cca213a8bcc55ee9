// HttpFetch: one URL fetched as an HttpQuery says, redirects followed.
//
// The addresses of the host that is connected to (the URL's, the one of
// `connect_to`, or the proxy's) are tried in order until one accepts. Redirects
// are followed here, hop by hop, each looked up and pinned like the first: as
// browsers do it, 303 (and 301 and 302 after a POST) turn the request into a GET
// without a body. What is meant for one host alone (credentials, client certificate, cookies, the
// fields Authorization, Proxy-Authorization, Cookie and Host, `connect_to` and
// `tls_server_name`) goes to no other; a host that moves from http to https on the
// usual ports is itself.
//
//     refused, reset before a byte   failed, class refused
//     no answer in time              failed, class timeout; says how far it got
//     no route                       failed, class unreachable
//     name not resolved              failed, class dns
//     handshake, certificate         failed, class tls, certificate
//     not HTTP, cut short            failed, class protocol
//     too many redirects             failed, class protocol
//     no descriptor, unusable file   errored

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/io/http_client.h"
#include "agent/io/http_url.h"
#include "agent/io/timer.h"
#include "checks/outcome.h"
#include "checks/probes/kinds.h"
#include "checks/probes/reach.h"
#include "checks/types/http.h"

namespace picket::checks {

// The URL of a query as it was read last. Checks ask the same for years, and reading it
// takes libcurl a tenth of what the exchange does.
struct KnownUrl {
    std::string text;   // As the query has it.
    std::string asked;  // With the host as DNS has it.
    io::HttpUrl target;
};

// What came of a fetch. Without a failure, `exchange` is the last hop's answer.
struct Fetched {
    std::optional<Outcome> failure;
    io::HttpExchange exchange;
    std::string host;      // Of the last hop.
    std::string peer;      // Who was asked last: "192.0.2.1:443"; empty: nobody.
    std::string location;  // Where the answer redirects to, or where redirects led; empty: nowhere.
    std::uint32_t redirects = 0;
    std::vector<Phase> phases;
};

class HttpFetch {
public:
    using Done = std::function<void(Fetched)>;

    struct When {
        Instant started;  // Phases count from here.
        Instant deadline;
    };

    // `definition` must outlive the fetch. With a `pin` the first hop goes to that
    // address and no name is looked up for it.
    HttpFetch(const Definition& definition, ProbeServices services,
              std::optional<IpAddress> pin = std::nullopt);
    ~HttpFetch();
    HttpFetch(const HttpFetch&) = delete;
    HttpFetch& operator=(const HttpFetch&) = delete;

    // Calls `done` once, later, by the deadline; it may destroy this or start the
    // next. `query` must outlive the fetch, `jar` (or null) too. Requires that no
    // fetch is under way.
    void start(const HttpQuery& query, When when, io::HttpCookies* jar, Done done);
    void cancel();

private:
    struct Run;

    void begin_hop();
    void ask_addresses(std::vector<IpAddress> addresses);
    void ask_next();
    void on_exchange(Instant asked_at, io::HttpExchange exchange);
    void on_error(const io::HttpError& error);
    void follow(std::uint16_t status, const std::string& location);
    std::string timeout_message(const io::HttpError& error) const;
    void record(Duration begun, const io::HttpExchange& exchange);
    Duration since_start() const;
    std::string peer() const;
    void give_up(std::string problem);
    void fail(FailureClass failure_class, std::string_view message);
    void finish(std::optional<Outcome> failure);

    const Definition& definition_;
    ProbeServices services_;
    std::optional<IpAddress> pin_;
    AddressSearch search_;
    KnownUrl known_url_;
    std::unique_ptr<Run> run_;
    std::unique_ptr<io::HttpTransfer> transfer_;
    std::unique_ptr<io::Timer> later_;
};

// The request of a query, its address not yet known. Reads the URL where `known` is of
// another. Returns io where body_file cannot be read, invalid where the URL is none.
Result<io::HttpRequest> http_request(const HttpQuery& query, KnownUrl& known);

// Whom a query for `url` connects to first: its host, that of `connect_to` or the proxy.
Result<HostPort> http_contact(const HttpQuery& query, const io::HttpUrl& url);

// The request that follows `request`, answered with `status` and a Location. Its
// address is not yet known. Returns invalid where there is no way to go.
Result<io::HttpRequest> redirected(io::HttpRequest request, std::uint16_t status,
                                   const std::string& location);

}  // namespace picket::checks
