// Key messages: what picket's agents tell each other when the key ring changes.
//
// A user message between picket's agents: 0x70, a format version, the kind, then one
// msgpack array (docs/PROTOCOL.md). A key itself travels in one message only, the
// request to install it; everywhere else its id stands for it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gossip/wire/fault.h"
#include "gossip/wire/seal.h"

namespace picket::gossip::wire {

constexpr std::uint8_t key_request_kind = 0x40;
constexpr std::uint8_t key_answer_kind = 0x41;
constexpr std::size_t key_error_bytes_max = 256;

// The first 8 bytes of SHA-256("key1", NUL, key): says which key, and gives nothing of it away.
using KeyId = std::uint64_t;
KeyId key_id(const Key& key);

enum class KeyOperation : std::uint8_t {
    list = 0,     // Changes nothing.
    install = 1,  // The key opens from now on.
    use = 2,      // It becomes the primary: it seals.
    remove = 3,   // It opens no more.
};

std::string_view to_text(KeyOperation operation);

struct KeyRequest {
    std::uint64_t id = 0;  // Random; the answer repeats it.
    std::string from;      // The name of who asks, and is to be answered.
    KeyOperation operation = KeyOperation::list;
    std::string key;    // Of an install: 16, 24 or 32 bytes; otherwise empty.
    KeyId subject = 0;  // Of use and remove: which key.

    bool operator==(const KeyRequest&) const = default;
};

struct KeyAnswer {
    std::uint64_t id = 0;
    std::string from;         // Who answers.
    std::string error;        // Why it was not done; empty where it was.
    std::vector<KeyId> ring;  // As it is now, primary first.

    bool operator==(const KeyAnswer&) const = default;
};

// Whole messages, from their first byte on. The decoders ignore further items of the
// array, and refuse what is over a limit. Requires a payload of the kind.
std::string encode(const KeyRequest& request);
std::string encode(const KeyAnswer& answer);
Decoded<KeyRequest> decode_key_request(std::string_view payload);
Decoded<KeyAnswer> decode_key_answer(std::string_view payload);

}  // namespace picket::gossip::wire
