// What a gRPC server may answer to a health check: any bytes.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/base/assert.h"
#include "checks/grpc_health.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto status = picket::checks::parse_grpc_health_response(bytes);
    if (status.has_value()) PICKET_ASSERT(!to_text(*status).empty());
    PICKET_ASSERT(picket::checks::decode_grpc_message(bytes).size() <= size);
    static_cast<void>(picket::checks::grpc_code_text(bytes));
    return 0;
}
