#include "gossip/wire/lzw.h"

#include <doctest/doctest.h>

#include "agent/base/random.h"

namespace picket::gossip::wire {
namespace {

constexpr std::size_t bytes_max = 1'000'000;

std::string compressed(std::string_view input) {
    std::string out;
    lzw_compress(input, out);
    return out;
}

// Packs codes as the format does, all of one width.
std::string codes(std::initializer_list<unsigned> values, unsigned width = 9) {
    std::string out;
    unsigned bits = 0;
    unsigned count = 0;
    for (const unsigned value : values) {
        bits |= value << count;
        for (count += width; count >= 8; count -= 8, bits >>= 8) {
            out.push_back(static_cast<char>(bits));
        }
    }
    if (count > 0) out.push_back(static_cast<char>(bits));
    return out;
}

Fault fault_of(std::string_view input, std::size_t limit = bytes_max) {
    std::string out;
    const Decoded<void> inflated = lzw_decompress(input, limit, out);
    REQUIRE_FALSE(inflated.has_value());
    return inflated.error();
}

TEST_CASE("compression gives Go's bytes") {
    // compress/lzw, LSB, 8 bits: the codes are 256, 'a', 258, 259, 'b', 257.
    CHECK(compressed("aaaaaab") == codes({256, 'a', 258, 259, 'b', 257}));
    CHECK(compressed("x") == codes({256, 'x', 257}));
}

TEST_CASE("what was compressed decompresses to itself, over every change of width and start") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        for (const std::uint64_t alphabet : {1u, 2u, 7u, 256u}) {
            // 3838 codes fit between two clears.
            for (const std::size_t size :
                 {random.below(300) + 1, 3830 + random.below(20), random.below(30'000) + 1}) {
                std::string input(size, '\0');
                for (char& byte : input) byte = static_cast<char>(random.below(alphabet));
                std::string out;
                REQUIRE(lzw_decompress(compressed(input), bytes_max, out).has_value());
                CHECK(out == input);
            }
        }
    }
}

TEST_CASE("a stream that never starts over keeps its last codes") {
    // Go's decoder goes on when all codes are taken; its encoder never gets there.
    std::string expected;
    unsigned bits = 256;
    unsigned count = 9;
    std::string out;
    unsigned highest = 257;
    unsigned width = 9;
    const auto put = [&](unsigned code) {
        bits |= code << count;
        for (count += width; count >= 8; count -= 8, bits >>= 8) {
            out.push_back(static_cast<char>(bits));
        }
        if (highest < 4096 && ++highest == (1u << width) && width < 12) ++width;
    };
    for (unsigned i = 0; i < 6000; ++i) {
        put(i % 7 + 'a');
        expected.push_back(static_cast<char>(i % 7 + 'a'));
    }
    put(4095);  // The last string: named once the one before it was.
    put(258);
    put(257);
    out.push_back(static_cast<char>(bits));
    expected += expected.substr(4095 - 258, 2);
    expected += "ab";
    std::string inflated;
    REQUIRE(lzw_decompress(out, bytes_max, inflated).has_value());
    CHECK(inflated == expected);
}

TEST_CASE("a code that cannot be known yet, a missing end and an empty stream are corrupt") {
    CHECK(fault_of(codes({256, 258, 257})) == Fault::corrupt_compression);
    CHECK(fault_of(codes({256, 'a', 259, 257})) == Fault::corrupt_compression);
    CHECK(fault_of(codes({256, 'a', 258, 256, 258, 257})) == Fault::corrupt_compression);
    CHECK(fault_of(codes({256, 'a', 'b'})) == Fault::corrupt_compression);
    CHECK(fault_of(codes({256, 257})) == Fault::corrupt_compression);
    CHECK(fault_of("") == Fault::corrupt_compression);
    std::string out;
    CHECK(lzw_decompress(codes({'a', 257}), bytes_max, out).has_value());
    CHECK(lzw_decompress(codes({256, 'a', 257}) + "garbage", bytes_max, out).has_value());
    CHECK(out == "a");
}

TEST_CASE("a bomb is stopped at the limit, and takes no more memory than that") {
    const std::string bomb = compressed(std::string(bytes_max, 'x'));
    CHECK(bomb.size() < 3000);
    std::string out;
    CHECK(lzw_decompress(bomb, bytes_max, out).has_value());
    CHECK(out == std::string(bytes_max, 'x'));
    CHECK(fault_of(bomb, bytes_max - 1) == Fault::inflated_too_large);
    CHECK(fault_of(bomb, 0) == Fault::inflated_too_large);
    std::string small;
    CHECK_FALSE(lzw_decompress(bomb, 1000, small).has_value());
    CHECK(small.capacity() <= 2000);
}

TEST_CASE("no bytes make the decompressor misbehave") {
    for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        std::string input = compressed(std::string(200 + random.below(9000), 'a'));
        for (std::size_t i = random.below(8); i < input.size(); i += 1 + random.below(40)) {
            input[i] = static_cast<char>(random.next());
        }
        std::string out;
        if (lzw_decompress(input, 20'000, out).has_value()) CHECK(out.size() <= 20'000);
    }
}

}  // namespace
}  // namespace picket::gossip::wire
