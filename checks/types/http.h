// What an http check asks and expects; the keys are in docs/CHECKS.md.

#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/time.h"
#include "agent/base/tls_options.h"
#include "checks/query.h"
#include "checks/types/addresses.h"
#include "checks/types/status_range.h"

namespace picket::checks {

struct TypeEntry;

enum class HttpVersion : std::uint8_t { any, v1_0, v1_1, v2, v2_direct };

using TextFields = std::vector<std::pair<std::string, Text>>;  // Sorted by name.

struct HttpQuery {
    static constexpr Type type = Type::http;

    // The request.
    Text url;
    std::string method = "GET";  // POST where that has a body_json or body_form.
    TextFields headers;
    Text body;
    std::string body_file;  // Read for every request.
    Text body_json;
    TextFields body_form;
    Text basic_auth;  // USER:PASSWORD
    Text digest_auth;
    Text bearer;
    std::string user_agent;
    TextFields cookies;
    bool compression = false;
    HttpVersion http_version = HttpVersion::any;

    // The way to the server.
    Text proxy;
    std::string unix_socket;
    Text connect_to;  // HOST or HOST:PORT
    Addresses addresses = Addresses::any;
    TlsOptions tls;
    bool follow_redirects = true;
    std::uint32_t redirects_max = 10;

    // What is expected.
    std::vector<StatusRange> status{{200, 299}};
    std::string body_contains;
    std::string body_matches;      // RE2, anywhere in the first body_size_max bytes; empty: any.
    std::string body_not_matches;  // RE2.
    std::map<std::string, std::string> header_matches;      // Name -> RE2; missing header fails.
    std::map<std::string, std::string> header_not_matches;  // Name -> RE2.
    std::map<std::string, std::string> json_values;         // JSON pointer -> condition.
    std::string redirect_matches;                           // RE2
    std::string expect_http_version;                        // "1.0", "1.1", "2"; empty: any.
    std::uint32_t body_size_max = 1024 * 1024;              // Bytes read; the rest is not fetched.
    std::uint32_t content_length_min = 0;
    std::uint32_t content_length_max = std::numeric_limits<std::uint32_t>::max();
    std::optional<Duration> last_modified_age;
    std::uint32_t certificate_days = 0;  // Least days left of the server's own; 0: any.
    std::uint32_t chain_days = 0;        // Of every one in the chain.
    std::optional<Duration> resolve_latency;
    std::optional<Duration> connect_latency;
    std::optional<Duration> tls_latency;
    std::optional<Duration> first_byte_latency;
    std::optional<Duration> transfer_latency;

    bool operator==(const HttpQuery&) const = default;
};

const TypeEntry& http_type();

// What no key of an HTTP request alone can get wrong; a journey's steps ask too.
void check_http_query(const HttpQuery& query,
                      const std::function<void(std::string_view, const std::string&)>& complain);

}  // namespace picket::checks
