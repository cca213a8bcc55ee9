// Streams of any bytes, in pieces of any size: all sizes must come to the same end.
//
// The first byte chooses the configuration. 1: a label is due. 2: keys are
// configured and the bytes come as they are. 4: keys are configured and the bytes
// are sealed and framed first. 8: the bytes are an answer. The second byte is the
// size of a piece.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/assert.h"
#include "gossip/wire/packet.h"
#include "gossip/wire/stream.h"

using namespace picket::gossip::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

KeyRing one_key() {
    KeyRing keys;
    const auto key = Key::from_bytes("0123456789abcdef");
    PICKET_ASSERT(keys.add(*key, NonceSequence({})).has_value());
    return keys;
}

std::string framed(std::string_view plain, const std::string& label, StreamSide from,
                   KeyRing& keys) {
    std::string bytes;
    if (from == StreamSide::dialler) append_label(label, bytes);
    const std::size_t size = plain.size() + sealed_overhead_bytes(EncryptionVersion::plain);
    std::string frame(1, static_cast<char>(Type::encrypt));
    for (const unsigned shift : {24u, 16u, 8u, 0u}) {
        frame.push_back(static_cast<char>(size >> shift & 0xff));
    }
    bytes += frame;
    PICKET_ASSERT(keys.seal(EncryptionVersion::plain, frame + label, plain, bytes).has_value());
    return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const unsigned choice = data[0];
    const std::size_t piece = data[1] + 1u;
    const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
    KeyRing none;
    const bool sealed = (choice & 4u) != 0;
    KeyRing keys = sealed || (choice & 2u) != 0 ? one_key() : KeyRing();
    const StreamSide from = (choice & 8u) != 0 ? StreamSide::acceptor : StreamSide::dialler;
    const std::string label = (choice & 1u) != 0 ? "mesh" : "";
    const std::string bytes = sealed ? framed(input, label, from, keys) : std::string(input);
    // Small limits, so that the fuzzer gets to them.
    StreamReader::Options options;
    options.label = label;
    options.from = from;
    options.limits = {.nodes_max = 1000, .nodes_refused_max = 5, .user_bytes_max = 2000};
    options.sealed_bytes_max = 4000;
    options.message_bytes_max = 100'000;

    StreamReader whole(options, keys);
    const Decoded<bool> at_once = whole.feed(bytes);
    StreamReader pieces(options, keys);
    Decoded<bool> fed = false;
    for (std::size_t at = 0; at < bytes.size() && fed == Decoded<bool>(false); at += piece) {
        fed = pieces.feed(std::string_view(bytes).substr(at, piece));
    }
    PICKET_ASSERT(fed == at_once);
    if (at_once != Decoded<bool>(true)) return 0;
    PICKET_ASSERT(keys.empty() || sealed);

    std::string encoded;
    encode_stream(whole.message(), encoded);
    StreamReader again({.label = "", .from = StreamSide::acceptor}, none);
    PICKET_ASSERT(again.feed(encoded) == Decoded<bool>(true));
    // What was left out of a push/pull is not encoded.
    if (const auto* state = std::get_if<PushPull>(&whole.message())) {
        PICKET_ASSERT(std::get<PushPull>(again.message()).nodes == state->nodes);
    } else {
        PICKET_ASSERT(again.message() == whole.message());
    }
    return 0;
}
