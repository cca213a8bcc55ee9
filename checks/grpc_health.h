// The messages of the gRPC health protocol (grpc.health.v1.Health/Check), as bytes.
//
// A message travels in a frame: a byte that tells whether it is compressed, its
// length in four bytes, big-endian, then the message in protobuf. Only what the
// protocol needs is spoken, and it is read strictly: one frame, not compressed,
// whole, with nothing behind it. Pure.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace picket::checks {

// As the protocol numbers them.
enum class ServingStatus : std::uint8_t { unknown, serving, not_serving, service_unknown };

std::string_view to_text(ServingStatus status);  // "SERVING"

// The frame that asks for `service`; empty: for the server as a whole.
std::string grpc_health_request(std::string_view service);

// What the frame that answers says. Returns corrupt, with the reason, for anything
// that is not exactly one such frame.
Result<ServingStatus> parse_grpc_health_response(std::string_view body);

// A grpc-message header, its %XX replaced; what is malformed stays as it is.
std::string decode_grpc_message(std::string_view text);

// "UNAVAILABLE" of 14; the number itself where it has no name.
std::string grpc_code_text(std::string_view number);

}  // namespace picket::checks
