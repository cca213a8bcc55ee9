// One request set up on one of libcurl's easy handles, and what libcurl tells of
// it. Private to HttpClient.

#pragma once

#include <curl/curl.h>

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "agent/base/result.h"
#include "agent/io/certificate.h"
#include "agent/io/http_client.h"

namespace picket::io {

class HttpAttempt {
public:
    // `easy` must outlive the attempt or be reset before it is used again, and
    // the attempt must stay where it is: libcurl holds its address.
    HttpAttempt(CURL* easy, HttpRequest request, TlsContexts& contexts);
    HttpAttempt(const HttpAttempt&) = delete;
    HttpAttempt& operator=(const HttpAttempt&) = delete;

    // Sets every option. Returns invalid for a request that HTTP cannot carry.
    Status prepare(Instant now);

    Instant connect_by() const { return request_.connect_by; }
    HttpStage stage() const;

    // What came of it. Called once, while `easy` still knows.
    HttpExchange conclude(Instant now, CURLcode code);

    // What comes of a request that could not be prepared.
    static HttpExchange refused(const Error& error);

private:
    struct ListCleanup {
        void operator()(curl_slist* list) const { curl_slist_free_all(list); }
    };
    using List = std::unique_ptr<curl_slist, ListCleanup>;

    static std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* self);
    static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* self);
    static curl_socket_t on_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
    static CURLcode on_tls_context(CURL* easy, void* context, void* self);

    Status set_head();
    void set_method();
    void set_way();
    bool names_address() const;
    void set_credentials();
    Status set_tls(Instant now);
    void append(const std::string& header_line);
    bool has_header(std::string_view wanted) const;
    bool has_body() const;

    std::size_t take_header(std::string_view line);
    std::size_t take_body(std::string_view bytes);
    curl_socket_t open_socket(const curl_sockaddr& address);

    Duration connected_after() const;
    HttpPhases phases(Duration total) const;
    HttpError error(CURLcode code) const;
    HttpError connect_error() const;
    HttpError certificate_error() const;
    std::string closed_early() const;
    std::string peer() const;

    CURL* easy_;
    HttpRequest request_;
    TlsContexts& contexts_;
    std::string host_;  // The name that the certificate must be for.
    TlsContexts::Store trusted_;
    List header_list_;
    List connect_to_;
    std::array<char, CURL_ERROR_SIZE> curl_words_{};

    HttpExchange exchange_;
    std::size_t header_bytes_ = 0;
    bool headers_too_long_ = false;
    bool headers_complete_ = false;
    std::string local_fault_;                  // Why there is no socket.
    Instant begun_;                            // To connect; before that, to be prepared.
    std::optional<Duration> handshake_begun_;  // Since then; TLS only.
    CertificateWatch watch_;
};

}  // namespace picket::io
