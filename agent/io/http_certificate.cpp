#include "agent/io/http_certificate.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>

#include "agent/base/assert.h"

namespace picket::io {
namespace {

// Where a context keeps its watch.
int context_slot() {
    static const int slot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return slot;
}

std::string name_text(const X509_NAME* name) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
    PICKET_ASSERT(out != nullptr);
    X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    char* bytes = nullptr;
    const long length = BIO_get_mem_data(out.get(), &bytes);
    return length > 0 ? std::string(bytes, static_cast<std::size_t>(length)) : std::string();
}

WallTime time_of(const ASN1_TIME* time) {
    std::tm broken_down{};
    if (ASN1_TIME_to_tm(time, &broken_down) != 1) return WallTime{};
    return WallTime(std::chrono::seconds(timegm(&broken_down)));
}

HttpCertificate describe(const X509* certificate) {
    return {name_text(X509_get_subject_name(certificate)),
            name_text(X509_get_issuer_name(certificate)), time_of(X509_get0_notAfter(certificate))};
}

int on_verify(int verified, X509_STORE_CTX* store) {
    const auto* ssl = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* watch =
        static_cast<CertificateWatch*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_slot()));
    const X509* leaf = X509_STORE_CTX_get0_cert(store);
    if (!watch->certificate.has_value() && leaf != nullptr) watch->certificate = describe(leaf);
    if (verified == 0 && watch->fault.empty()) {
        watch->fault = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
    }
    return verified;
}

}  // namespace

void CertificateWatch::attach(SSL_CTX* context, CertificateWatch* watch) {
    PICKET_ASSERT(SSL_CTX_set_ex_data(context, context_slot(), watch) == 1);
    SSL_CTX_set_verify(context, SSL_CTX_get_verify_mode(context), on_verify);
}

}  // namespace picket::io
