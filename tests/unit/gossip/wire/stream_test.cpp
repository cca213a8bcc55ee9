#include "gossip/wire/stream.h"

#include <doctest/doctest.h>

#include "agent/base/random.h"
#include "gossip/wire/lzw.h"
#include "gossip/wire/msgpack_map.h"

namespace picket::gossip::wire {
namespace {

using namespace std::string_literals;

KeyRing ring_of(char first) {
    KeyRing ring;
    const Result<Key> key = Key::from_bytes(std::string(32, first));
    REQUIRE(ring.add(*key, NonceSequence({1, 2, 3, 4, 5, 6, 7})).has_value());
    return ring;
}

std::string encoded(const StreamMessage& message) {
    std::string bytes;
    encode_stream(message, bytes);
    return bytes;
}

Fault fault_of(std::string_view bytes, const KeyRing& keys, StreamReader::Options options = {}) {
    StreamReader reader(std::move(options), keys);
    const Decoded<bool> complete = reader.feed(bytes);
    REQUIRE_FALSE(complete.has_value());
    return complete.error();
}

bool complete(std::string_view bytes, const KeyRing& keys, StreamReader::Options options = {}) {
    StreamReader reader(std::move(options), keys);
    const Decoded<bool> fed = reader.feed(bytes);
    REQUIRE(fed.has_value());
    return *fed;
}

NodeState node(std::string_view name) {
    NodeState state;
    state.name = name;
    state.ip.bytes = {127, 0, 0, 1};
    state.port = 7946;
    state.versions.delegate_max = 5;
    return state;
}

TEST_CASE("any message comes through a stream, in pieces of any size, whatever the layers") {
    for (std::uint64_t seed = 1; seed <= 150; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        KeyRing none;
        KeyRing ring = ring_of('k');
        KeyRing& keys = random.chance(1, 2) ? ring : none;
        std::vector<std::string> names(random.below(40) + 1);
        PushPull state{random.chance(1, 2), {}, 0, {}};
        const std::string text(1 + random.below(3000), static_cast<char>(random.next()));
        const std::string meta(random.below(513), 'm');
        for (std::string& name : names) {
            name = std::string(1 + random.below(255), 'n');
            state.nodes.push_back(node(name));
            state.nodes.back().condition = static_cast<NodeCondition>(random.below(4));
            state.nodes.back().incarnation = static_cast<std::uint32_t>(random.next());
            state.nodes.back().meta = meta;
        }
        if (random.chance(1, 2)) state.user_state = text;
        const std::array<StreamMessage, 5> messages{
            state, Ping{7, names[0], {}}, Ack{8, text}, User{text},
            ErrorReply{std::string_view(text).substr(0, error_text_bytes_max)}};
        const std::string label = random.chance(1, 2) ? "mesh" : "";
        for (const StreamMessage& message : messages) {
            const StreamSide from =
                random.chance(1, 2) ? StreamSide::dialler : StreamSide::acceptor;
            const auto bytes =
                write_stream(message,
                             {.label = label,
                              .from = from,
                              .compress = random.chance(1, 2),
                              .encryption = random.chance(1, 2) ? EncryptionVersion::plain
                                                                : EncryptionVersion::padded},
                             keys);
            REQUIRE(bytes.has_value());
            StreamReader reader({.label = label, .from = from}, keys);
            bool done = false;
            for (std::size_t at = 0; at < bytes->size();) {
                REQUIRE_FALSE(done);
                const std::size_t size =
                    std::min<std::size_t>(1 + random.below(200), bytes->size() - at);
                const Decoded<bool> fed = reader.feed(std::string_view(*bytes).substr(at, size));
                REQUIRE(fed.has_value());
                done = *fed;
                at += size;
            }
            REQUIRE(done);
            CHECK(reader.message() == message);
        }
    }
}

TEST_CASE("a stream cut anywhere is not complete, and not a fault") {
    const PushPull state{true, {node("n1"), node("n2")}, 0, "user state"};
    KeyRing none;
    KeyRing keys = ring_of('k');
    for (KeyRing* ring : {&none, &keys}) {
        for (const bool compress : {false, true}) {
            const auto bytes = write_stream(state, {.label = "mesh", .compress = compress}, *ring);
            for (std::size_t size = 0; size < bytes->size(); ++size) {
                CHECK_FALSE(
                    complete(std::string_view(*bytes).substr(0, size), *ring, {.label = "mesh"}));
            }
            CHECK(complete(*bytes + "more", *ring, {.label = "mesh"}));
        }
    }
}

TEST_CASE("inside a seal or a compression nothing more can come") {
    KeyRing none;
    std::string cut = encoded(PushPull{true, {node("n1")}, 0, "user state"});
    cut.pop_back();
    std::string lzw;
    lzw_compress(cut, lzw);
    std::string compressed;
    encode_compressed(lzw, compressed);
    CHECK(fault_of(compressed, none) == Fault::truncated);

    KeyRing keys = ring_of('k');
    const auto framed = [&](std::string_view plain) {
        std::string frame = "\x0a\0\0"s;
        frame.push_back(static_cast<char>((plain.size() + 29) >> 8));
        frame.push_back(static_cast<char>((plain.size() + 29) & 0xff));
        std::string blob;
        REQUIRE(keys.seal(EncryptionVersion::plain, frame, plain, blob).has_value());
        return frame + blob;
    };
    CHECK(complete(framed(encoded(Ack{1, {}})), keys));
    CHECK(fault_of(framed(cut), keys) == Fault::truncated);
    CHECK(fault_of(framed(compressed.substr(0, 40)), keys) == Fault::truncated);
    CHECK(fault_of(framed(""), keys) == Fault::empty);
}

TEST_CASE("one member that is told of wrongly does not cut off all the others") {
    KeyRing none;
    std::string bytes = "\x06\x83\xa4Join\xc3\xa5Nodes\x06\xacUserStateLen\x02"s;
    const auto add = [&](std::string_view name, std::string_view ip, std::uint64_t condition,
                         std::string_view versions) {
        MapWriter map(bytes, 4);
        map.bytes("Addr", ip);
        map.text("Name", name);
        map.number("State", condition);
        map.bytes("Vsn", versions);
    };
    add("good", "abcd", 3, "\1\5\2\2\5\5");
    add("", "abcd", 0, "\1\5\2\2\5\5");
    add("no versions", "abcd", 0, "");
    add("state 4", "abcd", 4, "\1\5\2\2\5\5");
    bytes += "\x82\xa4Name\x07\xa3New\x81\x01\x02"s;
    add("last", "0123456789abcdef", 0, "\1\5\2\2\5\5");
    bytes += "us";
    StreamReader reader({}, none);
    REQUIRE(reader.feed(bytes) == Decoded<bool>(true));
    const auto& state = std::get<PushPull>(reader.message());
    REQUIRE(state.nodes.size() == 2);
    CHECK(state.nodes[0].name == "good");
    CHECK(state.nodes[1].name == "last");
    CHECK(state.nodes_refused == 4);
    CHECK(state.user_state == "us");
    CHECK(fault_of(bytes, none, {.limits = {.nodes_refused_max = 3}}) == Fault::wrong_kind);
}

TEST_CASE("announced sizes are checked before anything is kept for them") {
    KeyRing none;
    KeyRing keys = ring_of('k');
    CHECK(fault_of("\x06\x81\xa5Nodes\xce\x00\x10\x00\x01"s, none) == Fault::too_large);
    CHECK(fault_of("\x06\x81\xa5Nodes\xff"s, none) == Fault::out_of_range);
    CHECK(fault_of("\x06\x81\xacUserStateLen\xce\x01\x40\x00\x01"s, none) == Fault::too_large);
    CHECK(fault_of("\x08\x81\xaaUserMsgLen\xce\x01\x40\x00\x01"s, none) == Fault::too_large);
    CHECK(fault_of("\x08\x81\xaaUserMsgLen\xd3\xff\xff\xff\xff\xff\xff\xff\xff"s, none) ==
          Fault::out_of_range);
    CHECK(fault_of("\x08\x81\xaaUserMsgLen\x00"s, none) == Fault::empty);
    CHECK(fault_of("\x0a\x01\x40\x00\x01"s, keys) == Fault::too_large);

    StreamReader reader({}, none);
    CHECK(
        reader.feed("\x06\x82\xa5Nodes\xce\x00\x10\x00\x00\xacUserStateLen\xce\x01\x40\x00\x00"s) ==
        Decoded<bool>(false));
    CHECK(reader.buffered_bytes() < 200);
}

TEST_CASE("a stream that goes on for ever is given up at the limit") {
    KeyRing none;
    StreamReader reader({.message_bytes_max = 10'000}, none);
    Decoded<bool> fed = reader.feed("\x06\x82\xa4Junk\xdb\x00\xff\xff\xff"s);
    std::size_t sent = 0;
    for (; fed == Decoded<bool>(false); sent += 1000) fed = reader.feed(std::string(1000, 'x'));
    CHECK(fed == Decoded<bool>(refused(Fault::too_large)));
    CHECK(sent <= 11'000);
    CHECK(reader.buffered_bytes() <= 25'000);

    std::string lzw;
    lzw_compress(std::string(10'001, '\x06'), lzw);
    std::string bomb;
    encode_compressed(lzw, bomb);
    CHECK(fault_of(bomb, none, {.message_bytes_max = 10'000}) == Fault::inflated_too_large);
}

TEST_CASE("with keys nothing in clear is read, and without them nothing sealed") {
    KeyRing none;
    KeyRing keys = ring_of('k');
    KeyRing others = ring_of('o');
    const StreamMessage message = Ping{7, "n1", {}};
    const auto clear = write_stream(message, {}, none);
    const auto sealed = write_stream(message, {}, keys);
    CHECK(fault_of(*clear, keys) == Fault::not_encrypted);
    CHECK(fault_of(*sealed, none) == Fault::unexpectedly_sealed);
    CHECK(fault_of(*sealed, others) == Fault::not_authentic);
    for (std::size_t bit = 8; bit < sealed->size() * 8; ++bit) {
        std::string flipped = *sealed;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
        StreamReader reader({}, keys);
        CHECK(reader.feed(flipped) != Decoded<bool>(true));
    }
}

TEST_CASE("the dialler's label is in clear, the acceptor's only authenticated") {
    KeyRing keys = ring_of('k');
    const StreamMessage message = Ack{7, {}};
    const auto asked = write_stream(message, {.label = "mesh"}, keys);
    const auto answered =
        write_stream(message, {.label = "mesh", .from = StreamSide::acceptor}, keys);
    CHECK(asked->starts_with("\xf4\x04mesh\x0a"));
    CHECK(answered->starts_with("\x0a"));
    CHECK(complete(*asked, keys, {.label = "mesh"}));
    CHECK(complete(*answered, keys, {.label = "mesh", .from = StreamSide::acceptor}));
    CHECK(fault_of(*asked, keys, {.label = "other"}) == Fault::wrong_label);
    CHECK(fault_of(*asked, keys) == Fault::wrong_label);
    CHECK(fault_of(*answered, keys, {.label = "mesh"}) == Fault::wrong_label);
    CHECK(fault_of(*answered, keys, {.label = "other", .from = StreamSide::acceptor}) ==
          Fault::not_authentic);
}

TEST_CASE("an error is answered where the peers would") {
    KeyRing none;
    KeyRing keys = ring_of('k');
    const auto due = [](std::string_view bytes, const KeyRing& ring) {
        StreamReader reader({}, ring);
        REQUIRE_FALSE(reader.feed(bytes).has_value());
        return reader.error_reply_due();
    };
    CHECK(due(encoded(Ack{7, {}}), keys));
    CHECK(due("\x0a\0\0\0\1"s, none));
    CHECK(due("\x09\x81\xa4"s + "Algo\x01", none));
    CHECK_FALSE(due("\xf4\x01x", none));
    CHECK_FALSE(due("\x0e", none));
    CHECK_FALSE(due("\x06\xc0", none));
}

TEST_CASE("a stream too long to be sealed is not written") {
    KeyRing keys = ring_of('k');
    const std::string state(stream_sealed_bytes_max, 'x');
    const auto written = write_stream(User{state}, {.compress = false}, keys);
    REQUIRE_FALSE(written.has_value());
    CHECK(written.error().code() == Code::exhausted);
    CHECK(write_stream(User{state}, {.compress = true}, keys).has_value());
}

}  // namespace
}  // namespace picket::gossip::wire
