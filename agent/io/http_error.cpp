// What libcurl's result means for whoever asked, in words.

#include <fmt/format.h>

#include "agent/base/errno_text.h"
#include "agent/base/text.h"
#include "agent/io/http_attempt.h"
#include "agent/io/socket_fault.h"

namespace picket::io {
namespace {

constexpr std::size_t library_words_bytes_max = 120;

// "wrong version number" of "error:0A00010B:SSL routines::wrong version number".
std::string_view plain_tls_words(std::string_view words) {
    const std::size_t reason = words.rfind("::");
    return reason == std::string_view::npos ? words : words.substr(reason + 2);
}

HttpErrorKind kind_of(SocketFault fault) {
    switch (fault) {
        case SocketFault::refused:
        case SocketFault::reset:
            return HttpErrorKind::refused;
        case SocketFault::timed_out:
            return HttpErrorKind::timeout;
        case SocketFault::unreachable:
            return HttpErrorKind::unreachable;
        case SocketFault::local:
            return HttpErrorKind::local;
    }
    return HttpErrorKind::local;
}

}  // namespace

std::string_view to_text(HttpStage stage) {
    switch (stage) {
        case HttpStage::connecting:
            return "connecting";
        case HttpStage::handshaking:
            return "connected, in the TLS handshake";
        case HttpStage::waiting:
            return "connected, waiting for the first byte";
        case HttpStage::headers:
            return "receiving the headers";
        case HttpStage::body:
            return "receiving the body";
    }
    return "";
}

HttpError HttpAttempt::error(CURLcode code) const {
    const HttpStage reached = stage();
    const std::string peer = this->peer();
    const std::string words =
        printable_line(curl_words_[0] != '\0' ? curl_words_.data() : curl_easy_strerror(code),
                       library_words_bytes_max);
    const auto because = [&](HttpErrorKind kind, std::string message) {
        return HttpError{kind, reached, std::move(message)};
    };
    if (!local_fault_.empty()) return because(HttpErrorKind::local, local_fault_);
    if (headers_too_long_) {
        return because(HttpErrorKind::protocol,
                       fmt::format("headers from {} exceed {} bytes", peer, http_header_bytes_max));
    }
    switch (static_cast<int>(code)) {
        case CURLE_OPERATION_TIMEDOUT:
            return because(HttpErrorKind::timeout,
                           fmt::format("no answer from {} in time: {}", peer, to_text(reached)));
        case CURLE_COULDNT_CONNECT:
            return connect_error();
        case CURLE_PEER_FAILED_VERIFICATION:
            return certificate_error();
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_SSL_CIPHER:
            return because(HttpErrorKind::tls,
                           fmt::format("TLS handshake with {}: {}", peer, plain_tls_words(words)));
        case CURLE_SSL_CERTPROBLEM:
            return because(HttpErrorKind::local,
                           fmt::format("client_certificate {}: {}", request_.tls.client_certificate,
                                       plain_tls_words(words)));
        case CURLE_OK:  // libcurl is content with a head that just ends.
        case CURLE_GOT_NOTHING:
        case CURLE_PARTIAL_FILE:
            return because(HttpErrorKind::protocol, closed_early());
        case CURLE_OUT_OF_MEMORY:  // What libcurl says of an endless header line.
            return because(HttpErrorKind::protocol,
                           fmt::format("a header line from {} is too long", peer));
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
            return because(
                reached == HttpStage::waiting ? HttpErrorKind::refused : HttpErrorKind::protocol,
                fmt::format("connection to {} broke: {}: {}", peer, to_text(reached), words));
        default:
            return because(
                reached == HttpStage::connecting ? HttpErrorKind::local : HttpErrorKind::protocol,
                fmt::format("{}: {}", peer, words));
    }
}

HttpError HttpAttempt::connect_error() const {
    long number = 0;
    curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &number);
    const int error_number = static_cast<int>(number);
    return {kind_of(socket_fault(error_number)), HttpStage::connecting,
            fmt::format("connect {}: {}", peer(), errno_text(error_number))};
}

HttpError HttpAttempt::certificate_error() const {
    std::string message =
        fmt::format("certificate of {}: {}", host_,
                    watch_.fault().empty() ? "is not for that name" : watch_.fault());
    if (const auto leaf = watch_.leaf()) {
        message += fmt::format(" (subject {}, valid until {})", leaf->subject,
                               format_time(leaf->not_after).substr(0, 10));
    }
    return {HttpErrorKind::certificate, HttpStage::handshaking, std::move(message)};
}

std::string HttpAttempt::peer() const {
    return request_.unix_socket.empty() ? to_text(request_.address)
                                        : "unix:" + request_.unix_socket;
}

std::string HttpAttempt::closed_early() const {
    const std::string peer = this->peer();
    if (header_bytes_ == 0) {
        return fmt::format("{} closed the connection without an answer", peer);
    }
    if (!headers_complete_) {
        return fmt::format("{} closed the connection in the middle of the headers", peer);
    }
    curl_off_t announced = -1;
    curl_easy_getinfo(easy_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    return fmt::format("{} closed the connection after {} bytes of the body{}", peer,
                       exchange_.body.size(),
                       announced >= 0 ? fmt::format(" of {}", announced) : std::string());
}

}  // namespace picket::io
