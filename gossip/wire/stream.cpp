#include "gossip/wire/stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"
#include "gossip/wire/lzw.h"
#include "gossip/wire/packet.h"

namespace picket::gossip::wire {
namespace {

constexpr std::size_t frame_bytes = 5;

Type type_of(std::string_view bytes) {
    return static_cast<Type>(bytes[0]);
}

// What GCM authenticates of a stream beside the blob.
std::string authenticated_bytes(std::string_view frame, std::string_view label) {
    std::string bytes(frame);
    bytes.append(label);
    return bytes;
}

std::size_t sealed_bytes(EncryptionVersion version, std::size_t plain_bytes) {
    constexpr std::size_t block_bytes = 16;
    const std::size_t whole_blocks = plain_bytes / block_bytes * block_bytes;
    return version == EncryptionVersion::plain ? plain_bytes + sealed_overhead_bytes(version)
                                               : whole_blocks + sealed_overhead_bytes(version);
}

}  // namespace

StreamReader::StreamReader(Options options, const KeyRing& keys)
    : options_(std::move(options)), keys_(keys) {
    if (options_.from == StreamSide::acceptor) stage_ = Stage::unwrapping;
}

Decoded<bool> StreamReader::feed(std::string_view bytes) {
    PICKET_ASSERT(stage_ != Stage::complete);
    buffer_.append(bytes);
    if (stage_ == Stage::label) {
        const bool read = PICKET_TRY(read_label());
        if (!read) return false;
    }
    const Decoded<bool> complete = stage_ == Stage::unwrapping ? unwrap() : scan();
    if (!complete.has_value() || *complete) return complete;
    const std::size_t bytes_max =
        keys_.empty() ? options_.message_bytes_max : frame_bytes + options_.sealed_bytes_max;
    if (buffer_.size() - start_ > bytes_max) return refused(Fault::too_large);
    return false;
}

const StreamMessage& StreamReader::message() const {
    PICKET_ASSERT(message_.has_value());
    return *message_;
}

Decoded<bool> StreamReader::read_label() {
    if (buffer_.empty()) return false;
    std::string_view rest = buffer_;
    const Decoded<void> stripped = strip_label(options_.label, rest);
    if (!stripped.has_value()) {
        if (stripped.error() == Fault::truncated) return false;
        return refused(stripped.error());
    }
    start_ = buffer_.size() - rest.size();
    stage_ = Stage::unwrapping;
    return true;
}

Decoded<bool> StreamReader::unwrap() {
    const std::string_view rest = std::string_view(buffer_).substr(start_);
    if (rest.empty()) return false;
    if (type_of(rest) == Type::encrypt) {
        if (keys_.empty()) return refused(Fault::unexpectedly_sealed);
        return open_sealed(rest);
    }
    if (!keys_.empty()) return refused(Fault::not_encrypted);
    if (type_of(rest) == Type::compress) return inflate(rest);
    stage_ = Stage::scanning;
    return scan();
}

Decoded<bool> StreamReader::open_sealed(std::string_view rest) {
    if (rest.size() < frame_bytes) return false;
    std::size_t size = 0;
    for (const char byte : rest.substr(1, frame_bytes - 1)) {
        size = size << 8 | static_cast<std::uint8_t>(byte);
    }
    if (size > options_.sealed_bytes_max) return refused(Fault::too_large);
    if (rest.size() < frame_bytes + size) return false;
    std::string plain;
    const std::string authenticated =
        authenticated_bytes(rest.substr(0, frame_bytes), options_.label);
    PICKET_TRY(keys_.open(authenticated, rest.substr(frame_bytes, size), plain));
    buffer_ = std::move(plain);
    start_ = 0;
    if (buffer_.empty()) return refused(Fault::empty);
    if (type_of(buffer_) != Type::compress) return decode_whole();
    const bool complete = PICKET_TRY(inflate(buffer_));
    if (!complete) return refused(Fault::truncated);
    return true;
}

Decoded<bool> StreamReader::inflate(std::string_view rest) {
    const Decoded<Compressed> compressed = decode_compressed(rest);
    if (!compressed.has_value()) {
        if (compressed.error() == Fault::truncated) return false;
        return refused(compressed.error());
    }
    std::string inflated;
    PICKET_TRY(lzw_decompress(compressed->bytes, options_.message_bytes_max, inflated));
    buffer_ = std::move(inflated);
    start_ = 0;
    return decode_whole();
}

// In clear and uncompressed, only the message itself tells where it ends.
Decoded<bool> StreamReader::scan() {
    const std::string_view rest = std::string_view(buffer_).substr(start_);
    const bool complete = PICKET_TRY(scan_stream(rest, options_.limits, scan_));
    if (!complete) return false;
    return decode_whole();
}

Decoded<bool> StreamReader::decode_whole() {
    stage_ = Stage::scanning;
    const std::string_view rest = std::string_view(buffer_).substr(start_);
    message_ = PICKET_TRY(decode_stream(rest, options_.limits));
    stage_ = Stage::complete;
    return true;
}

Result<std::string> write_stream(const StreamMessage& message, const StreamWriteOptions& options,
                                 KeyRing& keys) {
    std::string plain;
    encode_stream(message, plain);
    if (options.compress) {
        std::string compressed;
        lzw_compress(plain, compressed);
        plain.clear();
        encode_compressed(compressed, plain);
    }
    std::string bytes;
    if (options.from == StreamSide::dialler) append_label(options.label, bytes);
    if (keys.empty()) {
        bytes.append(plain);
        return bytes;
    }
    const std::size_t size = sealed_bytes(options.encryption, plain.size());
    if (size > stream_sealed_bytes_max) {
        return failure(Code::exhausted,
                       fmt::format("a stream of {} bytes, of which {} may be sealed", size,
                                   stream_sealed_bytes_max));
    }
    std::string frame(1, static_cast<char>(Type::encrypt));
    for (const unsigned shift : {24u, 16u, 8u, 0u}) {
        frame.push_back(static_cast<char>(size >> shift & 0xff));
    }
    bytes.append(frame);
    PICKET_TRY(
        keys.seal(options.encryption, authenticated_bytes(frame, options.label), plain, bytes));
    return bytes;
}

}  // namespace picket::gossip::wire
