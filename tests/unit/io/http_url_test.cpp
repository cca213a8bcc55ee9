#include "agent/io/http_url.h"

#include <doctest/doctest.h>

namespace picket::io {
namespace {

TEST_CASE("a URL names scheme, host and port, with the scheme's default port") {
    CHECK(parse_http_url("http://example.com/x?y").value() == HttpUrl{false, "example.com", 80});
    CHECK(parse_http_url("HTTPS://example.com").value() == HttpUrl{true, "example.com", 443});
    CHECK(parse_http_url("http://u:p@[::1]:8080/").value() == HttpUrl{false, "::1", 8080});
}

TEST_CASE("what is not an absolute http URL is refused") {
    CHECK(!parse_http_url("ftp://example.com/").has_value());
    CHECK(!parse_http_url("file:///etc/passwd").has_value());
    CHECK(!parse_http_url("/path").has_value());
    CHECK(!parse_http_url("http://example.com:0/").has_value());
    CHECK(!parse_http_url("http://example.com:99999/").has_value());
    CHECK(!parse_http_url("").has_value());
}

TEST_CASE("a redirect is followed relative to where it came from") {
    CHECK(follow_location("http://a/b/c?d", "e").value() == "http://a/b/e");
    CHECK(follow_location("http://a/b/c", "/e f").value() == "http://a/e%20f");
    CHECK(follow_location("http://a/b", "//c:81/d").value() == "http://c:81/d");
    CHECK(follow_location("http://a/b", "https://a/b").value() == "https://a/b");
    CHECK(!follow_location("http://a/b", "file:///etc/passwd").has_value());
    CHECK(!follow_location("http://a/b", "gopher://a/").has_value());
}

TEST_CASE("credentials in a URL stay with the host they were written for") {
    CHECK(follow_location("http://u:p@a/b", "http://a/c").value() == "http://u:p@a/c");
    CHECK(follow_location("http://u:p@a/b", "c").value() == "http://u:p@a/c");
    CHECK(follow_location("http://u:p@a/b", "http://b/c").value() == "http://b/c");
    CHECK(follow_location("http://u:p@a/b", "http://a:81/c").value() == "http://a:81/c");
    CHECK(follow_location("http://u:p@a/b", "//evil/c").value() == "http://evil/c");
}

TEST_CASE("a URL can be asked of another host name") {
    CHECK(with_host("https://127.0.0.1:8443/x?y", "www.example.com").value() ==
          "https://www.example.com:8443/x?y");
}

}  // namespace
}  // namespace picket::io
