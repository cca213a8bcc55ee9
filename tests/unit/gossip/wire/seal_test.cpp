#include "gossip/wire/seal.h"

#include <doctest/doctest.h>

#include <set>

#include "agent/base/random.h"
#include "tests/unit/gossip/wire/captures.h"

namespace picket::gossip::wire {
namespace {

constexpr NonceSequence::Prefix prefix{1, 2, 3, 4, 5, 6, 7};

Key key_of(std::size_t size, char first = 0) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<char>(first + static_cast<char>(i));
    const Result<Key> key = Key::from_bytes(bytes);
    REQUIRE(key.has_value());
    return *key;
}

KeyRing ring_of(std::initializer_list<Key> keys) {
    KeyRing ring;
    for (const Key& key : keys) REQUIRE(ring.add(key, NonceSequence(prefix)).has_value());
    return ring;
}

std::string sealed(KeyRing& ring, std::string_view plain, std::string_view authenticated = {},
                   EncryptionVersion version = EncryptionVersion::plain) {
    std::string out;
    REQUIRE(ring.seal(version, authenticated, plain, out).has_value());
    return out;
}

Fault fault_of(const KeyRing& ring, std::string_view authenticated, std::string_view blob,
               std::string& plain) {
    const Decoded<void> opened = ring.open(authenticated, blob, plain);
    REQUIRE_FALSE(opened.has_value());
    return opened.error();
}

TEST_CASE("blobs that another implementation sealed open, and seal to the same bytes") {
    struct Vector {
        std::size_t key_bytes;
        EncryptionVersion version;
        const char* hex;
    };
    // AESGCM of python3-cryptography 38: key 00 01 02..., nonce 64 65 66..., "picket", "label".
    const std::array<Vector, 3> vectors{
        {{16, EncryptionVersion::plain,
          "016465666768696a6b6c6d6e6f6a0b2dcebe7699f17e54fe4c06906bd91db9f8d42755"},
         {24, EncryptionVersion::plain,
          "016465666768696a6b6c6d6e6f9901d81737dbc1951f8f84f80fad3c969944ddfd346a"},
         {32, EncryptionVersion::padded,
          "006465666768696a6b6c6d6e6f3872bd0d1c9d5c94346855e2d06f60f74b1582597571339d6d5e211cee3b64"
          "41"}}};
    for (const Vector& vector : vectors) {
        KeyRing ring;
        const NonceSequence nonces({100, 101, 102, 103, 104, 105, 106}, 0x6b6c6d6e6fu);
        REQUIRE(ring.add(key_of(vector.key_bytes), nonces).has_value());
        std::string plain;
        CHECK(ring.open("label", from_hex(vector.hex), plain).has_value());
        CHECK(plain == "picket");
        CHECK(sealed(ring, "picket", "label", vector.version) == from_hex(vector.hex));
    }
}

TEST_CASE("what is sealed opens again, whatever its size, and costs the stated overhead") {
    for (const std::size_t key_bytes : {16u, 24u, 32u}) {
        for (const auto version : {EncryptionVersion::padded, EncryptionVersion::plain}) {
            KeyRing ring = ring_of({key_of(key_bytes)});
            for (std::size_t size = 0; size < 100; ++size) {
                const std::string text(size, 'x');
                const std::string blob = sealed(ring, text, "label", version);
                CHECK(blob.size() <= size + sealed_overhead_bytes(version));
                std::string plain;
                CHECK(ring.open("label", blob, plain).has_value());
                CHECK(plain == text);
            }
        }
    }
}

TEST_CASE("a changed, cut or foreign blob does not open, and leaves nothing behind") {
    KeyRing ring = ring_of({key_of(32)});
    const std::string blob = sealed(ring, "a secret", "label");
    std::string plain = "old";
    const auto fault = [&](std::string_view bytes, std::string_view label) {
        const Fault reason = fault_of(ring, label, bytes, plain);
        CHECK(plain.empty());
        return reason;
    };
    for (std::size_t bit = 8; bit < blob.size() * 8; ++bit) {
        std::string flipped = blob;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
        CHECK(fault(flipped, "label") == Fault::not_authentic);
    }
    CHECK(fault(blob, "other") == Fault::not_authentic);
    CHECK(fault(blob, "") == Fault::not_authentic);
    CHECK(fault("", "label") == Fault::empty);
    CHECK(fault("\x02" + blob.substr(1), "label") == Fault::unknown_encryption);
    CHECK(fault(blob.substr(0, 28), "label") == Fault::truncated);
    CHECK(fault(std::string(44, '\0'), "label") == Fault::truncated);
    KeyRing other = ring_of({key_of(32, 1)});
    CHECK(fault_of(other, "label", blob, plain) == Fault::not_authentic);
}

TEST_CASE("authentic padding that is not PKCS#7's is refused") {
    KeyRing ring = ring_of({key_of(16)});
    for (const std::string& tail : {std::string(16, '\0'), std::string(16, '\x11'),
                                    std::string(14, 'x') + "\x01\x02", std::string(16, '\xff')}) {
        // Version 1 does not pad, so that it can carry any padding under a 0.
        std::string blob = sealed(ring, tail);
        blob[0] = '\0';
        std::string plain;
        CHECK(fault_of(ring, "", blob, plain) == Fault::bad_padding);
        CHECK(plain.empty());
    }
}

TEST_CASE("a key is rotated through a mesh without a packet lost") {
    const Key before = key_of(16);
    const Key after = key_of(32);
    KeyRing first = ring_of({before});
    KeyRing second = ring_of({before});
    const auto both_hear = [&] {
        std::string plain;
        CHECK(first.open("", sealed(second, "x"), plain).has_value());
        CHECK(second.open("", sealed(first, "x"), plain).has_value());
    };
    both_hear();
    CHECK(first.add(after, NonceSequence(prefix)).has_value());
    both_hear();
    CHECK(second.add(after, NonceSequence(prefix)).has_value());
    CHECK(first.use(after).has_value());
    CHECK(first.keys() == std::vector<Key>{after, before});
    both_hear();
    CHECK(second.use(after).has_value());
    CHECK(first.remove(before).has_value());
    both_hear();
    CHECK(second.remove(before).has_value());
    both_hear();
    CHECK(second.keys() == std::vector<Key>{after});
}

TEST_CASE("the ring refuses what would break it, and says why") {
    KeyRing ring = ring_of({key_of(16)});
    CHECK(ring.remove(key_of(16)).error().code() == Code::invalid);
    CHECK(ring.remove(key_of(32)).error().code() == Code::not_found);
    CHECK(ring.use(key_of(32)).error().code() == Code::not_found);
    for (char first = 1; first < 8; ++first) {
        CHECK(ring.add(key_of(16, first), NonceSequence(prefix)).has_value());
    }
    CHECK(ring.add(key_of(16, 3), NonceSequence(prefix)).has_value());
    CHECK(ring.keys().size() == keyring_keys_max);
    CHECK(ring.add(key_of(16, 9), NonceSequence(prefix)).error().code() == Code::exhausted);
}

TEST_CASE("no nonce is given twice, and none at all once the count is used up") {
    NonceSequence nonces(prefix, 0xfe);
    std::set<std::array<std::uint8_t, 12>> seen;
    for (int i = 0; i < 1000; ++i) seen.insert(nonces.next().value());
    CHECK(seen.size() == 1000);
    CHECK(*seen.begin() == std::array<std::uint8_t, 12>{1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0xfe});

    KeyRing ring;
    const NonceSequence last(prefix, NonceSequence::count_max - 1);
    REQUIRE(ring.add(key_of(16), last).has_value());
    // Adding the key again must not start its nonces over.
    std::string out = sealed(ring, "x");
    REQUIRE(ring.add(key_of(16), NonceSequence(prefix)).has_value());
    const std::string before = out;
    for (int i = 0; i < 3; ++i) {
        const Status status = ring.seal(EncryptionVersion::plain, "", "x", out);
        REQUIRE_FALSE(status.has_value());
        CHECK(status.error().code() == Code::exhausted);
    }
    CHECK(out == before);
}

TEST_CASE("keys read from base64 as serf writes them, and from nothing else") {
    for (const std::size_t size : {16u, 24u, 32u}) {
        const Result<Key> key = Key::parse_base64(key_of(size).to_base64());
        REQUIRE(key.has_value());
        CHECK(*key == key_of(size));
    }
    CHECK(key_of(16).to_base64() == "AAECAwQFBgcICQoLDA0ODw==");
    for (const char* text :
         {"", "AAEC", "AAECAwQFBgcICQoLDA0ODw",
          "AAECAwQFBgcICQoLDA0ODx==", "AAECAwQFBgcICQoLDA0ODw=A",
          "AAECAwQF BgcICQoLDA0ODw==", " AAECAwQFBgcICQoLDA0Dw==", "AAECAwQFBgcICQoLDA0OD-==",
          "====================", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gIQ=="}) {
        CAPTURE(text);
        CHECK_FALSE(Key::parse_base64(text).has_value());
    }
}

TEST_CASE("a keyring file names one key a line, the primary first") {
    const auto keys = parse_keyring(
        "# the mesh\nAAECAwQFBgcICQoLDA0ODw==\n\n  AQIDBAUGBwgJCgsMDQ4PEA==  # next\r\n");
    REQUIRE(keys.has_value());
    CHECK(*keys == std::vector<Key>{key_of(16), key_of(16, 1)});
    CHECK(parse_keyring("").value().empty());
    CHECK(parse_keyring("AAECAwQFBgcICQoLDA0ODw==\nAAEC").error().message() ==
          "line 2: a key has 16, 24 or 32 bytes, not 3");
    CHECK(parse_keyring("AAECAwQFBgcICQoLDA0ODw==\nAAECAwQFBgcICQoLDA0ODw==").error().message() ==
          "line 2: the same key again");
}

}  // namespace
}  // namespace picket::gossip::wire
