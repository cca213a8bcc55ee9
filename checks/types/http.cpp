#include "checks/types/http.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent/base/address.h"
#include "checks/json_value.h"
#include "checks/types/connection_keys.h"
#include "checks/types/keys.h"

namespace picket::checks {
namespace {

using namespace words;
using H = HttpQuery;

constexpr std::array<std::string_view, 5> versions{"any", "1.0", "1.1", "2", "2-direct"};
constexpr std::array<std::string_view, 3> answered_versions{"1.0", "1.1", "2"};

constexpr std::uint64_t day_ms = 86'400'000;

Status check_credentials(std::string_view text) {
    PICKET_TRY(check_line(text));
    if (text.find(':') != text.npos) return {};
    return failure(Code::invalid, "is not USER:PASSWORD");
}

Status check_cookie_name(std::string_view text) {
    return check_header(text);
}

Status check_cookie_value(std::string_view text) {
    PICKET_TRY(check_line(text));
    if (text.find(';') == text.npos) return {};
    return failure(Code::invalid, "a cookie's value holds no ';'");
}

Status check_proxy(std::string_view text) {
    for (const std::string_view scheme : {"http://", "socks5h://"}) {
        if (!text.starts_with(scheme)) continue;
        std::string_view authority = text.substr(scheme.size());
        if (authority.ends_with('/')) authority.remove_suffix(1);
        const std::size_t at = authority.rfind('@');
        if (at != authority.npos) authority.remove_prefix(at + 1);
        const auto host = parse_host_port(authority, scheme == "http://" ? 3128 : 1080);
        if (host.has_value() && check_host(host->host).has_value()) return {};
    }
    return failure(Code::invalid,
                   fmt::format("'{}' is not a proxy such as "
                               "http://proxy.example.com:3128 or socks5h://HOST:PORT",
                               text));
}

Status check_connect_to(std::string_view text) {
    const auto address = parse_host_port(text, 80);
    if (!address.has_value()) return tl::make_unexpected(address.error());
    return check_host(address->host);
}

// clang-format off
constexpr std::array own{
    Key{"url", required, question, in<&H::url>, "a URL such as \"https://www.example.com/\"",
        "What to fetch, over http or https.", {.check = check_url}},
    Key{"method", optional, question, in<&H::method>, "a method such as \"GET\"",
        "The request's method; GET becomes POST where body_json or body_form is given.", {.check = check_method}},
    Key{"headers", optional, question, in<&H::headers>, "a table of strings such as { Accept = \"text/html\" }",
        "Headers of the request; an array of strings sends one header several times.", {.check = check_line, .check_member = check_header, .several = true}},
    Key{"body", optional, question, in<&H::body>, a_string,
        "The request's body."},
    Key{"body_file", optional, question, in<&H::body_file>, a_path,
        "The file that holds the request's body, at most 1 MiB; read for every request.", {.check = check_absolute_path}},
    Key{"body_json", optional, question, in<&H::body_json>, "a string of JSON",
        "The request's body, sent as application/json.", {.check = check_json}},
    Key{"body_form", optional, question, in<&H::body_form>, "a table of strings such as { user = \"picket\" }",
        "The fields of a form, sent as application/x-www-form-urlencoded.", {.check = check_argument, .check_member = check_argument}},
    Key{"basic_auth", optional, question, in<&H::basic_auth>, "USER:PASSWORD",
        "Credentials for basic authentication.", {.check = check_credentials}},
    Key{"digest_auth", optional, question, in<&H::digest_auth>, "USER:PASSWORD",
        "Credentials for digest authentication.", {.check = check_credentials}},
    Key{"bearer", optional, question, in<&H::bearer>, "a token",
        "A bearer token, sent as the header Authorization.", {.check = check_line}},
    Key{"user_agent", optional, question, in<&H::user_agent>, a_string,
        "The header User-Agent, in place of picket/VERSION.", {.check = check_line}},
    Key{"cookies", optional, question, in<&H::cookies>, "a table of strings such as { session = \"1\" }",
        "Cookies of the request.", {.check = check_cookie_value, .check_member = check_cookie_name}},
    Key{"compression", optional, question, in<&H::compression>, a_boolean,
        "Whether a compressed answer is asked for; it is unpacked before it is looked at."},
    Key{"http_version", optional, question, in<&H::http_version>, "\"any\", \"1.0\", \"1.1\", \"2\" or \"2-direct\"",
        "The version to speak; 2-direct: HTTP/2 without asking first, also without TLS.", {.choices = Words(versions)}},
    Key{"proxy", optional, question, in<&H::proxy>, "http://HOST:PORT or socks5h://HOST:PORT",
        "The proxy to ask, which resolves the URL's host; USER:PASSWORD@ may precede the host. What a SOCKS proxy refuses is `errored`.", {.check = check_proxy}},
    Key{"unix_socket", optional, question, in<&H::unix_socket>, a_path,
        "The unix socket to connect to, in place of the URL's host.", {.check = check_absolute_path}},
    Key{"connect_to", optional, question, in<&H::connect_to>, "HOST or HOST:PORT",
        "Where to connect, in place of the URL's host; that is still whom the request and the certificate are for.", {.check = check_connect_to}},
    Key{"follow_redirects", optional, question, in<&H::follow_redirects>, a_boolean,
        "Whether to go where a redirect points."},
    Key{"redirects_max", optional, question, in<&H::redirects_max>, a_count,
        "How many redirects to follow; one more fails.", {.max = 50}},
    Key{"status", optional, question, in<&H::status>, "status codes such as [\"2xx\", \"300-303\", 404]",
        "The status codes that pass."},
    Key{"body_contains", optional, question, in<&H::body_contains>, a_string,
        "Must be found in the body, letter by letter."},
    Key{"body_matches", optional, question, in<&H::body_matches>, a_pattern,
        "Must be found in the body.", {.check = check_expression}},
    Key{"body_not_matches", optional, question, in<&H::body_not_matches>, a_pattern,
        "Must not be found in the body.", {.check = check_expression}},
    Key{"header_matches", optional, question, in<&H::header_matches>, patterns,
        "Must be found in the header of that name; a missing header fails.", {.check = check_expression, .check_member = check_header}},
    Key{"header_not_matches", optional, question, in<&H::header_not_matches>, patterns,
        "Must not be found in the header of that name.", {.check = check_expression, .check_member = check_header}},
    Key{"json_values", optional, question, in<&H::json_values>, "a table of conditions such as { \"/status\" = \"ok\" }",
        "What must be true of values in the JSON of the body, each named by its JSON pointer.", {.check = check_json_condition, .check_member = check_json_pointer}},
    Key{"redirect_matches", optional, question, in<&H::redirect_matches>, a_pattern,
        "Must be found in the URL that the answer redirects to, or that redirects led to.", {.check = check_expression}},
    Key{"expect_http_version", optional, question, in<&H::expect_http_version>, "\"1.0\", \"1.1\" or \"2\"",
        "The version that the server must answer in.", {.choices = Words(answered_versions)}},
    Key{"body_size_max", optional, question, in<&H::body_size_max>, "a size such as \"1MiB\"",
        "How much of the body is read and looked at.", {.max = 16ULL * 1024 * 1024, .size = true}},
    Key{"content_length_min", optional, question, in<&H::content_length_min>, "a size such as \"1KiB\"",
        "Fails when the body is shorter than this.", {.size = true}},
    Key{"content_length_max", optional, question, in<&H::content_length_max>, "a size such as \"1MiB\"",
        "Fails when the body is longer than this.", {.size = true}},
    Key{"last_modified_age", optional, question, in<&H::last_modified_age>, a_duration,
        "Fails when the header Last-Modified is missing or says longer ago than this.", {.min = 1000, .max = 3650 * day_ms}},
    Key{"certificate_days", optional, question, in<&H::certificate_days>, a_count,
        "Fails when the server's own certificate expires in fewer days than this; 0: not looked at.", {.max = 3650}},
    Key{"chain_days", optional, question, in<&H::chain_days>, a_count,
        "Fails when any certificate of the chain expires in fewer days than this; 0: not looked at.", {.max = 3650}},
    Key{"resolve_latency", optional, question, in<&H::resolve_latency>, a_duration,
        "Fails when resolving the name takes longer; redirects included, as of each phase.", {.min = 1, .max = day_ms}},
    Key{"connect_latency", optional, question, in<&H::connect_latency>, a_duration,
        "Fails when connecting takes longer.", {.min = 1, .max = day_ms}},
    Key{"tls_latency", optional, question, in<&H::tls_latency>, a_duration,
        "Fails when the TLS handshake takes longer.", {.min = 1, .max = day_ms}},
    Key{"first_byte_latency", optional, question, in<&H::first_byte_latency>, a_duration,
        "Fails when the answer takes longer to begin.", {.min = 1, .max = day_ms}},
    Key{"transfer_latency", optional, question, in<&H::transfer_latency>, a_duration,
        "Fails when the rest of the answer takes longer.", {.min = 1, .max = day_ms}},
};
// clang-format on

constexpr auto keys = joined(own, addresses_keys<HttpQuery>, tls_keys<&HttpQuery::tls>);

}  // namespace

void check_http_query(const HttpQuery& query, const Complain& complain) {
    check_tls(query.tls, complain);
    const auto one_of = [&](std::initializer_list<std::pair<std::string_view, bool>> given,
                            std::string_view what) {
        std::string_view first;
        for (const auto& [key, there] : given) {
            if (!there) continue;
            if (!first.empty()) complain(key, fmt::format("{} gives {} already", first, what));
            if (first.empty()) first = key;
        }
    };
    one_of({{"body", !query.body.value.empty()},
            {"body_file", !query.body_file.empty()},
            {"body_json", !query.body_json.value.empty()},
            {"body_form", !query.body_form.empty()}},
           "the body");
    one_of({{"basic_auth", !query.basic_auth.value.empty()},
            {"digest_auth", !query.digest_auth.value.empty()},
            {"bearer", !query.bearer.value.empty()}},
           "the credentials");
    one_of({{"proxy", !query.proxy.value.empty()},
            {"unix_socket", !query.unix_socket.empty()},
            {"connect_to", !query.connect_to.value.empty()}},
           "where to connect");
    if (!query.unix_socket.empty() && query.addresses == Addresses::all) {
        complain("addresses", "a unix socket has no addresses");
    }
    if (query.content_length_min > query.content_length_max) {
        complain("content_length_min", "is above content_length_max");
    }
}

const TypeEntry& http_type() {
    static const TypeEntry entry{.type = Type::http,
                                 .keys = keys,
                                 .query = [] { return Query(HttpQuery{}); },
                                 .check =
                                     [](const Definition& definition, const Complain& complain) {
                                         check_http_query(definition.query.as<HttpQuery>(),
                                                          complain);
                                     }};
    return entry;
}

}  // namespace picket::checks
