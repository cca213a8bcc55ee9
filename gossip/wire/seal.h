// Seal: encryption of packets and streams with AES-GCM, and the ring of its keys.
//
// A sealed blob is a version byte, a nonce of 12 bytes, the ciphertext and a tag
// of 16. Version 1 is what everyone emits; version 0 pads as PKCS#7 does first and
// comes from members that speak memberlist's protocol 1.
//
// One key, the primary, seals; every key of the ring opens, so that a new key can
// be added everywhere, then used, and the old one removed, without losing anyone.
//
// With GCM a nonce used twice gives the key away. Each agent therefore draws
// seven random bytes per boot and key, and counts in the other five: a mesh of
// a thousand agents that boots each of them a hundred times draws equal ones once
// in 14 million such meshes, and the count lasts 348 years at 100 packets a second.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "gossip/wire/fault.h"

struct evp_cipher_ctx_st;

namespace picket::gossip::wire {

// Each key of the ring costs an attempt at every packet that is not authentic.
// KeyRing::add refuses a further one as exhausted.
constexpr std::size_t keyring_keys_max = 8;

enum class EncryptionVersion : std::uint8_t { padded = 0, plain = 1 };

// How much longer a blob is than what it seals, at most.
constexpr std::size_t sealed_overhead_bytes(EncryptionVersion version) {
    return version == EncryptionVersion::plain ? 29 : 45;
}

// An AES key of 16, 24 or 32 bytes.
class Key {
public:
    // Of the random bytes a caller drew, 16, 24 or 32 of them; or read from text as
    // `serf -encrypt` takes it: base64 with its padding.
    static Result<Key> from_bytes(std::string_view bytes);
    static Result<Key> parse_base64(std::string_view text);

    // Forgets the bytes, beyond what the compiler may leave out.
    ~Key();
    Key(const Key&) = default;
    Key& operator=(const Key&) = default;

    std::string_view bytes() const { return {bytes_.data(), size_}; }
    std::string to_base64() const;
    bool operator==(const Key& other) const { return bytes() == other.bytes(); }

private:
    Key() = default;

    std::array<char, 32> bytes_{};
    std::size_t size_ = 0;
};

// A keyring file: one base64 key a line, primary first; '#' begins a comment.
Result<std::vector<Key>> parse_keyring(std::string_view text);

// Gives each nonce once: a prefix, which must be random and new for each boot and
// key, then a count of 40 bits.
class NonceSequence {
public:
    using Prefix = std::array<std::uint8_t, 7>;
    static constexpr std::uint64_t count_max = std::uint64_t{1} << 40;

    // `used` nonces are skipped, which only a test has a reason for.
    explicit NonceSequence(const Prefix& prefix, std::uint64_t used = 0)
        : prefix_(prefix), used_(used) {}

    // Nothing, for ever, once the count is used up.
    std::optional<std::array<std::uint8_t, 12>> next();

private:
    Prefix prefix_;
    std::uint64_t used_;
};

// The keys of the mesh, primary first. Without any, nothing is encrypted.
class KeyRing {
public:
    KeyRing();
    ~KeyRing();
    KeyRing(KeyRing&&) noexcept;
    KeyRing& operator=(KeyRing&&) noexcept;

    bool empty() const { return entries_.empty(); }
    std::vector<Key> keys() const;

    // Appends a key; the first one becomes the primary. A key that is there already
    // keeps its place and its nonces. Returns exhausted at keyring_keys_max.
    Status add(const Key& key, const NonceSequence& nonces);
    // Makes a key of the ring the primary. Returns not_found for any other.
    Status use(const Key& key);
    // Returns invalid for the primary and not_found for a key that is not there.
    Status remove(const Key& key);

    // Appends the sealed `plain` to `out`. `authenticated` must be given again to
    // open it. Returns exhausted, and appends nothing, when the primary's nonces are
    // used up: the ring needs a new key then. Requires a ring that is not empty.
    Status seal(EncryptionVersion version, std::string_view authenticated, std::string_view plain,
                std::string& out);

    // Makes `plain` what the blob seals, with whichever key opens it. After a fault
    // `plain` is empty: nothing unauthenticated ever leaves this function.
    Decoded<void> open(std::string_view authenticated, std::string_view sealed,
                       std::string& plain) const;

private:
    struct CipherFree {
        void operator()(evp_cipher_ctx_st* cipher) const;
    };
    using Cipher = std::unique_ptr<evp_cipher_ctx_st, CipherFree>;
    // The key schedule is computed once, in contexts that each packet starts again.
    struct Entry {
        Key key;
        NonceSequence nonces;
        Cipher sealing;
        Cipher opening;
    };

    std::vector<Entry>::iterator find(const Key& key);

    std::vector<Entry> entries_;
};

}  // namespace picket::gossip::wire
