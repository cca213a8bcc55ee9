#include "gossip/wire/msgpack_array.h"

#include <msgpack.hpp>

#include "agent/base/assert.h"

namespace picket::gossip::wire {
namespace {

// The codes of msgpack's specification.
constexpr std::uint8_t nil = 0xc0;
constexpr std::uint8_t code_false = 0xc2;
constexpr std::uint8_t code_true = 0xc3;
constexpr std::uint8_t bin8 = 0xc4;
constexpr std::uint8_t bin32 = 0xc6;
constexpr std::uint8_t ext8 = 0xc7;
constexpr std::uint8_t ext32 = 0xc9;
constexpr std::uint8_t float32 = 0xca;
constexpr std::uint8_t float64 = 0xcb;
constexpr std::uint8_t uint8 = 0xcc;
constexpr std::uint8_t uint64 = 0xcf;
constexpr std::uint8_t int8 = 0xd0;
constexpr std::uint8_t int64 = 0xd3;
constexpr std::uint8_t fixext1 = 0xd4;
constexpr std::uint8_t fixext16 = 0xd8;
constexpr std::uint8_t str8 = 0xd9;
constexpr std::uint8_t str32 = 0xdb;
constexpr std::uint8_t array16 = 0xdc;
constexpr std::uint8_t array32 = 0xdd;
constexpr std::uint8_t map16 = 0xde;
constexpr std::uint8_t map32 = 0xdf;

bool between(std::uint8_t code, std::uint8_t first, std::uint8_t last) {
    return first <= code && code <= last;
}

struct Appender {
    std::string& out;
    void write(const char* start, std::size_t size) { out.append(start, size); }
};

}  // namespace

void ArrayReader::refuse(Fault fault) {
    if (!fault_.has_value()) fault_ = fault;
    rest_ = {};
}

std::uint64_t ArrayReader::take(std::size_t bytes) {
    if (rest_.size() < bytes) {
        refuse(Fault::truncated);
        return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i)
        value = value << 8 | static_cast<unsigned char>(rest_[i]);
    rest_.remove_prefix(bytes);
    return value;
}

std::string_view ArrayReader::take_bytes(std::uint64_t size) {
    if (rest_.size() < size) {
        refuse(Fault::truncated);
        return {};
    }
    const std::string_view bytes = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(bytes.size());
    return bytes;
}

// Whether a field is due here at all.
bool ArrayReader::next_field() {
    if (!sound()) return false;
    if (depth_ == 0) return true;
    if (left_[depth_ - 1] == 0) {
        refuse(Fault::malformed_array);  // Shorter than this version's.
        return false;
    }
    --left_[depth_ - 1];
    return true;
}

std::size_t ArrayReader::begin(std::size_t fields_max) {
    PICKET_ASSERT(depth_ < array_depth_max);
    std::uint64_t fields = 0;
    if (next_field()) {
        const auto code = static_cast<std::uint8_t>(take(1));
        if (between(code, 0x90, 0x9f)) {
            fields = code & 0x0fu;
        } else if (code == array16 || code == array32) {
            fields = take(code == array16 ? 2 : 4);
        } else {
            refuse(Fault::malformed_array);
        }
        if (fields > fields_max) refuse(Fault::too_long);
        // Each field takes a byte at least.
        if (fields > rest_.size()) refuse(Fault::truncated);
    }
    if (!sound()) fields = 0;
    left_[depth_++] = static_cast<std::uint32_t>(fields);
    return static_cast<std::size_t>(fields);
}

void ArrayReader::end() {
    PICKET_ASSERT(depth_ > 0);
    while (sound() && left_[depth_ - 1] > 0) {
        --left_[depth_ - 1];
        skip(depth_);
    }
    --depth_;
}

std::uint64_t ArrayReader::number(std::uint64_t max) {
    if (!next_field()) return 0;
    const auto code = static_cast<std::uint8_t>(take(1));
    std::uint64_t value = 0;
    if (code < 0x80) {
        value = code;
    } else if (between(code, uint8, uint64)) {
        value = take(std::size_t{1} << (code - uint8));
    } else if (between(code, int8, int64)) {
        const std::size_t bytes = std::size_t{1} << (code - int8);
        value = take(bytes);
        if ((value >> (8 * bytes - 1) & 1u) != 0) refuse(Fault::out_of_range);
    } else {
        refuse(code >= 0xe0 ? Fault::out_of_range : Fault::wrong_kind);
    }
    if (value > max) refuse(Fault::out_of_range);
    return sound() ? value : 0;
}

bool ArrayReader::boolean() {
    if (!next_field()) return false;
    const auto code = static_cast<std::uint8_t>(take(1));
    if (code != code_true && code != code_false) refuse(Fault::wrong_kind);
    return sound() && code == code_true;
}

std::string_view ArrayReader::text(std::size_t bytes_max) {
    if (!next_field()) return {};
    const auto code = static_cast<std::uint8_t>(take(1));
    std::uint64_t size = 0;
    if (between(code, 0xa0, 0xbf)) {
        size = code & 0x1fu;
    } else if (between(code, str8, str32)) {
        size = take(std::size_t{1} << (code - str8));
    } else if (between(code, bin8, bin32)) {
        size = take(std::size_t{1} << (code - bin8));
    } else {
        refuse(Fault::wrong_kind);
    }
    if (size > bytes_max) refuse(Fault::too_long);
    return sound() ? take_bytes(size) : std::string_view();
}

// Any value at all.
void ArrayReader::skip(std::size_t depth) {
    if (depth >= array_depth_max || ++skipped_ > array_skipped_max) {
        return refuse(Fault::too_complex);
    }
    const auto code = static_cast<std::uint8_t>(take(1));
    if (!sound() || code < 0x80 || code >= 0xe0 || code == nil || code == code_true ||
        code == code_false) {
        return;
    }
    std::uint64_t values = 0;
    if (between(code, 0xa0, 0xbf)) {
        take_bytes(code & 0x1fu);
    } else if (between(code, str8, str32)) {
        take_bytes(take(std::size_t{1} << (code - str8)));
    } else if (between(code, bin8, bin32)) {
        take_bytes(take(std::size_t{1} << (code - bin8)));
    } else if (between(code, ext8, ext32)) {
        take_bytes(take(std::size_t{1} << (code - ext8)) + 1);
    } else if (between(code, fixext1, fixext16)) {
        take_bytes((std::uint64_t{1} << (code - fixext1)) + 1);
    } else if (code == float32 || code == float64) {
        take_bytes(code == float32 ? 4 : 8);
    } else if (between(code, uint8, uint64)) {
        take(std::size_t{1} << (code - uint8));
    } else if (between(code, int8, int64)) {
        take(std::size_t{1} << (code - int8));
    } else if (between(code, 0x90, 0x9f)) {
        values = code & 0x0fu;
    } else if (code == array16 || code == array32) {
        values = take(code == array16 ? 2 : 4);
    } else if (between(code, 0x80, 0x8f)) {
        values = std::uint64_t{2} * (code & 0x0fu);
    } else if (code == map16 || code == map32) {
        values = 2 * take(code == map16 ? 2 : 4);
    } else {
        return refuse(Fault::malformed_array);  // c1 is no code.
    }
    for (std::uint64_t value = 0; sound() && value < values; ++value) skip(depth + 1);
}

void ArrayWriter::begin() {
    PICKET_ASSERT(depth_ < array_depth_max);
    count();
    open_[depth_++] = {out_.size(), 0};
}

void ArrayWriter::end() {
    PICKET_ASSERT(depth_ > 0);
    const Open array = open_[--depth_];
    std::string header;
    Appender appender{header};
    msgpack::packer<Appender>(appender).pack_array(array.fields);
    out_.insert(array.start, header);
}

void ArrayWriter::number(std::uint64_t value) {
    count();
    Appender appender{out_};
    msgpack::packer<Appender>(appender).pack_uint64(value);
}

void ArrayWriter::boolean(bool value) {
    count();
    out_.push_back(static_cast<char>(value ? code_true : code_false));
}

void ArrayWriter::text(std::string_view value) {
    PICKET_ASSERT(value.size() <= std::numeric_limits<std::uint32_t>::max());
    count();
    Appender appender{out_};
    msgpack::packer<Appender> packer(appender);
    const auto size = static_cast<std::uint32_t>(value.size());
    packer.pack_v4raw(size);
    packer.pack_v4raw_body(value.data(), size);
}

}  // namespace picket::gossip::wire
