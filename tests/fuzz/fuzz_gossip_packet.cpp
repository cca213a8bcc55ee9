// Datagrams of any bytes: none may be misread, whatever layer it pretends to have.
//
// The first byte chooses the configuration. 1: a label is due. 2: keys are
// configured and the datagram comes as it is, so that nothing of it may be read.
// 4: keys are configured and the datagram is sealed first. 8: as version 0.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/assert.h"
#include "gossip/wire/packet.h"

using namespace picket::gossip::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

KeyRing one_key() {
    KeyRing keys;
    const auto key = Key::from_bytes("0123456789abcdef");
    PICKET_ASSERT(keys.add(*key, NonceSequence({})).has_value());
    return keys;
}

// What was read says the same when written and read again.
void check_round_trip(const PacketReader::Contents& contents) {
    if (contents.messages.empty() || contents.messages.size() > compound_parts_max) return;
    std::vector<std::string> encoded;
    for (const Message& message : contents.messages) {
        encode(message, encoded.emplace_back());
        PICKET_ASSERT(decode(encoded.back()) == Decoded<Message>(message));
    }
    KeyRing none;
    PacketWriter writer({}, none);
    PacketReader reader({}, none);
    const std::vector<std::string_view> views(encoded.begin(), encoded.end());
    const auto written = writer.write(views, Checksum::with);
    PICKET_ASSERT(written.has_value());
    PICKET_ASSERT(reader.read(*written).messages.size() == contents.messages.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const unsigned choice = data[0];
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    const bool sealed = (choice & 4u) != 0;
    KeyRing keys = sealed || (choice & 2u) != 0 ? one_key() : KeyRing();
    const std::string label = (choice & 1u) != 0 ? "mesh" : "";

    std::string datagram;
    if (sealed) {
        append_label(label, datagram);
        const auto version =
            (choice & 8u) != 0 ? EncryptionVersion::padded : EncryptionVersion::plain;
        PICKET_ASSERT(keys.seal(version, label, input, datagram).has_value());
    } else {
        datagram = input;
    }
    PacketReader reader({.label = label}, keys);
    const PacketReader::Contents contents = reader.read(datagram);
    PICKET_ASSERT(!contents.messages.empty() || !contents.faults.empty());
    if (!keys.empty() && !sealed) PICKET_ASSERT(contents.messages.empty());
    check_round_trip(contents);
    return 0;
}
