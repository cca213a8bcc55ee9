// What real agents said, taken apart and put together again.

#include "tests/unit/gossip/wire/captures.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "gossip/wire/packet.h"
#include "gossip/wire/stream.h"

namespace picket::gossip::wire {
namespace {

// A ring that seals once with the nonce that the blob was sealed with.
KeyRing ring_with_nonce_of(const KeyRing& keys, std::string_view blob) {
    KeyRing ring;
    if (keys.empty()) return ring;
    NonceSequence::Prefix prefix{};
    std::uint64_t used = 0;
    for (std::size_t i = 0; i < 12; ++i) {
        const auto byte = static_cast<std::uint8_t>(blob[1 + i]);
        if (i < prefix.size()) {
            prefix[i] = byte;
        } else {
            used = used << 8 | byte;
        }
    }
    REQUIRE(ring.add(keys.keys()[0], NonceSequence(prefix, used)).has_value());
    return ring;
}

std::size_t messages_in(const std::string& holds) {
    std::istringstream words(holds.substr(0, holds.find(' ')));
    std::string word;
    std::size_t count = 0;
    while (std::getline(words, word, '+')) count += word != "compress" && word != "compound";
    return count;
}

TEST_CASE("every captured packet decodes, and its messages encode to the same bytes") {
    std::set<std::size_t> kinds;
    for (const char* name : capture_names) {
        CaptureFile file = load_captures(name);
        PacketReader reader({}, file.keys);
        for (const Capture& capture : file.captures) {
            if (capture.kind != "packet") continue;
            CAPTURE(name);
            CAPTURE(capture.holds);
            const PacketReader::Contents contents = reader.read(capture.bytes);
            CHECK(contents.faults.empty());
            CHECK(contents.messages.size() == messages_in(capture.holds));

            std::vector<std::string> encoded;
            for (const Message& message : contents.messages) {
                kinds.insert(message.index());
                encode(message, encoded.emplace_back());
            }
            const std::vector<std::string_view> views(encoded.begin(), encoded.end());
            KeyRing keys = ring_with_nonce_of(file.keys, capture.bytes);
            PacketWriter writer({.label = "", .compress = file.name != "lan_plain_nocompress"},
                                keys);
            const bool checksum = capture.holds.ends_with(" crc");
            const Result<std::string_view> written =
                writer.write(views, checksum ? Checksum::with : Checksum::without);
            REQUIRE(written.has_value());
            CHECK(*written == capture.bytes);
        }
    }
    CHECK(kinds.size() == std::variant_size_v<Message>);
}

TEST_CASE("every captured stream decodes, byte by byte too, and encodes to the same bytes") {
    std::set<std::size_t> kinds;
    for (const char* name : capture_names) {
        CaptureFile file = load_captures(name);
        for (const Capture& capture : file.captures) {
            if (capture.kind == "packet") continue;
            CAPTURE(name);
            CAPTURE(capture.holds);
            const StreamSide from =
                capture.kind == "dialler" ? StreamSide::dialler : StreamSide::acceptor;
            StreamReader at_once({.label = "", .from = from}, file.keys);
            StreamReader by_byte({.label = "", .from = from}, file.keys);
            CHECK(at_once.feed(capture.bytes) == Decoded<bool>(true));
            for (std::size_t i = 0; i < capture.bytes.size(); ++i) {
                const bool last = i + 1 == capture.bytes.size();
                REQUIRE(by_byte.feed({&capture.bytes[i], 1}) == Decoded<bool>(last));
            }
            CHECK(at_once.message() == by_byte.message());
            kinds.insert(at_once.message().index());

            KeyRing keys = ring_with_nonce_of(file.keys, std::string_view(capture.bytes).substr(5));
            const Result<std::string> written = write_stream(
                at_once.message(),
                {.label = "", .from = from, .compress = file.name != "lan_plain_nocompress"}, keys);
            REQUIRE(written.has_value());
            CHECK(*written == capture.bytes);
        }
    }
    CHECK(kinds.size() == 3);  // Push/pull, ping and ack: no agent sent the others.
}

void check_cut_and_flipped(const Capture& capture, const CaptureFile& file, PacketReader& reader) {
    const bool guarded = !file.keys.empty() || capture.holds.ends_with(" crc");
    for (std::size_t size = 0; size < capture.bytes.size(); ++size) {
        const auto cut = reader.read(std::string(capture.bytes, 0, size));
        if (guarded && size >= 5) {
            CHECK(cut.messages.empty());
            CHECK(cut.faults.size() == 1);
        }
    }
    for (std::size_t bit = 0; bit < capture.bytes.size() * 8; bit += 3) {
        std::string flipped = capture.bytes;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
        const auto contents = reader.read(flipped);
        if (!file.keys.empty()) CHECK(contents.messages.empty());
        CHECK(contents.messages.size() <= 255);
    }
}

TEST_CASE("a captured packet cut anywhere or with a bit flipped harms nothing" *
          doctest::test_suite("long")) {
    for (const char* name : capture_names) {
        CaptureFile file = load_captures(name);
        PacketReader reader({}, file.keys);
        const auto packet = std::ranges::find(file.captures, "packet", &Capture::kind);
        REQUIRE(packet != file.captures.end());
        const std::string sound = packet->bytes;
        const std::size_t sound_messages = reader.read(sound).messages.size();
        for (const Capture& capture : file.captures) {
            if (capture.kind != "packet") continue;
            CAPTURE(capture.holds);
            check_cut_and_flipped(capture, file, reader);
            REQUIRE(reader.read(sound).messages.size() == sound_messages);
        }
    }
}

TEST_CASE("a captured stream with a bit flipped is refused, or is another whole message" *
          doctest::test_suite("long")) {
    for (const char* name : capture_names) {
        CaptureFile file = load_captures(name);
        std::size_t refusals = 0;
        for (const Capture& capture : file.captures) {
            if (capture.kind == "packet") continue;
            const StreamSide from =
                capture.kind == "dialler" ? StreamSide::dialler : StreamSide::acceptor;
            for (std::size_t bit = 0; bit < capture.bytes.size() * 8; bit += 13) {
                std::string flipped = capture.bytes;
                flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
                StreamReader reader({.label = "", .from = from}, file.keys);
                const Decoded<bool> complete = reader.feed(flipped);
                if (!file.keys.empty()) CHECK(complete != Decoded<bool>(true));
                refusals += complete.has_value() ? 0u : 1u;
                CHECK(reader.buffered_bytes() < 64 * 1024);
            }
        }
        CHECK(refusals > 0);
    }
}

}  // namespace
}  // namespace picket::gossip::wire
