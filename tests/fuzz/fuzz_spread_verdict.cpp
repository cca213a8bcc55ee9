// Verdict, what the mesh holds of a check: any bytes after the envelope.

#include "tests/fuzz/spread_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    picket::fuzz::check_record(picket::gossip::RecordKind::verdict, data, size);
    return 0;
}
