// From a query to the request that asks it.

#include <fmt/format.h>

#include <algorithm>

#include "agent/io/read_file.h"
#include "checks/expectation.h"
#include "checks/probes/http_fetch.h"

namespace picket::checks {
namespace {

constexpr std::size_t body_file_bytes_max = 1024UL * 1024;

// application/x-www-form-urlencoded, as the URL standard has it.
std::string form_encoded(std::string_view text) {
    std::string encoded;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '*' || c == '-' || c == '.' || c == '_';
        if (plain) {
            encoded += c;
        } else if (c == ' ') {
            encoded += '+';
        } else {
            encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return encoded;
}

bool has_field(const HeaderFields& fields, std::string_view name) {
    return std::ranges::any_of(
        fields, [&](const auto& field) { return same_field_name(field.first, name); });
}

Status add_body(const HttpQuery& query, io::HttpRequest& request) {
    const auto typed = [&](std::string body, const char* type) {
        request.body = std::move(body);
        if (!has_field(request.headers, "Content-Type")) {
            request.headers.emplace_back("Content-Type", type);
        }
    };
    if (!query.body_json.value.empty()) {
        typed(query.body_json.value, "application/json");
    } else if (!query.body_form.empty()) {
        std::string form;
        for (const auto& [name, value] : query.body_form) {
            if (!form.empty()) form += '&';
            form += form_encoded(name) + '=' + form_encoded(value.value);
        }
        typed(std::move(form), "application/x-www-form-urlencoded");
    } else if (!query.body_file.empty()) {
        auto read = io::read_file(query.body_file, body_file_bytes_max);
        if (!read.has_value()) {
            return tl::make_unexpected(
                std::move(read).error().within("body_file " + query.body_file));
        }
        request.body = std::move(read->text);
    } else {
        request.body = query.body.value;
    }
    return {};
}

void add_credentials(const HttpQuery& query, io::HttpRequest& request) {
    if (!query.basic_auth.value.empty()) {
        request.authentication = io::HttpAuthentication::basic;
        request.credentials = query.basic_auth.value;
    } else if (!query.digest_auth.value.empty()) {
        request.authentication = io::HttpAuthentication::digest;
        request.credentials = query.digest_auth.value;
    } else if (!query.bearer.value.empty()) {
        request.headers.emplace_back("Authorization", "Bearer " + query.bearer.value);
    }
    for (const auto& [name, value] : query.cookies) {
        if (!request.cookies.empty()) request.cookies += "; ";
        request.cookies += name + "=" + value.value;
    }
}

Result<KnownUrl> read_url(const std::string& text) {
    KnownUrl read{text, text, {}};
    read.target = PICKET_TRY(io::parse_http_url(text));
    const auto beyond_ascii = [](char c) { return static_cast<unsigned char>(c) >= 0x80; };
    if (std::ranges::any_of(text, beyond_ascii)) {
        read.asked = PICKET_TRY(io::with_host(text, read.target.host));
    }
    return read;
}

// "http://user:password@proxy:3128/" in its parts.
struct Proxy {
    io::HttpProxy kind = io::HttpProxy::none;
    std::string credentials;
    std::string_view authority;
};

Proxy parse_proxy(std::string_view text) {
    Proxy proxy;
    if (text.empty()) return proxy;
    proxy.kind = text.starts_with("socks5h://") ? io::HttpProxy::socks : io::HttpProxy::http;
    text.remove_prefix(text.find("://") + 3);
    if (text.ends_with('/')) text.remove_suffix(1);
    const std::size_t at = text.rfind('@');
    if (at != text.npos) proxy.credentials = text.substr(0, at);
    proxy.authority = at == text.npos ? text : text.substr(at + 1);
    return proxy;
}

}  // namespace

Result<io::HttpRequest> http_request(const HttpQuery& query, KnownUrl& known) {
    if (known.asked.empty() || known.text != query.url.value) {
        known = PICKET_TRY(read_url(query.url.value));
    }
    io::HttpRequest request;
    request.url = known.asked;
    request.target = known.target;
    const bool posts = !query.body_json.value.empty() || !query.body_form.empty();
    request.method = posts && query.method == "GET" ? "POST" : query.method;
    for (const auto& [name, value] : query.headers) {
        request.headers.emplace_back(name, value.value);
    }
    PICKET_TRY(add_body(query, request));
    add_credentials(query, request);
    request.user_agent = query.user_agent;
    request.compression = query.compression;
    request.version = static_cast<io::HttpVersion>(query.http_version);
    request.body_bytes_max = query.body_size_max;
    request.tls = query.tls;
    request.want_certificate = query.certificate_days > 0 || query.chain_days > 0;
    const Proxy proxy = parse_proxy(query.proxy.value);
    request.proxy = proxy.kind;
    request.proxy_credentials = proxy.credentials;
    return request;
}

Result<HostPort> http_contact(const HttpQuery& query, const io::HttpUrl& url) {
    if (const Proxy proxy = parse_proxy(query.proxy.value); proxy.kind != io::HttpProxy::none) {
        return parse_host_port(proxy.authority, proxy.kind == io::HttpProxy::http ? 3128 : 1080);
    }
    if (!query.connect_to.value.empty()) {
        return parse_host_port(query.connect_to.value, url.port);
    }
    return HostPort{url.host, url.port};
}

}  // namespace picket::checks
