#include "agent/io/certificate.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "agent/base/assert.h"

namespace picket::io {
namespace {

constexpr int names_max = 100;

// Where a context and a connection keep their watch.
int context_slot() {
    static const int slot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return slot;
}
int connection_slot() {
    static const int slot = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
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

std::string_view bytes_of(const ASN1_STRING* text) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
            static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::vector<std::string> names_of(const X509* certificate) {
    std::vector<std::string> names;
    auto* alternatives = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    const int count = std::min(sk_GENERAL_NAME_num(alternatives), names_max);
    for (int i = 0; i < count; ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives, i);
        if (name->type == GEN_DNS) {
            names.emplace_back(bytes_of(name->d.dNSName));
        } else if (name->type == GEN_IPADD) {
            const std::string_view bytes = bytes_of(name->d.iPAddress);
            std::array<char, INET6_ADDRSTRLEN> text{};
            const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
            if (bytes.size() != 4 && bytes.size() != 16) continue;
            inet_ntop(family, bytes.data(), text.data(), text.size());
            names.emplace_back(text.data());
        }
    }
    GENERAL_NAMES_free(alternatives);
    return names;
}

std::string fingerprint_of(const X509* certificate) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    if (X509_digest(certificate, EVP_sha256(), digest.data(), &length) != 1) return {};
    std::string text;
    for (unsigned i = 0; i < length; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
}

}  // namespace

Certificate describe_certificate(const X509* certificate) {
    return {name_text(X509_get_subject_name(certificate)),
            name_text(X509_get_issuer_name(certificate)),
            time_of(X509_get0_notBefore(certificate)),
            time_of(X509_get0_notAfter(certificate)),
            names_of(certificate),
            fingerprint_of(certificate)};
}

CertificateWatch::~CertificateWatch() {
    X509_free(leaf_);
    sk_X509_pop_free(chain_, X509_free);
}

void CertificateWatch::attach(SSL_CTX* context) {
    PICKET_ASSERT(SSL_CTX_set_ex_data(context, context_slot(), this) == 1);
    SSL_CTX_set_verify(context, SSL_CTX_get_verify_mode(context), on_verify);
}

void CertificateWatch::attach(SSL* connection) {
    PICKET_ASSERT(SSL_set_ex_data(connection, connection_slot(), this) == 1);
    SSL_set_verify(connection, SSL_get_verify_mode(connection), on_verify);
}

int CertificateWatch::on_verify(int verified, X509_STORE_CTX* store) {
    const auto* ssl = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* watch = static_cast<CertificateWatch*>(SSL_get_ex_data(ssl, connection_slot()));
    if (watch == nullptr) {
        watch = static_cast<CertificateWatch*>(
            SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_slot()));
    }
    watch->note(verified, store);
    return verified;
}

void CertificateWatch::note(int verified, X509_STORE_CTX* store) {
    X509* leaf = X509_STORE_CTX_get0_cert(store);
    if (leaf_ == nullptr && leaf != nullptr && X509_up_ref(leaf) == 1) leaf_ = leaf;
    if (verified == 0 && fault_.empty()) {
        fault_ = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
    }
    // Verified from the root down, so the last call sees the chain that counts.
    if (verified != 0 && X509_STORE_CTX_get_error_depth(store) != 0) return;
    if (X509_STORE_CTX_get0_chain(store) == nullptr) return;
    sk_X509_pop_free(chain_, X509_free);
    chain_ = X509_STORE_CTX_get1_chain(store);
}

std::optional<Certificate> CertificateWatch::leaf() const {
    if (leaf_ == nullptr) return std::nullopt;
    return describe_certificate(leaf_);
}

std::vector<Certificate> CertificateWatch::chain() const {
    std::vector<Certificate> described;
    for (int i = 0; i < sk_X509_num(chain_); ++i) {
        described.push_back(describe_certificate(sk_X509_value(chain_, i)));
    }
    return described;
}

std::optional<WallTime> CertificateWatch::chain_not_after() const {
    std::optional<WallTime> first;
    for (int i = 0; i < sk_X509_num(chain_); ++i) {
        const WallTime end = time_of(X509_get0_notAfter(sk_X509_value(chain_, i)));
        if (!first.has_value() || end < *first) first = end;
    }
    return first;
}

}  // namespace picket::io
