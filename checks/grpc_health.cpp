#include "checks/grpc_health.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>

namespace picket::checks {
namespace {

constexpr std::size_t prefix_bytes = 5;
// A response holds one small number; room for fields that later versions add.
constexpr std::size_t message_bytes_max = 4096;

enum WireType : std::uint8_t { varint = 0, fixed64 = 1, delimited = 2, fixed32 = 5 };

void put_varint(std::string& out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) out += static_cast<char>((value & 0x7fU) | 0x80U);
    out += static_cast<char>(value);
}

// Takes a varint off the front; nothing where it is cut short or longer than 64 bits.
std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
        const auto byte = static_cast<std::uint8_t>(bytes.front());
        bytes.remove_prefix(1);
        if (shift == 63 && byte > 1) return std::nullopt;
        value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
        if ((byte & 0x80U) == 0) return value;
    }
    return std::nullopt;
}

// Skips the value of a field that is not the one wanted; false where it is cut short.
bool skip(std::string_view& bytes, std::uint64_t wire_type) {
    std::optional<std::uint64_t> length;
    switch (wire_type) {
        case WireType::varint:
            return take_varint(bytes).has_value();
        case WireType::fixed64:
            length = 8;
            break;
        case WireType::delimited:
            length = take_varint(bytes);
            break;
        case WireType::fixed32:
            length = 4;
            break;
        default:
            return false;
    }
    if (!length.has_value() || *length > bytes.size()) return false;
    bytes.remove_prefix(*length);
    return true;
}

tl::unexpected<Error> corrupt(std::string message) {
    return failure(Code::corrupt, std::move(message));
}

}  // namespace

std::string_view to_text(ServingStatus status) {
    constexpr std::array<std::string_view, 4> names{"UNKNOWN", "SERVING", "NOT_SERVING",
                                                    "SERVICE_UNKNOWN"};
    return names[static_cast<std::size_t>(status)];
}

std::string grpc_health_request(std::string_view service) {
    std::string message;
    if (!service.empty()) {  // HealthCheckRequest: string service = 1.
        message += static_cast<char>(1U << 3U | WireType::delimited);
        put_varint(message, service.size());
        message += service;
    }
    std::string frame(1, '\0');
    for (const unsigned shift : {24U, 16U, 8U, 0U}) {
        frame += static_cast<char>(message.size() >> shift & 0xffU);
    }
    return frame + message;
}

Result<ServingStatus> parse_grpc_health_response(std::string_view body) {
    if (body.size() < prefix_bytes) {
        return corrupt(fmt::format("{} bytes are no gRPC frame", body.size()));
    }
    if (body[0] != '\0') return corrupt("a compressed gRPC frame, which was not asked for");
    std::uint32_t length = 0;
    for (std::size_t i = 1; i < prefix_bytes; ++i) {
        length = length << 8U | static_cast<std::uint8_t>(body[i]);
    }
    std::string_view message = body.substr(prefix_bytes);
    if (length != message.size() || length > message_bytes_max) {
        return corrupt(
            fmt::format("a gRPC frame of {} bytes, but {} came", length, message.size()));
    }
    // HealthCheckResponse: ServingStatus status = 1; absent: 0. The last one counts.
    std::uint64_t status = 0;
    while (!message.empty()) {
        const auto tag = take_varint(message);
        if (!tag.has_value() || *tag >> 3U == 0) return corrupt("a protobuf field without a tag");
        if (*tag == (1U << 3U | WireType::varint)) {
            const auto value = take_varint(message);
            if (!value.has_value()) return corrupt("a protobuf number that is cut short");
            status = *value;
        } else if (!skip(message, *tag & 7U)) {
            return corrupt("a protobuf field that is cut short");
        }
    }
    if (status > static_cast<std::uint64_t>(ServingStatus::service_unknown)) {
        return corrupt(fmt::format("serving status {}, which the protocol does not know", status));
    }
    return static_cast<ServingStatus>(status);
}

std::string decode_grpc_message(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned byte = 0;
        if (text[i] == '%' && i + 2 < text.size()) {
            const char* digits = text.data() + i + 1;
            const auto [end, error] = std::from_chars(digits, digits + 2, byte, 16);
            if (error == std::errc{} && end == digits + 2) {
                decoded += static_cast<char>(byte);
                i += 2;
                continue;
            }
        }
        decoded += text[i];
    }
    return decoded;
}

std::string grpc_code_text(std::string_view number) {
    constexpr std::array<std::string_view, 17> names{"OK",
                                                     "CANCELLED",
                                                     "UNKNOWN",
                                                     "INVALID_ARGUMENT",
                                                     "DEADLINE_EXCEEDED",
                                                     "NOT_FOUND",
                                                     "ALREADY_EXISTS",
                                                     "PERMISSION_DENIED",
                                                     "RESOURCE_EXHAUSTED",
                                                     "FAILED_PRECONDITION",
                                                     "ABORTED",
                                                     "OUT_OF_RANGE",
                                                     "UNIMPLEMENTED",
                                                     "INTERNAL",
                                                     "UNAVAILABLE",
                                                     "DATA_LOSS",
                                                     "UNAUTHENTICATED"};
    std::size_t code = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), code);
    if (error != std::errc{} || end != number.data() + number.size() || code >= names.size()) {
        return std::string(number);
    }
    return std::string(names[code]);
}

}  // namespace picket::checks
