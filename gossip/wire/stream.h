// Streams: one message in each direction of a TCP connection.
//
// The dialling side begins with the label of the mesh, in clear; the accepting
// side's answer has none. Then comes the message, in clear or as `0a`, a length
// and a sealed blob, for which those five bytes and the label are authenticated
// too (memberlist.md, 5.3 and 7). The message itself may be compressed, once.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "gossip/wire/fault.h"
#include "gossip/wire/seal.h"
#include "gossip/wire/stream_messages.h"

namespace picket::gossip::wire {

// memberlist's limits: the sealed blob, and what it decompresses to.
constexpr std::size_t stream_sealed_bytes_max = std::size_t{20} * 1024 * 1024;
constexpr std::size_t stream_message_bytes_max = 2 * stream_sealed_bytes_max;

// Who wrote the bytes.
enum class StreamSide : std::uint8_t { dialler, acceptor };

// Takes the message out of one direction of a stream, as its bytes arrive. It owns
// no socket and knows no deadline: the caller feeds it, and gives up when it must.
class StreamReader {
public:
    struct Options {
        std::string label{};
        StreamSide from = StreamSide::dialler;
        StreamLimits limits{};
        // More is too_large. Memory grows with what arrives, never with what is announced.
        std::size_t sealed_bytes_max = stream_sealed_bytes_max;
        std::size_t message_bytes_max = stream_message_bytes_max;
    };

    // `keys` must outlive the reader, which stays where it is: the message points into it.
    StreamReader(Options options, const KeyRing& keys);
    StreamReader(const StreamReader&) = delete;
    StreamReader& operator=(const StreamReader&) = delete;

    // Takes the next bytes. Returns true once the message is complete, false while more
    // is needed; what follows the message is ignored. After a Fault the stream is lost.
    // Requires that neither has happened before. A stream that ends while false is truncated.
    Decoded<bool> feed(std::string_view bytes);

    // Requires that feed returned true.
    const StreamMessage& message() const;

    // After a fault: whether the peers would answer an ErrorReply before they close. They do
    // where encryption or compression is wrong, not for the label or within the message.
    bool error_reply_due() const { return stage_ == Stage::unwrapping; }

    // What is held in memory, so that the caller can bound the sum over its streams.
    std::size_t buffered_bytes() const { return buffer_.capacity(); }

private:
    enum class Stage { label, unwrapping, scanning, complete };

    Decoded<bool> read_label();
    Decoded<bool> unwrap();
    Decoded<bool> open_sealed(std::string_view rest);
    Decoded<bool> inflate(std::string_view rest);
    Decoded<bool> scan();
    Decoded<bool> decode_whole();

    Options options_;
    const KeyRing& keys_;
    Stage stage_ = Stage::label;
    std::string buffer_;
    std::size_t start_ = 0;  // Of what follows the label.
    StreamScan scan_;
    std::optional<StreamMessage> message_;
};

struct StreamWriteOptions {
    std::string_view label{};
    StreamSide from = StreamSide::dialler;
    bool compress = true;  // Even where it does not make it smaller, as the peers do.
    EncryptionVersion encryption = EncryptionVersion::plain;
};

// All bytes of one direction. Fails when the sealed message would be longer than
// stream_sealed_bytes_max, or the nonces of the key are used up.
Result<std::string> write_stream(const StreamMessage& message, const StreamWriteOptions& options,
                                 KeyRing& keys);

}  // namespace picket::gossip::wire
