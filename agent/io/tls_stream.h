// TlsStream: a TCP connection that speaks TLS from when it is told to.
//
// It is a TcpStream until secure() is called: at once, or in the middle of a
// dialogue (STARTTLS). What comes in after that belongs to the handshake. Events
// as of a TcpStream: never from within a call to the stream, and it may be
// destroyed in any of them.

#pragma once

#include <openssl/types.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/tls_options.h"
#include "agent/io/certificate.h"
#include "agent/io/tcp_stream.h"
#include "agent/io/tls_context.h"

namespace picket::io {

// What a handshake settled on. Empty before that.
struct TlsFacts {
    std::string version;  // "1.3"
    std::string cipher;   // "TLS_AES_256_GCM_SHA384"
    std::string alpn;     // The protocol chosen; empty: none.
};

enum class TlsFault : std::uint8_t {
    handshake,    // The peers could not agree, or what came was not TLS.
    certificate,  // The peer's certificate does not verify.
};

class TlsStream {
public:
    // Any may be empty.
    struct Events {
        std::function<void()> on_connected = nullptr;
        std::function<void()> on_secured = nullptr;
        std::function<void(std::string_view bytes)> on_bytes = nullptr;  // Valid for the call.
        std::function<void(StreamEnd)> on_end = nullptr;
        std::function<void(StreamError)> on_error = nullptr;              // Nothing follows.
        std::function<void(TlsFault, std::string)> on_refused = nullptr;  // Nothing follows.
    };

    TlsStream(Loop& loop, const TcpStream::Options& options, Events events);
    ~TlsStream();
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    // Begins the handshake. `host` is whom to verify where the options name nobody;
    // `alpn` is what to offer. Requires a connection that is not secured. An error
    // is one of the options' files: nothing was sent.
    Status secure(TlsContexts& contexts, const TlsOptions& options, const std::string& host,
                  const std::vector<std::string>& alpn = {});

    // Sends `bytes`, encrypted once secured. Requires that no handshake is under way.
    void write(std::string bytes);

    bool securing() const { return session_ != nullptr && !secured_; }
    const TlsFacts& facts() const { return facts_; }
    const CertificateWatch& certificates() const { return watch_; }

private:
    void on_tcp_bytes(std::string_view bytes);
    void on_tcp_end(StreamEnd end);
    bool shake_hands();
    void read_plaintext();
    void flush();
    void refuse();
    void refuse(TlsFault fault, std::string message);
    void note_facts();

    // Calls an event; false where that destroyed the stream.
    template <typename Event, typename... Arguments>
    bool tell(const Event& event, Arguments&&... arguments);

    Events events_;
    std::string peer_;
    std::string host_;
    CertificateWatch watch_;
    SSL* session_ = nullptr;
    BIO* incoming_ = nullptr;  // The session's.
    BIO* outgoing_ = nullptr;
    bool secured_ = false;
    bool over_ = false;
    bool* destroyed_ = nullptr;
    TlsFacts facts_;
    TcpStream tcp_;
};

}  // namespace picket::io
