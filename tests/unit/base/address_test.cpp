#include "agent/base/address.h"

#include <doctest/doctest.h>

namespace picket {
namespace {

TEST_CASE("addresses read as they are written") {
    for (const char* text : {"192.0.2.1", "2001:db8::1", "::1", "::"}) {
        CAPTURE(text);
        CHECK(to_text(parse_ip(text).value()) == text);
    }
    CHECK(to_text(SocketAddress{parse_ip("2001:db8::1").value(), 53}) == "[2001:db8::1]:53");
    CHECK(to_text(SocketAddress{parse_ip("192.0.2.1").value(), 53}) == "192.0.2.1:53");
    CHECK_FALSE(parse_ip("example.com").has_value());
    CHECK_FALSE(parse_ip("192.0.2.256").has_value());
}

TEST_CASE("only 127/8 and ::1 are loopback") {
    CHECK(parse_ip("127.0.0.2")->loopback());
    CHECK(parse_ip("::1")->loopback());
    CHECK_FALSE(parse_ip("10.0.0.1")->loopback());
    CHECK_FALSE(parse_ip("::")->loopback());
}

TEST_CASE("a host and its port are told apart, IPv6 by its brackets") {
    const HostPort named = parse_host_port("db.example.com:5432").value();
    CHECK(named.host == "db.example.com");
    CHECK(named.port == 5432);
    CHECK(parse_host_port("[::1]:80")->host == "::1");
    CHECK(parse_host_port("ns1", 53)->port == 53);
    CHECK(parse_host_port("::1", 53)->host == "::1");
    CHECK(parse_host_port("[::1]", 53)->port == 53);
    for (const char* text : {"", "host", "host:", ":80", "host:0", "host:65536", "host:80x",
                             "::1:80", "[::1", "[::1]80", "[host]:80", "[::1]:"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_host_port(text).has_value());
    }
}

}  // namespace
}  // namespace picket
