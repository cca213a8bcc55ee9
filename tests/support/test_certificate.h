// Certificates for tests, made on the spot and signed by themselves.

#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>

namespace picket::testing {

struct TestCertificate {
    std::string name = "localhost";  // Also its subject alternative name.
    int days_from = -1;              // Validity, from now.
    int days_until = 30;
};

// A server's key and certificate, ready for LoopbackServer.
class TestTls {
public:
    explicit TestTls(const TestCertificate& certificate = {});
    ~TestTls();
    TestTls(const TestTls&) = delete;
    TestTls& operator=(const TestTls&) = delete;

    SSL_CTX* context() const { return context_; }

    // The certificate in a PEM file, which goes with this object.
    const std::string& pem_path() const { return pem_path_; }

private:
    SSL_CTX* context_;
    std::string pem_path_;
};

}  // namespace picket::testing
