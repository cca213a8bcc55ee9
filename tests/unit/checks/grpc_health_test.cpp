#include "checks/grpc_health.h"

#include <doctest/doctest.h>

#include <string>

namespace picket::checks {
namespace {

std::string frame(const std::string& message) {
    return std::string("\0\0\0\0", 4) + static_cast<char>(message.size()) + message;
}

std::string fault(const std::string& body) {
    const auto parsed = parse_grpc_health_response(body);
    return parsed.has_value() ? std::string(to_text(*parsed)) : parsed.error().message();
}

TEST_CASE("a request is one frame that names the service, or nobody") {
    CHECK(grpc_health_request("") == std::string(5, '\0'));
    CHECK(grpc_health_request("a.B") == frame("\x0a\x03"
                                              "a.B"));
}

TEST_CASE("a response says its status, also among fields that are not known") {
    CHECK(fault(frame("\x08\x01")) == "SERVING");
    CHECK(fault(frame("\x08\x02")) == "NOT_SERVING");
    CHECK(fault(frame("")) == "UNKNOWN");  // The default is not sent.
    CHECK(fault(frame(std::string("\x12\x02xy\x08\x03\x1d\0\0\0\0", 11))) == "SERVICE_UNKNOWN");
}

TEST_CASE("what is not exactly one whole frame says why") {
    CHECK(fault("") == "0 bytes are no gRPC frame");
    CHECK(fault("\1" + frame("\x08\x01").substr(1)) ==
          "a compressed gRPC frame, which was not asked for");
    CHECK(fault(frame("\x08\x01") + "x") == "a gRPC frame of 2 bytes, but 3 came");
    CHECK(fault(frame("\x08")) == "a protobuf number that is cut short");
    CHECK(fault(frame("\x12\x7f")) == "a protobuf field that is cut short");
    CHECK(fault(frame(std::string("\0", 1))) == "a protobuf field without a tag");
    CHECK(fault(frame("\x08\x09")) == "serving status 9, which the protocol does not know");
    CHECK(fault(frame("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f")) ==
          "a protobuf number that is cut short");
}

TEST_CASE("messages and codes are shown as people read them") {
    CHECK(decode_grpc_message("no%20such%2") == "no such%2");
    CHECK(decode_grpc_message("100%") == "100%");
    CHECK(grpc_code_text("14") == "UNAVAILABLE");
    CHECK(grpc_code_text("99") == "99");
    CHECK(grpc_code_text("x") == "x");
}

}  // namespace
}  // namespace picket::checks
