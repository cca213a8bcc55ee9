// Blobs of the catalog: a file where the first byte is even, a catalog where it is odd.

#include "gossip/spread/declaration.h"
#include "tests/fuzz/spread_fuzz.h"

using namespace picket::gossip;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const bool is_file = data[0] % 2 == 0;
    const auto kind = static_cast<std::uint8_t>(is_file ? BlobKind::file : BlobKind::catalog);
    const std::string bytes = picket::fuzz::payload_of(kind, data + 1, size - 1);
    if (is_file) {
        const auto blob = decode_file_blob(bytes);
        if (blob.has_value()) PICKET_ASSERT(decode_file_blob(encode(*blob)) == blob);
    } else {
        const auto blob = decode_catalog_blob(bytes);
        if (blob.has_value()) PICKET_ASSERT(decode_catalog_blob(encode(*blob)) == blob);
    }
    return 0;
}
