#include "agent/io/http_url.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <locale.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <string_view>

#include "agent/base/assert.h"

namespace picket::io {
namespace {

struct UrlCleanup {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlCleanup>;

tl::unexpected<Error> invalid_url(std::string_view url, std::string_view why) {
    return failure(Code::invalid, fmt::format("'{}' is not a usable URL: {}", url, why));
}

std::optional<std::string> part(const Url& url, CURLUPart which, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url.get(), which, &text, flags) != CURLUE_OK) return std::nullopt;
    std::string copy(text);
    curl_free(text);
    return copy;
}

Result<Url> parse(const std::string& text) {
    Url url(curl_url());
    PICKET_ASSERT(url != nullptr);
    const CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0);
    if (code != CURLUE_OK) return invalid_url(text, curl_url_strerror(code));
    return url;
}

// The host; a name beyond ASCII as DNS has it (RFC 5891); empty where there is none.
std::string ascii_host(const Url& url) {
    std::string host = part(url, CURLUPART_HOST).value_or("");
    const auto beyond = [](char c) { return static_cast<unsigned char>(c) >= 0x80; };
    if (std::ranges::none_of(host, beyond)) return host;
    // libcurl takes the name to be in the encoding of the locale.
    static const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    const locale_t before = uselocale(utf8);
    host = part(url, CURLUPART_HOST, CURLU_PUNYCODE).value_or("");
    uselocale(before);
    return host;
}

Result<HttpUrl> target(const Url& url, const std::string& text) {
    const std::string scheme = part(url, CURLUPART_SCHEME).value_or("");
    if (scheme != "http" && scheme != "https") {
        return invalid_url(text, "neither http nor https");
    }
    HttpUrl parsed;
    parsed.tls = scheme == "https";
    parsed.host = ascii_host(url);
    if (parsed.host.empty()) return invalid_url(text, "no host");
    if (parsed.host.starts_with('[')) parsed.host = parsed.host.substr(1, parsed.host.size() - 2);
    if (parsed.host.empty()) return invalid_url(text, "no host");
    const std::string port = part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT).value_or("");
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), parsed.port);
    if (error != std::errc{} || parsed.port == 0) return invalid_url(text, "bad port");
    return parsed;
}

}  // namespace

Result<HttpUrl> parse_http_url(const std::string& url) {
    const Url parsed = PICKET_TRY(parse(url));
    return target(parsed, url);
}

Result<std::string> follow_location(const std::string& base, const std::string& location) {
    const Url url = PICKET_TRY(parse(base));
    const HttpUrl from = PICKET_TRY(target(url, base));
    const std::optional<std::string> user = part(url, CURLUPART_USER);
    const std::optional<std::string> password = part(url, CURLUPART_PASSWORD);
    // As browsers and curl do, a space in a Location is taken for what was meant.
    const CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, location.c_str(),
                                        CURLU_URLENCODE | CURLU_ALLOW_SPACE);
    if (code != CURLUE_OK) return invalid_url(location, curl_url_strerror(code));
    const HttpUrl to = PICKET_TRY(target(url, location));
    if (to == from && user.has_value() && !part(url, CURLUPART_USER).has_value()) {
        curl_url_set(url.get(), CURLUPART_USER, user->c_str(), 0);
        if (password.has_value()) {
            curl_url_set(url.get(), CURLUPART_PASSWORD, password->c_str(), 0);
        }
    }
    return part(url, CURLUPART_URL).value_or("");
}

Result<std::string> with_host(const std::string& url, const std::string& host) {
    const Url parsed = PICKET_TRY(parse(url));
    const CURLUcode code = curl_url_set(parsed.get(), CURLUPART_HOST, host.c_str(), 0);
    if (code != CURLUE_OK) return invalid_url(host, curl_url_strerror(code));
    return part(parsed, CURLUPART_URL).value_or("");
}

}  // namespace picket::io
