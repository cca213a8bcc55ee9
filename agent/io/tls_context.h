// TlsContexts: what TLS connections share, made once and kept.
//
// A context holds the certificates to trust, the one to show and the versions to
// offer; making one takes some tenths of a millisecond, reading the system's
// store up to 20 ms. Each is made when it is first needed, and anew after an hour
// or when a file it was made of changes, so that a renewed certificate is seen.
// One in an agent; private to agent/io but for its making.

#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/base/tls_options.h"

namespace picket::io {

class TlsContexts {
public:
    // At this many the one that was made first makes way.
    static constexpr std::size_t contexts_max = 64;

    TlsContexts();
    ~TlsContexts();
    TlsContexts(const TlsContexts&) = delete;
    TlsContexts& operator=(const TlsContexts&) = delete;

    // The context for these options; `server_name` plays no part in it. Valid until
    // the next call; a connection holds on to its own. Returns io where a file
    // cannot be read, invalid where it holds no certificate or not the key to it.
    Result<SSL_CTX*> find(Instant now, const TlsOptions& options);

    // What such a context trusts, for a library that makes contexts of its own;
    // without a `ca_file` what the system does. Errors as above.
    using Store = std::shared_ptr<X509_STORE>;
    Result<Store> trusted(Instant now, const std::string& ca_file);

private:
    struct Kept;
    std::vector<std::unique_ptr<Kept>> kept_;
};

}  // namespace picket::io
