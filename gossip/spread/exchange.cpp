#include "gossip/spread/exchange.h"

#include <utility>

#include "agent/base/assert.h"
#include "gossip/spread/fields.h"

namespace picket::gossip {

using wire::Fault;

template <typename Archive, Is<RecordKey> R>
void fields(Archive& archive, R& key) {
    archive.choice(key.kind, RecordKind::notice);
    archive.number(key.subject);
    archive.number(key.part);
}

template <typename Archive, Is<RootMessage> R>
void fields(Archive& archive, R& message) {
    archive.id(message.from);
    archive.number(message.root);
    archive.flag(message.settled);
    archive.flag(message.asks);
}

namespace {

// As bytes, each bucket 8 of them, big-endian: hashes do not pack.
std::string to_bytes(const std::vector<std::uint64_t>& buckets) {
    std::string bytes;
    bytes.reserve(8 * buckets.size());
    for (const std::uint64_t bucket : buckets) {
        for (int shift = 56; shift >= 0; shift -= 8) {
            bytes.push_back(static_cast<char>(bucket >> shift));
        }
    }
    return bytes;
}

std::vector<std::uint64_t> from_bytes(std::string_view bytes) {
    std::vector<std::uint64_t> buckets(bytes.size() / 8, 0);
    for (std::size_t i = 0; i < 8 * buckets.size(); ++i) {
        buckets[i / 8] = buckets[i / 8] << 8 | static_cast<unsigned char>(bytes[i]);
    }
    return buckets;
}

bool valid_bits(std::uint8_t bits) {
    return bits >= bucket_bits_min && bits <= bucket_bits_max;
}

}  // namespace

template <typename Archive, Is<DigestsMessage> R>
void fields(Archive& archive, R& message) {
    archive.id(message.from);
    archive.number(message.bits, bucket_bits_max);
    archive.expect(valid_bits(message.bits));
    const std::size_t bytes = std::size_t{8} << message.bits;
    if constexpr (Archive::reads) {
        std::string raw;
        archive.text(raw, bytes);
        archive.expect(raw.size() == bytes);
        message.buckets = from_bytes(raw);
    } else {
        archive.text(to_bytes(message.buckets), bytes);
    }
}

template <typename Archive, Is<ListItem> R>
void fields(Archive& archive, R& item) {
    fields(archive, item.key);
    archive.number(item.precedence.major);
    archive.number(item.precedence.minor);
    archive.number(item.precedence.tie);
}

template <typename Archive, Is<ListMessage> R>
void fields(Archive& archive, R& message) {
    archive.id(message.from);
    archive.number(message.bits, bucket_bits_max);
    archive.expect(valid_bits(message.bits));
    archive.flag(message.settled);
    archive.flag(message.more);
    const std::uint32_t last = (std::uint32_t{1} << message.bits) - 1;
    archive.list(message.buckets, std::size_t{1} << bucket_bits_max,
                 [last](Archive& inner, auto& bucket) { inner.number(bucket, last); });
    archive.list(message.items, list_items_max, [](Archive& inner, auto& item) {
        inner.begin();
        fields(inner, item);
        inner.end();
    });
}

template <typename Archive, Is<WantMessage> R>
void fields(Archive& archive, R& message) {
    archive.id(message.from);
    archive.list(message.keys, list_items_max, [](Archive& inner, auto& key) {
        inner.begin();
        fields(inner, key);
        inner.end();
    });
}

template <typename Archive, Is<RecordsMessage> R>
void fields(Archive& archive, R& message) {
    archive.id(message.from);
    archive.flag(message.more);
    archive.list(message.payloads, list_items_max,
                 [](Archive& inner, auto& payload) { inner.text(payload, record_bytes_max); });
}

template <typename Archive, Is<BlobWantMessage> R>
void fields(Archive& archive, R& message) {
    archive.id(message.from);
    archive.list(message.hashes, blobs_asked_max,
                 [](Archive& inner, auto& hash) { inner.hash(hash); });
}

template <typename Archive, Is<BlobsMessage> R>
void fields(Archive& archive, R& message) {
    archive.id(message.from);
    archive.list(message.blobs, blobs_asked_max,
                 [](Archive& inner, auto& blob) { inner.text(blob, blob_bytes_max); });
}

namespace {

template <typename Message>
wire::Decoded<Exchange> read_exchange(std::string_view body) {
    auto message = read_fields<Message>(body);
    if (!message.has_value()) return wire::refused(message.error());
    return Exchange(*std::move(message));
}

struct KindOf {
    ExchangeKind operator()(const RootMessage&) const { return ExchangeKind::root; }
    ExchangeKind operator()(const DigestsMessage&) const { return ExchangeKind::digests; }
    ExchangeKind operator()(const ListMessage&) const { return ExchangeKind::list; }
    ExchangeKind operator()(const WantMessage&) const { return ExchangeKind::want; }
    ExchangeKind operator()(const RecordsMessage&) const { return ExchangeKind::records; }
    ExchangeKind operator()(const BlobWantMessage&) const { return ExchangeKind::blob_want; }
    ExchangeKind operator()(const BlobsMessage&) const { return ExchangeKind::blobs; }
};

// What any of them may come to: a blob, or 64 KiB of records and their frame.
constexpr std::size_t exchange_message_bytes_max = std::size_t{2} * blob_bytes_max;

}  // namespace

bool is_exchange(std::uint8_t kind) {
    const auto first = static_cast<std::uint8_t>(ExchangeKind::root);
    return (kind & 0xf0u) == first ||
           (kind & 0xf0u) == static_cast<std::uint8_t>(ExchangeKind::blob_want);
}

wire::Decoded<Exchange> decode_exchange(std::string_view payload) {
    const auto kind = message_kind(payload);
    if (!kind.has_value()) return wire::refused(kind.error());
    if (payload.size() > exchange_message_bytes_max) return wire::refused(Fault::too_large);
    const std::string_view body = payload.substr(envelope_bytes);
    switch (ExchangeKind{*kind}) {
        case ExchangeKind::root:
            return read_exchange<RootMessage>(body);
        case ExchangeKind::digests:
            return read_exchange<DigestsMessage>(body);
        case ExchangeKind::list:
            return read_exchange<ListMessage>(body);
        case ExchangeKind::want:
            return read_exchange<WantMessage>(body);
        case ExchangeKind::records:
            return read_exchange<RecordsMessage>(body);
        case ExchangeKind::blob_want:
            return read_exchange<BlobWantMessage>(body);
        case ExchangeKind::blobs:
            return read_exchange<BlobsMessage>(body);
    }
    return wire::refused(Fault::unknown_type);
}

std::string encode(const Exchange& message) {
    std::string payload{picket_message, static_cast<char>(format_version),
                        static_cast<char>(std::visit(KindOf{}, message))};
    std::visit([&](const auto& value) { write_fields(value, payload); }, message);
    PICKET_ASSERT(payload.size() <= exchange_message_bytes_max);
    return payload;
}

}  // namespace picket::gossip
