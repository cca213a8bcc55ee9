// HttpClient: HTTP and HTTPS exchanges over libcurl, on the loop.
//
// One in an agent. Each exchange is one request on one fresh connection to an
// address that the caller has resolved; the URL's host goes into the Host field,
// SNI and the certificate's check only (behind a proxy, to the proxy). So libcurl
// never resolves a name, never starts a thread, never reuses a connection and
// never follows a redirect: what comes back is what this request, to this address,
// was answered. No .netrc, no proxy and no cookie plays a part that the request
// does not name.
//
// What certificates are verified against is shared with all other TLS
// connections (tls_context.h): the system's store takes up to 20 ms to load.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/address.h"
#include "agent/base/time.h"
#include "agent/base/tls_options.h"
#include "agent/io/certificate.h"
#include "agent/io/http_url.h"
#include "agent/io/tls_context.h"

namespace picket::io {

class Loop;

// The head of an answer, status lines and interim answers included, may take this
// many bytes; more is a protocol error.
constexpr std::size_t http_header_bytes_max = 65'536;

enum class HttpVersion : std::uint8_t { any, v1_0, v1_1, v2, v2_direct };
enum class HttpAuthentication : std::uint8_t { none, basic, digest };
enum class HttpProxy : std::uint8_t { none, http, socks };

// Cookies that one exchange sets and the next sends, by libcurl's rules. Must
// outlive the exchanges that use it.
class HttpCookies {
public:
    HttpCookies();
    ~HttpCookies();
    HttpCookies(const HttpCookies&) = delete;
    HttpCookies& operator=(const HttpCookies&) = delete;

    // The value of the cookie of that name, whatever host set it.
    std::optional<std::string> find(std::string_view name) const;

private:
    friend class HttpAttempt;
    void* share_;
};

struct HttpRequest {
    // Sets both of the next. Errors as of parse_http_url(), which change nothing.
    Status set_url(std::string text);
    std::string url;
    HttpUrl target;

    SocketAddress address;            // Where to connect, whatever the URL says.
    std::string unix_socket;          // In its place.
    std::optional<IpAddress> source;  // Local address to connect from.
    Instant connect_by = never;       // Not connected by then is a timeout too.

    HttpProxy proxy = HttpProxy::none;  // What is at the address.
    std::string proxy_credentials;      // USER:PASSWORD; empty: none.

    std::string method = "GET";
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::string cookies;  // "a=1; b=2"
    HttpCookies* jar = nullptr;
    HttpAuthentication authentication = HttpAuthentication::none;
    std::string credentials;  // USER:PASSWORD
    std::string user_agent;   // Empty: picket's own.
    bool compression = false;
    HttpVersion version = HttpVersion::any;

    // The body is read up to here; then the exchange ends, and is a success.
    std::size_t body_bytes_max = 1'048'576;

    TlsOptions tls;
    bool want_certificate = true;  // Else it is told of a failure only.
};

enum class HttpErrorKind : std::uint8_t {
    refused,      // Connection refused, or broken before the first byte.
    timeout,      // The deadline passed, or the kernel gave up connecting.
    unreachable,  // No route.
    tls,          // The handshake failed.
    certificate,  // The certificate does not verify.
    protocol,     // What came is not HTTP, or not all of it.
    local,        // Our own: no descriptor, no such source address, a bad ca_file.
};

// How far an exchange got.
enum class HttpStage : std::uint8_t { connecting, handshaking, waiting, headers, body };

// "connected, waiting for the first byte"
std::string_view to_text(HttpStage stage);

struct HttpError {
    HttpErrorKind kind = HttpErrorKind::local;
    HttpStage stage = HttpStage::connecting;
    std::string message;  // "connect 127.0.0.1:8080: connection refused"
};

// One after the other; 0 where it was not reached. `tls` is 0 without TLS.
struct HttpPhases {
    Duration connect{0};
    Duration tls{0};
    Duration first_byte{0};
    Duration transfer{0};
};

struct HttpExchange {
    std::optional<HttpError> error;  // Where there is one, the rest is what came before it.
    std::uint16_t status = 0;
    std::string_view version;  // "1.1", "2"
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    bool body_cut = false;                        // There was, or may have been, more of it.
    std::optional<std::uint64_t> content_length;  // As announced.
    std::optional<WallTime> last_modified;
    std::optional<Certificate> certificate;   // Of the server; also where it did not verify.
    std::optional<WallTime> chain_not_after;  // When the first of its chain ends.
    HttpPhases phases;
};

// An exchange under way. Destroying it ends it and drops its answer; it may be
// destroyed from within its own `done`.
class HttpTransfer {
public:
    HttpTransfer() = default;
    HttpTransfer(const HttpTransfer&) = delete;
    HttpTransfer& operator=(const HttpTransfer&) = delete;
    virtual ~HttpTransfer() = default;
};

class HttpClient {
public:
    using Done = std::function<void(HttpExchange)>;

    explicit HttpClient(Loop& loop);

    // Requires that every transfer is gone and that no `done` is running.
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    // Calls `done` once, later and never from within, by `deadline` at the latest.
    std::unique_ptr<HttpTransfer> start(HttpRequest request, Instant deadline, Done done);

    // What TLS connections beside those of HTTP share, kept where they are at home.
    TlsContexts& tls_contexts() { return tls_contexts_; }

private:
    class Transfer;
    struct State;
    std::unique_ptr<State> state_;
    TlsContexts tls_contexts_;
};

}  // namespace picket::io
