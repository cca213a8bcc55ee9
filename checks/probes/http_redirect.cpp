#include <algorithm>
#include <array>

#include "agent/io/http_url.h"
#include "checks/expectation.h"
#include "checks/probes/http_fetch.h"

namespace picket::checks {
namespace {

using Names = std::array<std::string_view, 4>;
constexpr Names of_one_host{"Authorization", "Proxy-Authorization", "Cookie", "Host"};
constexpr Names of_a_body{"Content-Type", "Content-Length", "Content-Encoding",
                          "Transfer-Encoding"};

void drop(HeaderFields& fields, const Names& names) {
    std::erase_if(fields, [&](const auto& field) {
        return std::ranges::any_of(
            names, [&](std::string_view name) { return same_field_name(field.first, name); });
    });
}

// RFC 9110, 15.4: what browsers and curl make of the method.
bool becomes_get(const std::string& method, std::uint16_t status) {
    if (status == 303) return method != "HEAD";
    return (status == 301 || status == 302) && method == "POST";
}

// Whether what was meant for `from` may be told to `to`.
bool same_host(const io::HttpUrl& from, const io::HttpUrl& to) {
    const bool secured = !from.tls && to.tls && from.port == 80 && to.port == 443;
    return from == to || (secured && from.host == to.host);
}

}  // namespace

Result<io::HttpRequest> redirected(io::HttpRequest request, std::uint16_t status,
                                   const std::string& location) {
    const io::HttpUrl from = request.target;
    std::string followed = PICKET_TRY(io::follow_location(request.url, location));
    PICKET_TRY(request.set_url(std::move(followed)));
    const io::HttpUrl& to = request.target;
    if (becomes_get(request.method, status)) {
        request.method = "GET";
        request.body.clear();
        drop(request.headers, of_a_body);
    }
    if (!same_host(from, to)) {
        drop(request.headers, of_one_host);
        request.authentication = io::HttpAuthentication::none;
        request.credentials.clear();
        request.cookies.clear();
        request.tls.client_certificate.clear();
        request.tls.client_key.clear();
    }
    if (from.host != to.host) {
        request.tls.server_name.clear();
        request.unix_socket.clear();
    }
    return request;
}

}  // namespace picket::checks
