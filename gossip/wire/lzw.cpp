#include "gossip/wire/lzw.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <optional>

#include "agent/base/assert.h"

namespace picket::gossip::wire {
namespace {

constexpr std::uint32_t clear_code = 256;
constexpr std::uint32_t end_code = 257;
constexpr std::uint32_t width_min = 9;
constexpr std::uint32_t width_max = 12;
constexpr std::uint32_t codes_max = 1u << width_max;
// Where Go's encoder starts over; its decoder would go one further.
constexpr std::uint32_t last_code = codes_max - 1;

// Codes as bits, and the width that both sides count along.
class CodeWriter {
public:
    explicit CodeWriter(std::string& out) : out_(out) {}

    void write(std::uint32_t code) {
        bits_ |= code << bit_count_;
        bit_count_ += width_;
        for (; bit_count_ >= 8; bit_count_ -= 8, bits_ >>= 8) {
            out_.push_back(static_cast<char>(bits_ & 0xff));
        }
    }

    // Counts the string that the other side adds after a code. Returns false when
    // there is no code left for one: a clear code is written and all starts over.
    bool count() {
        if (++highest_ == (1u << width_) && width_ < width_max) ++width_;
        if (highest_ < last_code) return true;
        write(clear_code);
        width_ = width_min;
        highest_ = end_code;
        return false;
    }

    void finish() {
        write(end_code);
        if (bit_count_ > 0) out_.push_back(static_cast<char>(bits_ & 0xff));
    }

    std::uint32_t highest() const { return highest_; }

private:
    std::string& out_;
    std::uint32_t bits_ = 0;
    std::uint32_t bit_count_ = 0;
    std::uint32_t width_ = width_min;
    std::uint32_t highest_ = end_code;
};

// The strings seen so far: a known string and one more byte make a new one. An
// open hash table in one word per entry, 20 bits of key and 12 of code; only as
// much of it as the input can fill is used, since most packets are small and
// would spend their time on clearing it.
class Dictionary {
public:
    // Only the slots in use are cleared, here and later.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): 32 KiB that few inputs need
    explicit Dictionary(std::size_t input_bytes)
        : bits_(static_cast<std::uint32_t>(
              std::bit_width(std::min<std::size_t>(2 * input_bytes, slots_max - 1)))) {
        clear();
    }

    void clear() { std::fill_n(slots_.begin(), 1u << bits_, 0u); }

    // The slot of the string `prefix` + `byte`, which is free if it is new.
    std::uint32_t slot(std::uint32_t prefix, std::uint32_t byte) const {
        const std::uint32_t key = key_of(prefix, byte);
        // Fibonacci hashing (Knuth, TAOCP 6.4): the highest bits are the mixed ones.
        std::uint32_t at = key * 0x9e3779b1u >> (32 - bits_);
        while (slots_[at] != 0 && slots_[at] >> width_max != key) {
            at = (at + 1) & ((1u << bits_) - 1);
        }
        return at;
    }
    // 0 where the slot is free: codes of strings begin at 258.
    std::uint32_t code(std::uint32_t slot) const { return slots_[slot] & (codes_max - 1); }
    void add(std::uint32_t slot, std::uint32_t prefix, std::uint32_t byte, std::uint32_t code) {
        slots_[slot] = key_of(prefix, byte) << width_max | code;
    }

private:
    static constexpr std::size_t slots_max = 8192;  // Twice the codes.

    static std::uint32_t key_of(std::uint32_t prefix, std::uint32_t byte) {
        return prefix << 8 | byte;
    }

    std::array<std::uint32_t, slots_max> slots_;
    std::uint32_t bits_;
};

class CodeReader {
public:
    explicit CodeReader(std::string_view input) : input_(input) {}

