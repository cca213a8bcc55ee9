// Maps in memberlist's dialect of msgpack: one message is one map.
//
// The peers speak the old msgpack: text and bytes are both of the raw family
// (fixraw, raw16, raw32), never str8 or bin, which they would refuse. Keys are
// sorted by byte order and numbers take the fewest bytes. A reader is more
// generous: keys in any order, missing or unknown; nil for any field; numbers of
// any width and sign that fit; str8.
//
// Nothing is allocated by a length that the bytes announce. What is read are
// views into the bytes given.

#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "gossip/wire/fault.h"

namespace picket::gossip::wire {

// Unknown fields may hold maps and arrays in each other this deep, and a message
// this many keys and values in all: further ones are too_complex. It bounds the
// work of one attempt at reading, whatever the size of the bytes.
constexpr std::size_t map_depth_max = 16;
constexpr std::size_t map_values_max = 128;

// A field that a message has: its key and where its value goes.
struct Field {
    std::string_view key;
    std::variant<bool*, std::uint8_t*, std::uint16_t*, std::uint32_t*, std::uint64_t*,
                 std::string_view*>
        target;
    // The longest text or byte string; longer ones are too_long.
    std::size_t bytes_max = std::numeric_limits<std::size_t>::max();
};

// Reads the map that `bytes` begins with into `fields`, and returns how many bytes
// it took. Fields that are absent or nil stay as they are. After a fault the
// fields hold anything; `truncated` says that more bytes might complete the map.
Decoded<std::size_t> read_map(std::string_view bytes, std::span<const Field> fields);

// Appends one map to `out`. The caller keeps the keys sorted and the count true.
class MapWriter {
public:
    MapWriter(std::string& out, std::uint32_t fields);

    void text(std::string_view key, std::string_view value);
    void bytes(std::string_view key, std::string_view value);  // Empty becomes nil, as in Go.
    void number(std::string_view key, std::uint64_t value);
    void boolean(std::string_view key, bool value);

private:
    std::string& out_;
};

}  // namespace picket::gossip::wire
