// What the certificate of a TLS server says, noted while it is being verified.
//
// libcurl tells about a certificate only after a handshake that succeeded; the
// certificate that made it fail is the one people ask about.

#pragma once

#include <openssl/types.h>

#include <optional>
#include <string>

#include "agent/io/http_client.h"

namespace picket::io {

struct CertificateWatch {
    std::optional<HttpCertificate> certificate;
    std::string fault;  // The first one found in the chain, in OpenSSL's words.

    // Notes what handshakes of `context` bring. Changes nothing about what is
    // verified. `watch` must outlive the context's handshakes.
    static void attach(SSL_CTX* context, CertificateWatch* watch);
};

}  // namespace picket::io
