// URLs of http and https, as libcurl reads them: there is no second opinion about
// which host a URL names.

#pragma once

#include <cstdint>
#include <string>

#include "agent/base/result.h"

namespace picket::io {

struct HttpUrl {
    bool tls = false;
    std::string host;  // Without brackets; a name or an address.
    std::uint16_t port = 0;

    // The scheme, host and port within which credentials may travel.
    bool operator==(const HttpUrl&) const = default;
};

// Returns invalid for anything that is not an absolute http or https URL.
Result<HttpUrl> parse_http_url(const std::string& url);

// Where a redirect from `base` leads. Credentials in `base` stay with the same
// scheme, host and port. Returns invalid where it is neither http nor https.
Result<std::string> follow_location(const std::string& base, const std::string& location);

// `url` asked of another host name: its path and query under `host`.
Result<std::string> with_host(const std::string& url, const std::string& host);

}  // namespace picket::io
