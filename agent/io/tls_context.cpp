#include "agent/io/tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "agent/base/assert.h"
#include "agent/base/errno_text.h"

namespace picket::io {
namespace {

constexpr Duration age_max = std::chrono::hours(1);

// What tells that a file is no longer the one that was read.
struct FileState {
    ino_t inode = 0;
    off_t size = 0;
    time_t seconds = 0;
    long nanoseconds = 0;

    bool operator==(const FileState&) const = default;
};

FileState state_of(const std::string& path) {
    struct stat found {};
    if (path.empty() || stat(path.c_str(), &found) != 0) return {};
    return {found.st_ino, found.st_size, found.st_mtim.tv_sec, found.st_mtim.tv_nsec};
}

using FileStates = std::array<FileState, 3>;

FileStates states_of(const TlsOptions& options) {
    return {state_of(options.ca_file), state_of(options.client_certificate),
            state_of(options.client_key)};
}

int protocol_version(TlsVersion version) {
    constexpr std::array versions{0, TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};
    return versions[static_cast<std::size_t>(version)];
}

struct ContextCleanup {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, ContextCleanup>;

// What is wrong with a file that OpenSSL would not take.
tl::unexpected<Error> unusable(std::string_view key, const std::string& path,
                               std::string_view otherwise) {
    ERR_clear_error();
    struct stat found {};
    if (stat(path.c_str(), &found) != 0) {
        return failure(Code::io, fmt::format("{} {}: {}", key, path, errno_text(errno)));
    }
    return failure(Code::invalid, fmt::format("{} {}: {}", key, path, otherwise));
}

Status trust(SSL_CTX* context, const TlsOptions& options) {
    SSL_CTX_set_verify(context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    // As libcurl has it: who trusts an intermediate need not trust its root.
    X509_STORE_set_flags(SSL_CTX_get_cert_store(context), X509_V_FLAG_PARTIAL_CHAIN);
    if (options.ca_file.empty()) {
        if (options.verify) SSL_CTX_set_default_verify_paths(context);
        return {};
    }
    if (SSL_CTX_load_verify_file(context, options.ca_file.c_str()) == 1) return {};
    return unusable("ca_file", options.ca_file, "no certificates can be read from it");
}

Status introduce(SSL_CTX* context, const TlsOptions& options) {
    const std::string& certificate = options.client_certificate;
    if (certificate.empty()) return {};
    const std::string& key = options.client_key.empty() ? certificate : options.client_key;
    const std::string_view named = options.client_key.empty() ? "client_certificate" : "client_key";
    if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1) {
        return unusable("client_certificate", certificate, "no certificate can be read from it");
    }
    if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        return unusable(named, key, "it does not hold the certificate's private key");
    }
    return {};
}

Result<Context> make(const TlsOptions& options) {
    Context context(SSL_CTX_new(TLS_client_method()));
    PICKET_ASSERT(context != nullptr);
    const bool weak =
        options.version_max == TlsVersion::v1_0 || options.version_max == TlsVersion::v1_1 ||
        options.version_min == TlsVersion::v1_0 || options.version_min == TlsVersion::v1_1;
    // OpenSSL 3 speaks the old versions only where nothing is held against them.
    if (weak) SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_min_proto_version(context.get(), protocol_version(options.version_min));
    SSL_CTX_set_max_proto_version(context.get(), protocol_version(options.version_max));
    // A resumed session shows no certificate.
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
    PICKET_TRY(trust(context.get(), options));
    PICKET_TRY(introduce(context.get(), options));
    return context;
}

}  // namespace

struct TlsContexts::Kept {
    TlsOptions options;
    FileStates files;
    Instant made;
    Context context;
};

TlsContexts::TlsContexts() = default;
TlsContexts::~TlsContexts() = default;

Result<SSL_CTX*> TlsContexts::find(Instant now, const TlsOptions& options) {
    TlsOptions wanted = options;
    wanted.server_name.clear();
    const FileStates files = states_of(wanted);
    const auto same =
        std::ranges::find_if(kept_, [&](const auto& kept) { return kept->options == wanted; });
    if (same != kept_.end()) {
        if ((*same)->files == files && now - (*same)->made < age_max) {
            return (*same)->context.get();
        }
        kept_.erase(same);
    }
    Context context = PICKET_TRY(make(wanted));
    if (kept_.size() >= contexts_max) kept_.erase(kept_.begin());
    kept_.push_back(std::make_unique<Kept>(Kept{wanted, files, now, std::move(context)}));
    return kept_.back()->context.get();
}

Result<TlsContexts::Store> TlsContexts::trusted(Instant now, const std::string& ca_file) {
    TlsOptions options;
    options.ca_file = ca_file;
    SSL_CTX* context = PICKET_TRY(find(now, options));
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    X509_STORE_up_ref(store);
    return Store(store, X509_STORE_free);
}

}  // namespace picket::io
