// The messages of anti-entropy and of the catalog: the first byte is the kind.

#include "tests/fuzz/spread_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    picket::fuzz::check_exchange(picket::gossip::ExchangeKind{data[0]}, data + 1, size - 1);
    return 0;
}
