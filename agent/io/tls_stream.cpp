#include "agent/io/tls_stream.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/text.h"
#include "agent/io/clock.h"

namespace picket::io {
namespace {

// What OpenSSL's error queue says first, and empties it.
std::string take_reason() {
    const unsigned long code = ERR_peek_error();
    ERR_clear_error();
    const char* reason = ERR_reason_error_string(code);
    return reason == nullptr ? "closed without a reason" : reason;
}

std::vector<unsigned char> alpn_list(const std::vector<std::string>& protocols) {
    std::vector<unsigned char> list;
    for (const std::string& protocol : protocols) {
        list.push_back(static_cast<unsigned char>(protocol.size()));
        list.insert(list.end(), protocol.begin(), protocol.end());
    }
    return list;
}

}  // namespace

TlsStream::TlsStream(Loop& loop, const TcpStream::Options& options, Events events)
    : events_(std::move(events)),
      peer_(to_text(options.peer)),
      tcp_(loop, options,
           TcpStream::Events{
               .on_connected = [this] { tell(events_.on_connected); },
               .on_bytes = [this](std::string_view bytes) { on_tcp_bytes(bytes); },
               .on_end = [this](StreamEnd end) { on_tcp_end(end); },
               .on_error =
                   [this](StreamError error) {
                       if (!over_) tell(events_.on_error, std::move(error));
                   },
           }) {}

TlsStream::~TlsStream() {
    if (destroyed_ != nullptr) *destroyed_ = true;
    SSL_free(session_);
}

template <typename Event, typename... Arguments>
bool TlsStream::tell(const Event& event, Arguments&&... arguments) {
    if (!event) return true;
    const Event called = event;  // It may destroy this, and the event with it.
    bool destroyed = false;
    bool* const outer = std::exchange(destroyed_, &destroyed);
    called(std::forward<Arguments>(arguments)...);
    if (destroyed) {
        if (outer != nullptr) *outer = true;
        return false;
    }
    destroyed_ = outer;
    return true;
}

Status TlsStream::secure(TlsContexts& contexts, const TlsOptions& options, const std::string& host,
                         const std::vector<std::string>& alpn) {
    PICKET_ASSERT(session_ == nullptr);
    SSL_CTX* context = PICKET_TRY(contexts.find(monotonic_now(), options));
    session_ = SSL_new(context);
    PICKET_ASSERT(session_ != nullptr);
    incoming_ = BIO_new(BIO_s_mem());
    outgoing_ = BIO_new(BIO_s_mem());
    PICKET_ASSERT(incoming_ != nullptr && outgoing_ != nullptr);
    SSL_set_bio(session_, incoming_, outgoing_);
    SSL_set_connect_state(session_);
    host_ = options.server_name.empty() ? host : options.server_name;
    if (parse_ip(host_).has_value()) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session_), host_.c_str());
    } else {
        SSL_ctrl(session_, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host_.data());
        SSL_set1_host(session_, host_.c_str());
    }
    if (!alpn.empty()) {
        const std::vector<unsigned char> list = alpn_list(alpn);
        SSL_set_alpn_protos(session_, list.data(), static_cast<unsigned>(list.size()));
    }
    watch_.attach(session_);
    SSL_do_handshake(session_);
    flush();
    return {};
}

void TlsStream::write(std::string bytes) {
    if (session_ == nullptr) return tcp_.write(std::move(bytes));
    PICKET_ASSERT(secured_);
    if (bytes.empty()) return;
    SSL_write(session_, bytes.data(), static_cast<int>(bytes.size()));
    flush();
}

void TlsStream::flush() {
    char* bytes = nullptr;
    const long length = BIO_get_mem_data(outgoing_, &bytes);
    if (length <= 0) return;
    tcp_.write(std::string(bytes, static_cast<std::size_t>(length)));
    BIO_reset(outgoing_);
}

void TlsStream::on_tcp_bytes(std::string_view bytes) {
    if (over_) return;
    if (session_ == nullptr) {
        tell(events_.on_bytes, bytes);
        return;
    }
    BIO_write(incoming_, bytes.data(), static_cast<int>(bytes.size()));
    if (!secured_ && !shake_hands()) return;
    read_plaintext();
}

// False where there is nothing to read yet, or ever.
bool TlsStream::shake_hands() {
    ERR_clear_error();
    const int result = SSL_do_handshake(session_);
    flush();
    if (result == 1) {
        secured_ = true;
        note_facts();
        return tell(events_.on_secured);
    }
    if (SSL_get_error(session_, result) != SSL_ERROR_WANT_READ) refuse();
    return false;
}

void TlsStream::read_plaintext() {
    std::array<char, 16 * 1024> buffer;
    while (true) {
        ERR_clear_error();
        const int length = SSL_read(session_, buffer.data(), static_cast<int>(buffer.size()));
        if (length > 0) {
            if (!tell(events_.on_bytes,
                      std::string_view(buffer.data(), static_cast<std::size_t>(length)))) {
                return;
            }
            continue;
        }
        const int error = SSL_get_error(session_, length);
        flush();  // An answer to a new key or an alert.
        if (error == SSL_ERROR_WANT_READ) return;
        if (error == SSL_ERROR_ZERO_RETURN) return on_tcp_end(StreamEnd::closed);
        return refuse();
    }
}

void TlsStream::on_tcp_end(StreamEnd end) {
    if (over_) return;
    if (securing()) {
        return refuse(TlsFault::handshake,
                      fmt::format("TLS handshake with {}: closed by it", peer_));
    }
    over_ = true;
    tell(events_.on_end, end);
}

void TlsStream::refuse() {
    if (watch_.fault().empty() || SSL_get_verify_mode(session_) == SSL_VERIFY_NONE) {
        return refuse(TlsFault::handshake, fmt::format("TLS handshake with {}: {}", peer_,
                                                       printable_line(take_reason(), 120)));
    }
    ERR_clear_error();
    std::string message = fmt::format("certificate of {}: {}", host_, watch_.fault());
    if (const auto leaf = watch_.leaf()) {
        message += fmt::format(" (subject {}, valid until {})", leaf->subject,
                               format_time(leaf->not_after).substr(0, 10));
    }
    refuse(TlsFault::certificate, std::move(message));
}

void TlsStream::refuse(TlsFault fault, std::string message) {
    over_ = true;
    tell(events_.on_refused, fault, std::move(message));
}

void TlsStream::note_facts() {
    const std::string_view version = SSL_get_version(session_);  // "TLSv1.3", "TLSv1"
    facts_.version = version.starts_with("TLSv") ? version.substr(4) : version;
    if (facts_.version == "1") facts_.version = "1.0";
    facts_.cipher = SSL_get_cipher_name(session_);
    const unsigned char* chosen = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(session_, &chosen, &length);
    facts_.alpn.assign(reinterpret_cast<const char*>(chosen), length);
}

}  // namespace picket::io