    // The next code; nothing at the end of the input.
    std::optional<std::uint32_t> read(std::uint32_t width) {
        while (bit_count_ < width) {
            if (position_ == input_.size()) return std::nullopt;
            bits_ |= std::uint32_t{static_cast<std::uint8_t>(input_[position_++])} << bit_count_;
            bit_count_ += 8;
        }
        const std::uint32_t code = bits_ & ((1u << width) - 1);
        bits_ >>= width;
        bit_count_ -= width;
        return code;
    }

private:
    std::string_view input_;
    std::size_t position_ = 0;
    std::uint32_t bits_ = 0;
    std::uint32_t bit_count_ = 0;
};

// A decompressed string, as a place in the output. The string of a new code is
// that of the code before and the byte after it, which stand next to each other
// there already, so that nothing is stored twice.
struct Place {
    std::uint32_t start;
    std::uint32_t size;
};

class Inflater {
public:
    // A place is set before its code can be known.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): 32 KiB that few streams need
    Inflater(std::string& out, std::size_t bytes_max) : out_(out), bytes_max_(bytes_max) {
        PICKET_ASSERT(bytes_max <= std::numeric_limits<std::uint32_t>::max());
    }

    std::uint32_t width() const { return width_; }

    void start_over() {
        width_ = width_min;
        highest_ = end_code;
        previous_.reset();
    }

    // Appends the string of a code other than clear and end.
    Decoded<void> append(std::uint32_t code) {
        // The string that this code completes; the code itself may be its name.
        if (previous_.has_value()) places_[highest_] = {previous_->start, previous_->size + 1};
        Place source{0, 1};
        if (code > end_code) {
            if (code > highest_) return refused(Fault::corrupt_compression);
            source = places_[code];
        }
        if (source.size > bytes_max_ - used_) return refused(Fault::inflated_too_large);
        reserve(source.size);
        if (code < clear_code) {
            out_[used_] = static_cast<char>(code);
        } else {
            copy(source);
        }
        previous_ = Place{static_cast<std::uint32_t>(used_), source.size};
        used_ += source.size;
        count();
        return {};
    }

    void finish() { out_.resize(used_); }
    std::size_t size() const { return used_; }

private:
    // A string may reach into the bytes being written: then its last byte is the
    // first one copied.
    void copy(Place source) {
        char* const to = out_.data() + used_;
        const char* const from = out_.data() + source.start;
        for (std::uint32_t i = 0; i < source.size; ++i) to[i] = from[i];
    }

    void reserve(std::size_t more) {
        if (out_.size() - used_ >= more) return;
        out_.resize(std::min(bytes_max_, std::max(2 * out_.size(), used_ + more + 512)));
    }

    // Once all codes are taken the last one stays, and no string is added.
    void count() {
        if (++highest_ < 1u << width_) return;
        if (width_ < width_max) {
            ++width_;
        } else {
            --highest_;
            previous_.reset();
        }
    }

    std::string& out_;
    std::size_t bytes_max_;
    std::size_t used_ = 0;
    std::uint32_t width_ = width_min;
    std::uint32_t highest_ = end_code;  // The code that the next string gets.
    std::optional<Place> previous_;
    std::array<Place, codes_max> places_;  // Valid from 258 to highest_ only.
};

}  // namespace

void lzw_compress(std::string_view input, std::string& out) {
    PICKET_ASSERT(!input.empty());
    CodeWriter writer(out);
    Dictionary dictionary(input.size());
    writer.write(clear_code);
    std::uint32_t code = static_cast<std::uint8_t>(input[0]);
    for (const char next : input.substr(1)) {
        const std::uint32_t byte = static_cast<std::uint8_t>(next);
        const std::uint32_t slot = dictionary.slot(code, byte);
        if (const std::uint32_t known = dictionary.code(slot); known != 0) {
            code = known;
            continue;
        }
        writer.write(code);
        if (writer.count()) {
            dictionary.add(slot, code, byte, writer.highest());
        } else {
            dictionary.clear();
        }
        code = byte;
    }
    writer.write(code);
    writer.count();
    writer.finish();
}

Decoded<void> lzw_decompress(std::string_view input, std::size_t bytes_max, std::string& out) {
    CodeReader reader(input);
    Inflater inflater(out, bytes_max);
    for (;;) {
        const std::optional<std::uint32_t> code = reader.read(inflater.width());
        if (!code.has_value()) return refused(Fault::corrupt_compression);
        if (*code == end_code) break;
        if (*code == clear_code) {
            inflater.start_over();
        } else {
            PICKET_TRY(inflater.append(*code));
        }
    }
    if (inflater.size() == 0) return refused(Fault::corrupt_compression);
    inflater.finish();
    return {};
}

}  // namespace picket::gossip::wire
