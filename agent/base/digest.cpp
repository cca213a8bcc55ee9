#include "agent/base/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <memory>

#include "agent/base/assert.h"

namespace picket {
namespace {

// The library's one-shot call looks the algorithm up by its name and makes a context each time,
// which takes longer than the digest of a name does. Each thread keeps both.
class Hasher {
public:
    Hasher() : algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new()) {
        PICKET_ASSERT(algorithm_ != nullptr && context_ != nullptr);
    }

    void begin() {
        PICKET_ASSERT(EVP_DigestInit_ex(context_.get(), algorithm_.get(), nullptr) == 1);
    }
    void add(std::string_view bytes) {
        PICKET_ASSERT(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
    }
    Sha256 finish() {
        Sha256 digest;
        PICKET_ASSERT(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1);
        return digest;
    }

private:
    struct Free {
        void operator()(EVP_MD* algorithm) const { EVP_MD_free(algorithm); }
        void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    };
    std::unique_ptr<EVP_MD, Free> algorithm_;
    std::unique_ptr<EVP_MD_CTX, Free> context_;
};

Hasher& hasher() {
    thread_local Hasher kept;
    kept.begin();
    return kept;
}

}  // namespace

Sha256 sha256(std::string_view bytes) {
    Hasher& hash = hasher();
    hash.add(bytes);
    return hash.finish();
}

std::uint64_t short_digest(std::string_view domain, std::string_view text) {
    Hasher& hash = hasher();
    hash.add(domain);
    hash.add(std::string_view("\0", 1));
    hash.add(text);
    const Sha256 digest = hash.finish();
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) value = value << 8 | digest[i];
    return value;
}

std::string to_hex(std::uint64_t value) {
    return fmt::format("{:016x}", value);
}

}  // namespace picket
