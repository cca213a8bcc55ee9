#include "tests/support/test_certificate.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>

#include "agent/base/assert.h"

namespace picket::testing {
namespace {

constexpr long day_seconds = 24 * 60 * 60;

void add_extension(X509* certificate, int which, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, which, value.c_str());
    PICKET_ASSERT(extension != nullptr);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

X509* make_certificate(EVP_PKEY* key, const TestCertificate& wanted) {
    X509* certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), wanted.days_from * day_seconds);
    X509_gmtime_adj(X509_getm_notAfter(certificate), wanted.days_until * day_seconds);
    X509_set_pubkey(certificate, key);
    X509_NAME* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(wanted.name.c_str()), -1, -1,
                               0);
    X509_set_issuer_name(certificate, name);
    add_extension(certificate, NID_subject_alt_name, "DNS:" + wanted.name);
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    PICKET_ASSERT(X509_sign(certificate, key, EVP_sha256()) != 0);
    return certificate;
}

}  // namespace

TestTls::TestTls(const TestCertificate& certificate) : context_(SSL_CTX_new(TLS_server_method())) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* made = make_certificate(key, certificate);
    PICKET_ASSERT(SSL_CTX_use_certificate(context_, made) == 1);
    PICKET_ASSERT(SSL_CTX_use_PrivateKey(context_, key) == 1);

    std::string path = "/tmp/picket-test-XXXXXX";
    const int fd = mkstemp(path.data());
    PICKET_ASSERT(fd >= 0);
    std::FILE* file = fdopen(fd, "w");
    PEM_write_X509(file, made);
    std::fclose(file);
    pem_path_ = path;
    X509_free(made);
    EVP_PKEY_free(key);
}

TestTls::~TestTls() {
    unlink(pem_path_.c_str());
    SSL_CTX_free(context_);
}

}  // namespace picket::testing
