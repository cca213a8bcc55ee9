// Msgpack maps of any bytes: fields are read as they stand, or the map is refused.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/base/assert.h"
#include "gossip/wire/msgpack_map.h"

using namespace picket::gossip::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    bool flag = false;
    std::uint8_t small = 0;
    std::uint16_t port = 0;
    std::uint32_t sequence = 0;
    std::uint64_t length = 0;
    std::string_view text;
    const std::array<Field, 6> fields{{{"Algo", &small},
                                       {"Join", &flag},
                                       {"Node", &text, 20},
                                       {"Port", &port},
                                       {"SeqNo", &sequence},
                                       {"UserStateLen", &length}}};
    const Decoded<std::size_t> read = read_map(input, fields);
    const Decoded<std::size_t> skipped = read_map(input, {});
    if (read.has_value()) {
        PICKET_ASSERT(*read <= size);
        // A map has one end, whether its fields are of interest or not.
        PICKET_ASSERT(skipped == read);
        PICKET_ASSERT(text.size() <= 20);
        PICKET_ASSERT(text.empty() || (text.data() >= input.data() &&
                                       text.data() + text.size() <= input.data() + *read));
        // More bytes never change a map that is complete.
        PICKET_ASSERT(read_map(input.substr(0, *read), fields) == read);
    } else if (skipped.has_value()) {
        PICKET_ASSERT(read.error() != Fault::truncated);
    }
    return 0;
}
