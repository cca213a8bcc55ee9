// Arrays of msgpack: what picket's own messages are made of.
//
// One message is one array, whose fields are known by their place. A field may be an
// array again. What is written is canonical: numbers unsigned and in the fewest
// bytes, text and bytes of the raw family, as in maps (msgpack_map.h).
//
// A reader takes numbers of any width that fit, raw, str and bin alike, and skips
// fields at the end of an array that it does not know. It is asked for one field
// after the other. After a fault every further field reads as nothing, so that a
// message is read through and judged once, at the end. Nothing is allocated by a
// length that the bytes announce.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "gossip/wire/fault.h"

namespace picket::gossip::wire {

// Fields that are skipped may be this deep, and this many in a message.
constexpr std::size_t array_depth_max = 16;
constexpr std::size_t array_skipped_max = 1024;

class ArrayReader {
public:
    explicit ArrayReader(std::string_view bytes) : rest_(bytes) {}

    // Steps into the array that is the next field, or the message itself, and returns
    // how many fields it has: at most `fields_max`, else it is too_long.
    std::size_t begin(std::size_t fields_max = std::numeric_limits<std::uint32_t>::max());
    // Steps out of it, past fields that nobody asked for.
    void end();

    std::uint64_t number(std::uint64_t max = std::numeric_limits<std::uint64_t>::max());
    bool boolean();
    // A view into the bytes; longer ones are too_long.
    std::string_view text(std::size_t bytes_max);

    // For whoever finds that a value makes no sense.
    void refuse(Fault fault);
    bool sound() const { return !fault_.has_value(); }
    std::optional<Fault> fault() const { return fault_; }

private:
    bool next_field();
    std::uint64_t take(std::size_t bytes);
    std::string_view take_bytes(std::uint64_t size);
    void skip(std::size_t depth);

    std::string_view rest_;
    std::array<std::uint32_t, array_depth_max> left_{};  // Fields, of each array we are in.
    std::size_t depth_ = 0;
    std::size_t skipped_ = 0;
    std::optional<Fault> fault_;
};

// Appends to `out`. An array's fields are counted as they are written.
class ArrayWriter {
public:
    explicit ArrayWriter(std::string& out) : out_(out) {}

    void begin();
    void end();
    void number(std::uint64_t value);
    void boolean(bool value);
    void text(std::string_view value);

private:
    struct Open {
        std::size_t start = 0;
        std::uint32_t fields = 0;
    };
    void count() {
        if (depth_ > 0) ++open_[depth_ - 1].fields;
    }

    std::string& out_;
    std::array<Open, array_depth_max> open_{};
    std::size_t depth_ = 0;
};

}  // namespace picket::gossip::wire
