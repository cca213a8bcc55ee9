#include "storage/numbers.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <string_view>

namespace picket::storage {

namespace {

enum class Scheme : std::uint8_t { from_previous = 0, from_usual = 1 };

// Every number is the usual one, or that before it: no bits at all.
constexpr std::uint8_t width_none = 0xff;
constexpr unsigned width_max = 31;
// So many ones say that the number itself follows, in 64 bits.
constexpr unsigned ones_max = 24;

std::uint64_t rice_bits(std::span<const std::uint64_t> residuals, unsigned width) {
    std::uint64_t bits = 0;
    for (const std::uint64_t residual : residuals) {
        const std::uint64_t ones = residual >> width;
        bits += ones < ones_max ? ones + 1 + width : ones_max + 64;
    }
    return bits;
}

struct Packing {
    Scheme scheme;
    std::uint8_t width;
    std::uint64_t bits;
    std::vector<std::uint64_t> residuals;
};

Packing pack(Scheme scheme, std::span<const std::int64_t> numbers, std::int64_t usual) {
    Packing packing{scheme, width_none, 0, {}};
    packing.residuals.reserve(numbers.size());
    std::int64_t reference = usual;
    std::uint64_t all = 0;
    std::uint64_t sum = 0;
    for (const std::int64_t number : numbers) {
        const std::uint64_t residual = zigzag(wrapping_difference(number, reference));
        packing.residuals.push_back(residual);
        all |= residual;
        sum += std::min<std::uint64_t>(residual, std::uint64_t{1} << 32u);
        if (scheme == Scheme::from_previous) reference = number;
    }
    if (all == 0) return packing;
    // The best width is near the logarithm of the mean, or below it, since a few outliers raise
    // the mean; from there on it gets worse and worse.
    const auto near = static_cast<unsigned>(std::bit_width(sum / numbers.size()));
    packing.bits = std::numeric_limits<std::uint64_t>::max();
    for (int width = static_cast<int>(std::min(near + 1, width_max)); width >= 0; --width) {
        const std::uint64_t bits = rice_bits(packing.residuals, static_cast<unsigned>(width));
        if (bits > packing.bits) break;
        packing.bits = bits;
        packing.width = static_cast<std::uint8_t>(width);
    }
    return packing;
}

std::int64_t median(std::span<const std::int64_t> numbers) {
    std::vector<std::int64_t> sorted(numbers.begin(), numbers.end());
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    return *middle;
}

std::uint64_t take_residual(BitReader& bits, unsigned width) {
    const unsigned ones = bits.take_ones(ones_max);
    if (ones < ones_max) return (std::uint64_t{ones} << width) | bits.take(width);
    const std::uint64_t low = bits.take(32);
    return low | (bits.take(32) << 32u);
}

}  // namespace

void put_numbers(std::string& bytes, std::span<const std::int64_t> numbers) {
    const std::int64_t usual = numbers.empty() ? 0 : median(numbers);
    Packing best = pack(Scheme::from_previous, numbers, usual);
    if (best.width != width_none) {
        Packing other = pack(Scheme::from_usual, numbers, usual);
        if (other.bits < best.bits) best = std::move(other);
    }
    bytes.push_back(static_cast<char>(best.scheme));
    bytes.push_back(static_cast<char>(best.width));
    put_signed(bytes, usual);
    put_varint(bytes, (best.bits + 7) / 8);
    if (best.width == width_none) return;
    BitWriter writer(bytes);
    for (const std::uint64_t residual : best.residuals) {
        const std::uint64_t ones = residual >> best.width;
        if (ones < ones_max) {
            writer.put((std::uint64_t{1} << ones) - 1, static_cast<unsigned>(ones) + 1);
            writer.put(residual & ((std::uint64_t{1} << best.width) - 1), best.width);
        } else {
            writer.put((std::uint64_t{1} << ones_max) - 1, ones_max);
            writer.put(residual & 0xffffffff, 32);
            writer.put(residual >> 32u, 32);
        }
    }
    writer.finish();
}

bool take_numbers(ByteReader& reader, std::size_t count, std::vector<std::int64_t>& numbers) {
    const std::uint8_t scheme = reader.byte();
    const std::uint8_t width = reader.byte();
    std::int64_t reference = reader.signed_varint();
    const std::string_view packed = reader.bytes(reader.varint());
    if (!reader.ok() || scheme > 1) return false;
    if (width == width_none) {
        numbers.assign(count, reference);
        return packed.empty();
    }
    if (width > width_max) return false;
    BitReader bits(packed);
    numbers.clear();
    numbers.reserve(count);
    for (std::size_t each = 0; each < count; ++each) {
        const std::int64_t number = wrapping_sum(reference, unzigzag(take_residual(bits, width)));
        if (!bits.ok()) return false;
        numbers.push_back(number);
        if (scheme == static_cast<std::uint8_t>(Scheme::from_previous)) reference = number;
    }
    return bits.at_end();
}

}  // namespace picket::storage
