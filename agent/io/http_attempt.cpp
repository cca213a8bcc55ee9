#include "agent/io/http_attempt.h"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/errno_text.h"
#include "agent/base/text.h"
#include "agent/base/version.h"
#include "agent/io/clock.h"
#include "agent/io/http_url.h"
#include "agent/io/socket_fault.h"

namespace picket::io {
namespace {

// Of an answer; more of them cost an allocation.
constexpr std::size_t usual_header_count = 12;

// An option that libcurl does not take is a mistake of ours, not of the request.
template <typename Value>
void set(CURL* easy, CURLoption option, Value value) {
    PICKET_ASSERT(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

bool same_name(std::string_view a, std::string_view b) {
    return curl_strnequal(a.data(), b.data(), std::max(a.size(), b.size())) != 0 &&
           a.size() == b.size();
}

bool has_line_break(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

Duration elapsed(CURL* easy, CURLINFO which) {
    curl_off_t microseconds = 0;
    curl_easy_getinfo(easy, which, &microseconds);
    return Duration(microseconds);
}

std::string host_field(const HttpUrl& url) {
    const bool v6 = url.host.find(':') != std::string::npos;
    const std::string host = v6 ? fmt::format("[{}]", url.host) : url.host;
    return url.port == 443 ? host : fmt::format("{}:{}", host, url.port);
}

const std::string& own_user_agent() {
    static const std::string text = fmt::format("picket/{}", version);
    return text;
}

long tls_versions(const TlsOptions& options) {
    constexpr std::array<long, 5> least{CURL_SSLVERSION_DEFAULT, CURL_SSLVERSION_TLSv1_0,
                                        CURL_SSLVERSION_TLSv1_1, CURL_SSLVERSION_TLSv1_2,
                                        CURL_SSLVERSION_TLSv1_3};
    constexpr std::array<long, 5> most{CURL_SSLVERSION_MAX_NONE, CURL_SSLVERSION_MAX_TLSv1_0,
                                       CURL_SSLVERSION_MAX_TLSv1_1, CURL_SSLVERSION_MAX_TLSv1_2,
                                       CURL_SSLVERSION_MAX_TLSv1_3};
    TlsVersion min = options.version_min;
    // libcurl's own least version would be above a lower greatest one.
    if (min == TlsVersion::any && options.version_max != TlsVersion::any) min = TlsVersion::v1_0;
    return least[static_cast<std::size_t>(min)] |
           most[static_cast<std::size_t>(options.version_max)];
}

std::string_view version_text(CURL* easy) {
    long version = CURL_HTTP_VERSION_NONE;
    curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
    switch (version) {
        case CURL_HTTP_VERSION_1_0:
            return "1.0";
        case CURL_HTTP_VERSION_1_1:
            return "1.1";
        case CURL_HTTP_VERSION_2_0:
            return "2";
        default:
            return "";
    }
}

}  // namespace

HttpCookies::HttpCookies() : share_(curl_share_init()) {
    PICKET_ASSERT(share_ != nullptr);
    PICKET_ASSERT(curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE) == CURLSHE_OK);
}

HttpCookies::~HttpCookies() {
    curl_share_cleanup(share_);
}

std::optional<std::string> HttpCookies::find(std::string_view name) const {
    CURL* easy = curl_easy_init();
    PICKET_ASSERT(easy != nullptr);
    set(easy, CURLOPT_SHARE, share_);
    curl_slist* lines = nullptr;
    curl_easy_getinfo(easy, CURLINFO_COOKIELIST, &lines);
    std::optional<std::string> found;
    for (const curl_slist* line = lines; line != nullptr; line = line->next) {
        // Netscape's format: seven fields, of which the last two are name and value.
        const std::string_view text = line->data;
        const std::size_t value = text.rfind('\t');
        if (value == text.npos || value == 0) continue;
        const std::size_t begin = text.rfind('\t', value - 1);
        if (begin == text.npos || text.substr(begin + 1, value - begin - 1) != name) continue;
        found = std::string(text.substr(value + 1));
    }
    curl_slist_free_all(lines);
    curl_easy_cleanup(easy);
    return found;
}

HttpAttempt::HttpAttempt(CURL* easy, HttpRequest request, TlsContexts& contexts)
    : easy_(easy), request_(std::move(request)), contexts_(contexts) {
    exchange_.headers.reserve(usual_header_count);
}

Status HttpAttempt::prepare(Instant now) {
    begun_ = now;
    set(easy_, CURLOPT_ERRORBUFFER, curl_words_.data());
    set(easy_, CURLOPT_NOSIGNAL, 1L);
    set(easy_, CURLOPT_FRESH_CONNECT, 1L);
    set(easy_, CURLOPT_FORBID_REUSE, 1L);
    set(easy_, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    set(easy_, CURLOPT_FILETIME, 1L);

    // The deadline is the client's. libcurl would give up connecting after 300 s.
    set(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(INT_MAX));

    set(easy_, CURLOPT_HEADERFUNCTION, &on_header);
    set(easy_, CURLOPT_HEADERDATA, this);
    set(easy_, CURLOPT_WRITEFUNCTION, &on_body);
    set(easy_, CURLOPT_WRITEDATA, this);
    set(easy_, CURLOPT_OPENSOCKETFUNCTION, &on_socket);
    set(easy_, CURLOPT_OPENSOCKETDATA, this);

    set_way();
    PICKET_TRY(set_head());
    set_method();
    set_credentials();
    if (request_.target.tls) PICKET_TRY(set_tls(now));
    return {};
}

// Whether the URL names the address itself, so that nothing has to be pinned.
bool HttpAttempt::names_address() const {
    const HttpUrl& target = request_.target;
    return request_.tls.server_name.empty() && target.port == request_.address.port &&
           target.host == to_text(request_.address.ip);
}

void HttpAttempt::set_way() {
    if (request_.proxy == HttpProxy::none) {
        set(easy_, CURLOPT_PROXY, "");  // Not even one from the environment.
        if (!request_.unix_socket.empty()) {
            set(easy_, CURLOPT_UNIX_SOCKET_PATH, request_.unix_socket.c_str());
            return;
        }
        if (names_address()) return;
        const std::string pin = "::" + to_text(request_.address);
        connect_to_.reset(curl_slist_append(nullptr, pin.c_str()));
        PICKET_ASSERT(connect_to_ != nullptr);
        set(easy_, CURLOPT_CONNECT_TO, connect_to_.get());
        return;
    }
    const bool socks = request_.proxy == HttpProxy::socks;
    set(easy_, CURLOPT_PROXY,
        ((socks ? "socks5h://" : "http://") + to_text(request_.address)).c_str());
    set(easy_, CURLOPT_NOPROXY, "");
    set(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (!request_.proxy_credentials.empty()) {
        set(easy_, CURLOPT_PROXYUSERPWD, request_.proxy_credentials.c_str());
    }
}

void HttpAttempt::set_credentials() {
    if (request_.jar != nullptr) {
        set(easy_, CURLOPT_COOKIEFILE, "");  // Without which a share is not written to.
        set(easy_, CURLOPT_SHARE, request_.jar->share_);
    }
    if (!request_.cookies.empty()) set(easy_, CURLOPT_COOKIE, request_.cookies.c_str());
    if (request_.authentication == HttpAuthentication::none) return;
    const bool digest = request_.authentication == HttpAuthentication::digest;
    set(easy_, CURLOPT_HTTPAUTH, static_cast<long>(digest ? CURLAUTH_DIGEST : CURLAUTH_BASIC));
    set(easy_, CURLOPT_USERPWD, request_.credentials.c_str());
}

Status HttpAttempt::set_head() {
    for (const auto& [name, value] : request_.headers) {
        if (name.empty() || has_line_break(name) || has_line_break(value)) {
            return failure(Code::invalid, fmt::format("header '{}' has a line break or no name",
                                                      printable_line(name, 40)));
        }
        // libcurl's way to write a field without a value.
        append(value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
    }
    host_ = request_.target.host;
    std::string renamed;
    if (request_.target.tls && !request_.tls.server_name.empty()) {
        // libcurl knows one name for SNI, certificate and Host field: the URL's.
        // The address is pinned anyway, so the URL can carry the name for TLS.
        renamed = PICKET_TRY(with_host(request_.url, request_.tls.server_name));
        if (!has_header("Host")) append("Host: " + host_field(request_.target));
        host_ = request_.tls.server_name;
    }
    set(easy_, CURLOPT_URL, renamed.empty() ? request_.url.c_str() : renamed.c_str());
    if (has_body()) {
        // Left alone, libcurl asks leave to send a long body, and calls it a form.
        if (!has_header("Expect")) append("Expect:");
        if (!has_header("Content-Type")) append("Content-Type:");
    }
    set(easy_, CURLOPT_HTTPHEADER, header_list_.get());
    set(easy_, CURLOPT_USERAGENT,
        request_.user_agent.empty() ? own_user_agent().c_str() : request_.user_agent.c_str());
    if (request_.compression) set(easy_, CURLOPT_ACCEPT_ENCODING, "");
    if (request_.version != HttpVersion::any) {
        constexpr std::array<long, 5> versions{CURL_HTTP_VERSION_NONE, CURL_HTTP_VERSION_1_0,
                                               CURL_HTTP_VERSION_1_1, CURL_HTTP_VERSION_2_0,
                                               CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE};
        set(easy_, CURLOPT_HTTP_VERSION, versions[static_cast<std::size_t>(request_.version)]);
    }
    return {};
}

void HttpAttempt::append(const std::string& line) {
    curl_slist* extended = curl_slist_append(header_list_.get(), line.c_str());
    PICKET_ASSERT(extended != nullptr);
    static_cast<void>(header_list_.release());  // It is the head of `extended`.
    header_list_.reset(extended);
}

bool HttpAttempt::has_header(std::string_view wanted) const {
    return std::ranges::any_of(request_.headers,
                               [&](const auto& field) { return same_name(field.first, wanted); });
}

bool HttpAttempt::has_body() const {
    return !request_.body.empty() || request_.method == "POST";
}

void HttpAttempt::set_method() {
    if (request_.method == "HEAD") {
        set(easy_, CURLOPT_NOBODY, 1L);
        return;
    }
    if (has_body()) {
        set(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
        set(easy_, CURLOPT_POSTFIELDS, request_.body.c_str());  // Not copied.
    }
    if (has_body() || request_.method != "GET") {
        set(easy_, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    }
}

Status HttpAttempt::set_tls(Instant now) {
    const char* none = nullptr;
    set(easy_, CURLOPT_SSL_CTX_FUNCTION, &on_tls_context);
    set(easy_, CURLOPT_SSL_CTX_DATA, this);
    // A resumed session shows no certificate.
    set(easy_, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    // libcurl would read the certificates to trust for each connection; or it would keep
    // the first store that it sees, whichever that is, and put it in place of all others.
    set(easy_, CURLOPT_CAPATH, none);
    set(easy_, CURLOPT_CAINFO, none);
    set(easy_, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    if (request_.tls.verify) {
        trusted_ = PICKET_TRY(contexts_.trusted(now, request_.tls.ca_file));
    } else {
        set(easy_, CURLOPT_SSL_VERIFYPEER, 0L);
        set(easy_, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (!request_.tls.client_certificate.empty()) {
        const std::string& key = request_.tls.client_key;
        set(easy_, CURLOPT_SSLCERT, request_.tls.client_certificate.c_str());
        set(easy_, CURLOPT_SSLKEY,
            key.empty() ? request_.tls.client_certificate.c_str() : key.c_str());
    }
    if (request_.tls.version_min != TlsVersion::any ||
        request_.tls.version_max != TlsVersion::any) {
        set(easy_, CURLOPT_SSLVERSION, tls_versions(request_.tls));
        const bool weak = request_.tls.version_min == TlsVersion::v1_0 ||
                          request_.tls.version_min == TlsVersion::v1_1 ||
                          request_.tls.version_max == TlsVersion::v1_0 ||
                          request_.tls.version_max == TlsVersion::v1_1;
        // OpenSSL 3 speaks the old versions only where nothing is held against them.
        if (weak) set(easy_, CURLOPT_SSL_CIPHER_LIST, "DEFAULT@SECLEVEL=0");
    }
    return {};
}

std::size_t HttpAttempt::on_header(char* bytes, std::size_t size, std::size_t count, void* self) {
    return static_cast<HttpAttempt*>(self)->take_header({bytes, size * count});
}
std::size_t HttpAttempt::on_body(char* bytes, std::size_t size, std::size_t count, void* self) {
    return static_cast<HttpAttempt*>(self)->take_body({bytes, size * count});
}
curl_socket_t HttpAttempt::on_socket(void* self, curlsocktype, curl_sockaddr* address) {
    return static_cast<HttpAttempt*>(self)->open_socket(*address);
}
CURLcode HttpAttempt::on_tls_context(CURL*, void* context, void* self) {
    auto* attempt = static_cast<HttpAttempt*>(self);
    attempt->handshake_begun_ = monotonic_now() - attempt->begun_;
    auto* made = static_cast<SSL_CTX*>(context);
    if (attempt->trusted_ != nullptr) SSL_CTX_set1_cert_store(made, attempt->trusted_.get());
    attempt->watch_.attach(made);
    return CURLE_OK;
}

// Called by libcurl for each whole line of each head, and for trailers.
std::size_t HttpAttempt::take_header(std::string_view line) {
    header_bytes_ += line.size();
    if (header_bytes_ > http_header_bytes_max) {
        headers_too_long_ = true;
        return 0;
    }
    if (line.starts_with("HTTP/")) {
        exchange_.headers.clear();
        headers_complete_ = false;
    } else if (trim(line).empty()) {
        headers_complete_ = true;
    } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
        exchange_.headers.emplace_back(trim(line.substr(0, colon)), trim(line.substr(colon + 1)));
    }
    return line.size();
}

std::size_t HttpAttempt::take_body(std::string_view bytes) {
    const std::size_t room = request_.body_bytes_max - exchange_.body.size();
    exchange_.body.append(bytes.substr(0, room));
    if (exchange_.body.size() < request_.body_bytes_max) return bytes.size();
    // Full. Only where the length is known and reached is there nothing more.
    curl_off_t announced = -1;
    curl_easy_getinfo(easy_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    if (bytes.size() <= room && std::cmp_equal(announced, exchange_.body.size())) {
        return bytes.size();
    }
    exchange_.body_cut = true;
    return CURL_WRITEFUNC_ERROR;
}

curl_socket_t HttpAttempt::open_socket(const curl_sockaddr& address) {
    begun_ = monotonic_now();  // As libcurl counts: not from when it was told.
    const int opened =
        socket(address.family, address.socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.protocol);
    if (opened < 0) {
        local_fault_ = fmt::format("open a socket: {}", errno_text(errno));
        return CURL_SOCKET_BAD;
    }
    const bool from_source = request_.source.has_value() && address.family != AF_UNIX;
    const int refusal = from_source ? bind_source(opened, *request_.source) : 0;
    if (refusal != 0) {
        local_fault_ =
            fmt::format("bind source {}: {}", to_text(*request_.source), errno_text(refusal));
        close(opened);
        return CURL_SOCKET_BAD;
    }
    return opened;
}

HttpExchange HttpAttempt::conclude(Instant now, CURLcode code) {
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    exchange_.status = static_cast<std::uint16_t>(status);
    exchange_.version = version_text(easy_);
    const bool whole = exchange_.body_cut || (code == CURLE_OK && headers_complete_);
    if (request_.target.tls && (request_.want_certificate || !whole)) {
        exchange_.certificate = watch_.leaf();
        exchange_.chain_not_after = watch_.chain_not_after();
    }
    curl_off_t modified = -1;
    curl_easy_getinfo(easy_, CURLINFO_FILETIME_T, &modified);
    if (modified >= 0) exchange_.last_modified = WallTime(std::chrono::seconds(modified));
    curl_off_t announced = -1;
    curl_easy_getinfo(easy_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    if (announced >= 0) exchange_.content_length = static_cast<std::uint64_t>(announced);
    if (!whole) exchange_.error = error(code);
    // libcurl's total is the time of its last step, not of giving up.
    exchange_.phases = phases(whole ? elapsed(easy_, CURLINFO_TOTAL_TIME_T) : now - begun_);
    return std::move(exchange_);
}

HttpExchange HttpAttempt::refused(const Error& error) {
    HttpExchange exchange;
    exchange.error = HttpError{HttpErrorKind::local, HttpStage::connecting, error.message()};
    return exchange;
}

// libcurl counts the connection as made when its handshake is over.
Duration HttpAttempt::connected_after() const {
    return handshake_begun_.value_or(elapsed(easy_, CURLINFO_CONNECT_TIME_T));
}

HttpStage HttpAttempt::stage() const {
    if (headers_complete_) return HttpStage::body;
    if (elapsed(easy_, CURLINFO_STARTTRANSFER_TIME_T) > Duration{0}) return HttpStage::headers;
    if (connected_after() == Duration{0}) return HttpStage::connecting;
    const bool secured =
        !request_.target.tls || elapsed(easy_, CURLINFO_APPCONNECT_TIME_T) > Duration{0};
    return secured ? HttpStage::waiting : HttpStage::handshaking;
}

// libcurl counts each from the start, and leaves at 0 what was not reached.
HttpPhases HttpAttempt::phases(Duration total) const {
    HttpPhases phases;
    Duration begun{0};
    const auto advance = [&](Duration until) {
        const Duration end = until > Duration{0} ? until : total;
        const Duration length = std::max(end - begun, Duration{0});
        begun = end;
        return length;
    };
    const HttpStage reached = stage();
    phases.connect = advance(connected_after());
    if (reached == HttpStage::connecting) return phases;
    if (request_.target.tls) phases.tls = advance(elapsed(easy_, CURLINFO_APPCONNECT_TIME_T));
    if (reached == HttpStage::handshaking) return phases;
    phases.first_byte = advance(elapsed(easy_, CURLINFO_STARTTRANSFER_TIME_T));
    if (reached == HttpStage::waiting) return phases;
    phases.transfer = advance(total);
    return phases;
}

}  // namespace picket::io
