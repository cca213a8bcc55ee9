// What two agents say to each other when they compare what they hold, and when one
// asks the other for content by its hash. Beside records, in the same envelope
// (record_codec.h); none of them is told on.
//
// All but Root go over a stream, which does not say who dialled: each message names
// its sender, and the answer goes to where membership knows that agent to be.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gossip/spread/record_codec.h"

namespace picket::gossip {

constexpr std::size_t exchange_bytes_max = std::size_t{64} * 1024;  // Of records in one message.
constexpr std::uint8_t bucket_bits_min = 8;
constexpr std::uint8_t bucket_bits_max = 16;
constexpr std::size_t list_items_max = 2048;
constexpr std::size_t blobs_asked_max = 64;
constexpr std::size_t blob_bytes_max = std::size_t{1024} * 1024;

enum class ExchangeKind : std::uint8_t {
    root = 0x10,
    digests = 0x11,
    list = 0x12,
    want = 0x13,
    records = 0x14,
    blob_want = 0x20,
    blobs = 0x21,
};

// "All I hold comes to this." The XOR of the digests of all records that are compared.
struct RootMessage {
    AgentId from{};
    std::uint64_t root = 0;
    bool settled = false;
    bool asks = false;  // Wants to hear the other's root.

    bool operator==(const RootMessage&) const = default;
};

// "These are my buckets; where do we differ?" Asks for a list.
struct DigestsMessage {
    AgentId from{};
    std::uint8_t bits = bucket_bits_min;
    std::vector<std::uint64_t> buckets{};  // 2^bits of them.

    bool operator==(const DigestsMessage&) const = default;
};

// One record, without its content.
struct ListItem {
    RecordKey key{};
    Precedence precedence{};

    bool operator==(const ListItem&) const = default;
};

// "Here is what I hold in the buckets that differ." Empty where none does.
struct ListMessage {
    AgentId from{};
    std::uint8_t bits = bucket_bits_min;
    bool settled = false;
    bool more = false;  // Further buckets differ.
    std::vector<std::uint32_t> buckets{};
    std::vector<ListItem> items{};

    bool operator==(const ListMessage&) const = default;
};

struct WantMessage {
    AgentId from{};
    std::vector<RecordKey> keys{};

    bool operator==(const WantMessage&) const = default;
};

// Records, encoded, newest first.
struct RecordsMessage {
    AgentId from{};
    bool more = false;  // The list had more than fits.
    std::vector<std::string> payloads{};

    bool operator==(const RecordsMessage&) const = default;
};

struct BlobWantMessage {
    AgentId from{};
    std::vector<BlobHash> hashes{};

    bool operator==(const BlobWantMessage&) const = default;
};

struct BlobsMessage {
    AgentId from{};
    std::vector<std::string> blobs{};  // blob_bytes_max together.

    bool operator==(const BlobsMessage&) const = default;
};

using Exchange = std::variant<RootMessage, DigestsMessage, ListMessage, WantMessage, RecordsMessage,
                              BlobWantMessage, BlobsMessage>;

// Whether a payload is one of these, not a record.
bool is_exchange(std::uint8_t kind);

wire::Decoded<Exchange> decode_exchange(std::string_view payload);
std::string encode(const Exchange& message);

}  // namespace picket::gossip
