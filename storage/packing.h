// Packing: numbers as few bytes or bits, and back.
//
// Readers are checked: beyond the end, or past what a number may be, they return 0 and
// `ok` turns false for good, so that a parser asks once, at its end.

#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace picket::storage {

// Small in either direction becomes small: 0, -1, 1, -2 ...
constexpr std::uint64_t zigzag(std::int64_t value) {
    return (static_cast<std::uint64_t>(value) << 1u) ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t value) {
    return static_cast<std::int64_t>((value >> 1u) ^ (~(value & 1u) + 1));
}

// Differences that wrap, since what is stored may be any number.
constexpr std::int64_t wrapping_difference(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
constexpr std::int64_t wrapping_sum(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

// Seven bits a byte, the lowest first; the eighth says that more follow.
inline void put_varint(std::string& bytes, std::uint64_t value) {
    while (value >= 0x80) {
        bytes.push_back(static_cast<char>(value | 0x80));
        value >>= 7u;
    }
    bytes.push_back(static_cast<char>(value));
}
inline void put_signed(std::string& bytes, std::int64_t value) {
    put_varint(bytes, zigzag(value));
}

class ByteReader {
public:
    explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

    bool ok() const { return ok_; }
    bool at_end() const { return rest_.empty(); }
    std::string_view rest() const { return rest_; }

    std::uint8_t byte() {
        if (rest_.empty()) return fail();
        const auto value = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return value;
    }
    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const std::uint8_t next = byte();
            value |= static_cast<std::uint64_t>(next & 0x7fu) << shift;
            if ((next & 0x80u) == 0) return value;
        }
        return fail();
    }
    // At most `max`.
    std::uint64_t varint(std::uint64_t max) {
        const std::uint64_t value = varint();
        return value <= max ? value : fail();
    }
    std::int64_t signed_varint() { return unzigzag(varint()); }
    std::string_view bytes(std::uint64_t count) {
        if (count > rest_.size()) {
            fail();
            return {};
        }
        const std::string_view taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }

private:
    std::uint8_t fail() {
        ok_ = false;
        rest_ = {};
        return 0;
    }

    std::string_view rest_;
    bool ok_ = true;
};

// Bits are gathered from the lowest up; finish() pads the last byte with zeros.
class BitWriter {
public:
    explicit BitWriter(std::string& bytes) : bytes_(bytes) {}

    // Requires count <= 32 and value < 2^count.
    void put(std::uint64_t value, unsigned count) {
        gathered_ |= value << held_;
        held_ += count;
        if (held_ < 32) return;
        const std::array<char, 4> four{
            static_cast<char>(gathered_), static_cast<char>(gathered_ >> 8u),
            static_cast<char>(gathered_ >> 16u), static_cast<char>(gathered_ >> 24u)};
        bytes_.append(four.data(), four.size());
        gathered_ >>= 32u;
        held_ -= 32;
    }
    void finish() {
        for (; held_ > 0; held_ -= std::min(held_, 8u)) {
            bytes_.push_back(static_cast<char>(gathered_));
            gathered_ >>= 8u;
        }
    }

private:
    std::string& bytes_;
    std::uint64_t gathered_ = 0;
    unsigned held_ = 0;  // Less than 32 between calls.
};

class BitReader {
public:
    explicit BitReader(std::string_view bytes) : bytes_(bytes) {}

    bool ok() const { return ok_; }
    // All bytes but perhaps the last bits of the last one were read.
    bool at_end() const { return position_ == bytes_.size() && held_ < 8; }

    // Requires count <= 32.
    std::uint64_t take(unsigned count) {
        fill();
        if (held_ < count) return fail();
        const std::uint64_t value = gathered_ & ((std::uint64_t{1} << count) - 1);
        gathered_ >>= count;
        held_ -= count;
        return value;
    }
    // The number of ones before the next zero, which is taken too; at `max` ones no
    // zero follows. Requires max <= 32.
    unsigned take_ones(unsigned max) {
        fill();
        const auto ones = static_cast<unsigned>(std::countr_one(gathered_));
        const unsigned count = ones < max ? ones + 1 : max;
        if (held_ < count) return static_cast<unsigned>(fail());
        gathered_ >>= count;
        held_ -= count;
        return ones < max ? ones : max;
    }

private:
    void fill() {
        while (held_ <= 56 && position_ < bytes_.size()) {
            gathered_ |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(bytes_[position_]))
                         << held_;
            ++position_;
            held_ += 8;
        }
    }
    std::uint64_t fail() {
        ok_ = false;
        return 0;
    }

    std::string_view bytes_;
    std::size_t position_ = 0;
    std::uint64_t gathered_ = 0;
    unsigned held_ = 0;
    bool ok_ = true;
};

}  // namespace picket::storage
