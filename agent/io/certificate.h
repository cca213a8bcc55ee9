// Certificates: what they say, and those that a handshake brings.
//
// A library tells about a certificate only after a handshake that succeeded; the
// certificate that made it fail is the one people ask about. So they are noted
// while they are being verified.

#pragma once

#include <openssl/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/time.h"

struct stack_st_X509;  // What OpenSSL calls STACK_OF(X509).

namespace picket::io {

struct Certificate {
    std::string subject;  // RFC 2253: "CN=www.example.com,O=Example"
    std::string issuer;
    WallTime not_before;
    WallTime not_after;
    std::vector<std::string> names;  // Subject alternative names: DNS names and addresses.
    std::string fingerprint;         // SHA-256 of the whole, in lower-case hex.
};

Certificate describe_certificate(const X509* certificate);

class CertificateWatch {
public:
    CertificateWatch() = default;
    CertificateWatch(const CertificateWatch&) = delete;
    CertificateWatch& operator=(const CertificateWatch&) = delete;
    ~CertificateWatch();

    // Notes what the handshakes bring. Changes nothing about what is verified. The
    // watch must stay where it is until they are over.
    void attach(SSL_CTX* context);
    void attach(SSL* connection);

    // Of the server itself; nothing before it has come.
    std::optional<Certificate> leaf() const;

    // The chain as it was built while verifying, the server's first. Where it could
    // not be built to its end, the part that could.
    std::vector<Certificate> chain() const;

    // When the first of the chain ends.
    std::optional<WallTime> chain_not_after() const;

    // The first fault found in the chain, in OpenSSL's words; empty: none.
    const std::string& fault() const { return fault_; }

private:
    static int on_verify(int verified, X509_STORE_CTX* store);
    void note(int verified, X509_STORE_CTX* store);

    X509* leaf_ = nullptr;
    stack_st_X509* chain_ = nullptr;
    std::string fault_;
};

}  // namespace picket::io
