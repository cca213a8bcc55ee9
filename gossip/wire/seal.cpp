#include "gossip/wire/seal.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/text.h"

namespace picket::gossip::wire {
namespace {

constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;
constexpr std::size_t block_bytes = 16;
constexpr std::size_t header_bytes = 1 + nonce_bytes;

const unsigned char* unsigned_bytes(std::string_view bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

unsigned char* unsigned_bytes(char* bytes) {
    return reinterpret_cast<unsigned char*>(bytes);
}

int int_size(std::size_t size) {
    PICKET_ASSERT(size <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
    return static_cast<int>(size);
}

const EVP_CIPHER* algorithm(const Key& key) {
    if (key.bytes().size() == 16) return EVP_aes_128_gcm();
    return key.bytes().size() == 24 ? EVP_aes_192_gcm() : EVP_aes_256_gcm();
}

// OpenSSL's calls below fail only for want of memory or a wrong argument of ours.
void begin(EVP_CIPHER_CTX* cipher, const unsigned char* nonce, std::string_view authenticated) {
    int written = 0;
    PICKET_ASSERT(EVP_CipherInit_ex(cipher, nullptr, nullptr, nullptr, nonce, -1) == 1);
    if (authenticated.empty()) return;
    PICKET_ASSERT(EVP_CipherUpdate(cipher, nullptr, &written, unsigned_bytes(authenticated),
                                   int_size(authenticated.size())) == 1);
}

void update(EVP_CIPHER_CTX* cipher, std::string_view in, char* out) {
    int written = 0;
    if (in.empty()) return;
    PICKET_ASSERT(EVP_CipherUpdate(cipher, unsigned_bytes(out), &written, unsigned_bytes(in),
                                   int_size(in.size())) == 1);
    PICKET_ASSERT(written == int_size(in.size()));
}

bool opens(EVP_CIPHER_CTX* cipher, std::string_view authenticated, std::string_view sealed,
           std::string& plain) {
    const std::string_view nonce = sealed.substr(1, nonce_bytes);
    const std::string_view body =
        sealed.substr(header_bytes, sealed.size() - header_bytes - tag_bytes);
    std::array<char, tag_bytes> tag{};
    std::ranges::copy(sealed.substr(sealed.size() - tag_bytes), tag.begin());
    plain.resize(body.size());
    begin(cipher, unsigned_bytes(nonce), authenticated);
    update(cipher, body, plain.data());
    PICKET_ASSERT(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, tag_bytes, tag.data()) == 1);
    std::array<unsigned char, block_bytes> rest{};
    int written = 0;
    return EVP_CipherFinal_ex(cipher, rest.data(), &written) == 1;
}

Decoded<void> strip_padding(std::string& plain) {
    // Authentic but empty: no sealer of ours or Go's makes it.
    if (plain.empty()) return refused(Fault::bad_padding);
    const auto padding = static_cast<std::uint8_t>(plain.back());
    if (padding == 0 || padding > block_bytes || padding > plain.size()) {
        return refused(Fault::bad_padding);
    }
    const std::string_view tail = std::string_view(plain).substr(plain.size() - padding);
    if (tail.find_first_not_of(plain.back()) != std::string_view::npos) {
        return refused(Fault::bad_padding);
    }
    plain.resize(plain.size() - padding);
    return {};
}

}  // namespace

Result<Key> Key::from_bytes(std::string_view bytes) {
    if (bytes.size() != 16 && bytes.size() != 24 && bytes.size() != 32) {
        return failure(Code::invalid,
                       fmt::format("a key has 16, 24 or 32 bytes, not {}", bytes.size()));
    }
    Key key;
    std::ranges::copy(bytes, key.bytes_.begin());
    key.size_ = bytes.size();
    return key;
}

Result<Key> Key::parse_base64(std::string_view text) {
    constexpr std::size_t text_bytes_max = 44;  // Of 32 bytes.
    std::array<unsigned char, 33> bytes{};
    if (text.empty() || text.size() > text_bytes_max || text.size() % 4 != 0) {
        return failure(Code::invalid, "a key is 16, 24 or 32 bytes in base64");
    }
    if (EVP_DecodeBlock(bytes.data(), unsigned_bytes(text), int_size(text.size())) < 0) {
        return failure(Code::invalid, "a key must be base64");
    }
    const auto padding =
        std::min<std::size_t>(static_cast<std::size_t>(std::ranges::count(text, '=')), 2);
    const std::size_t size = text.size() / 4 * 3 - padding;
    Result<Key> key = from_bytes({reinterpret_cast<const char*>(bytes.data()), size});
    OPENSSL_cleanse(bytes.data(), bytes.size());
    // OpenSSL forgives blanks and stray bits; a key that reads back differently was mistyped.
    if (key.has_value() && key->to_base64() != text) {
        return failure(Code::invalid, "a key must be base64");
    }
    return key;
}

Key::~Key() {
    OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

std::string Key::to_base64() const {
    std::array<unsigned char, 45> text{};
    const int size = EVP_EncodeBlock(text.data(), unsigned_bytes(bytes()), int_size(size_));
    return {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(size)};
}

Result<std::vector<Key>> parse_keyring(std::string_view text) {
    std::vector<Key> keys;
    for (std::size_t line_number = 1; !text.empty(); ++line_number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trim(text.substr(0, std::min(end, text.find('#'))));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty()) continue;
        Result<Key> key = Key::parse_base64(line);
        if (!key.has_value()) {
            return tl::make_unexpected(
                std::move(key).error().within(fmt::format("line {}", line_number)));
        }
        if (std::ranges::find(keys, *key) != keys.end()) {
            return failure(Code::invalid, fmt::format("line {}: the same key again", line_number));
        }
        if (keys.size() == keyring_keys_max) {
            return failure(Code::invalid, fmt::format("line {}: more than {} keys", line_number,
                                                      keyring_keys_max));
        }
        keys.push_back(*key);
    }
    return keys;
}

std::optional<std::array<std::uint8_t, 12>> NonceSequence::next() {
    if (used_ >= count_max) return std::nullopt;
    std::array<std::uint8_t, nonce_bytes> nonce{};
    std::ranges::copy(prefix_, nonce.begin());
    for (std::size_t i = 0; i < nonce_bytes - prefix_.size(); ++i) {
        nonce[nonce_bytes - 1 - i] = static_cast<std::uint8_t>(used_ >> (8 * i));
    }
    ++used_;
    return nonce;
}

void KeyRing::CipherFree::operator()(evp_cipher_ctx_st* cipher) const {
    EVP_CIPHER_CTX_free(cipher);
}

KeyRing::KeyRing() = default;
KeyRing::~KeyRing() = default;
KeyRing::KeyRing(KeyRing&&) noexcept = default;
KeyRing& KeyRing::operator=(KeyRing&&) noexcept = default;

std::vector<Key> KeyRing::keys() const {
    std::vector<Key> keys;
    keys.reserve(entries_.size());
    for (const Entry& entry : entries_) keys.push_back(entry.key);
    return keys;
}

std::vector<KeyRing::Entry>::iterator KeyRing::find(const Key& key) {
    return std::ranges::find(entries_, key, &Entry::key);
}

Status KeyRing::add(const Key& key, const NonceSequence& nonces) {
    if (find(key) != entries_.end()) return {};
    if (entries_.size() == keyring_keys_max) {
        return failure(Code::exhausted,
                       fmt::format("the ring holds {} keys already", keyring_keys_max));
    }
    const auto context = [&](int sealing) {
        Cipher cipher(EVP_CIPHER_CTX_new());
        PICKET_ASSERT(cipher != nullptr);
        PICKET_ASSERT(EVP_CipherInit_ex(cipher.get(), algorithm(key), nullptr,
                                        unsigned_bytes(key.bytes()), nullptr, sealing) == 1);
        return cipher;
    };
    entries_.push_back(Entry{key, nonces, context(1), context(0)});
    return {};
}

Status KeyRing::use(const Key& key) {
    const auto found = find(key);
    if (found == entries_.end()) return failure(Code::not_found, "the key is not in the ring");
    std::rotate(entries_.begin(), found, found + 1);
    return {};
}

Status KeyRing::remove(const Key& key) {
    const auto found = find(key);
    if (found == entries_.end()) return failure(Code::not_found, "the key is not in the ring");
    if (found == entries_.begin()) {
        return failure(Code::invalid, "the primary key is in use: use another one first");
    }
    entries_.erase(found);
    return {};
}

Status KeyRing::seal(EncryptionVersion version, std::string_view authenticated,
                     std::string_view plain, std::string& out) {
    PICKET_ASSERT(!entries_.empty());
    Entry& primary = entries_.front();
    const auto nonce = primary.nonces.next();
    if (!nonce.has_value()) {
        return failure(Code::exhausted,
                       "the primary key has sealed all it may: install and use a new one");
    }
    const std::size_t padding =
        version == EncryptionVersion::padded ? block_bytes - plain.size() % block_bytes : 0;
    const std::size_t start = out.size();
    out.reserve(start + header_bytes + plain.size() + padding + tag_bytes);
    out.push_back(static_cast<char>(version));
    out.append(reinterpret_cast<const char*>(nonce->data()), nonce->size());
    out.append(plain);
    out.append(padding, static_cast<char>(padding));
    EVP_CIPHER_CTX* cipher = primary.sealing.get();
    begin(cipher, nonce->data(), authenticated);
    char* const body = out.data() + start + header_bytes;
    update(cipher, {body, plain.size() + padding}, body);
    std::array<unsigned char, block_bytes> rest{};
    int written = 0;
    PICKET_ASSERT(EVP_CipherFinal_ex(cipher, rest.data(), &written) == 1);
    std::array<char, tag_bytes> tag{};
    PICKET_ASSERT(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, tag_bytes, tag.data()) == 1);
    out.append(tag.data(), tag.size());
    return {};
}

Decoded<void> KeyRing::open(std::string_view authenticated, std::string_view sealed,
                            std::string& plain) const {
    plain.clear();
    if (sealed.empty()) return refused(Fault::empty);
    const auto version = static_cast<EncryptionVersion>(sealed[0]);
    if (version != EncryptionVersion::padded && version != EncryptionVersion::plain) {
        return refused(Fault::unknown_encryption);
    }
    if (sealed.size() < sealed_overhead_bytes(version)) return refused(Fault::truncated);
    for (const Entry& entry : entries_) {
        if (!opens(entry.opening.get(), authenticated, sealed, plain)) continue;
        if (version == EncryptionVersion::plain) return {};
        const Decoded<void> stripped = strip_padding(plain);
        if (!stripped.has_value()) plain.clear();
        return stripped;
    }
    plain.clear();
    return refused(Fault::not_authentic);
}

}  // namespace picket::gossip::wire
