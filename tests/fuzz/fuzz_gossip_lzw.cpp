// LZW of any bytes: what decompresses at all, compresses and decompresses to itself.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/assert.h"
#include "gossip/wire/lzw.h"

using namespace picket::gossip::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

// Little enough to be fast, enough for every code to be taken.
constexpr std::size_t bytes_max = 10'000;

void check_round_trip(std::string_view text) {
    if (text.empty() || text.size() > bytes_max) return;
    std::string compressed;
    std::string again;
    lzw_compress(text, compressed);
    PICKET_ASSERT(lzw_decompress(compressed, bytes_max, again).has_value());
    PICKET_ASSERT(again == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    std::string text;
    if (lzw_decompress(input, bytes_max, text).has_value()) {
        PICKET_ASSERT(!text.empty() && text.size() <= bytes_max);
        check_round_trip(text);
    }
    check_round_trip(input);
    return 0;
}
