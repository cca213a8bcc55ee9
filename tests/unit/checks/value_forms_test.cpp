#include "checks/value_forms.h"

#include <doctest/doctest.h>

#include "agent/base/limits.h"

namespace picket::checks {
namespace {

Value text(std::string_view held) {
    Value value;
    value.kind = Value::Kind::string;
    value.text = value.written = held;
    return value;
}

Value integer(std::int64_t held) {
    Value value;
    value.kind = Value::Kind::integer;
    value.integer = held;
    return value;
}

TEST_CASE("sizes carry binary or decimal units, or none") {
    CHECK(as_size(text("1MiB")).value() == 1024 * 1024);
    CHECK(as_size(text("10 KB")).value() == 10'000);
    CHECK(as_size(text("7")).value() == 7);
    CHECK(as_size(integer(4096)).value() == 4096);
    for (const char* bad : {"", "MiB", "1 mib", "-1", "1.5MiB", "99999999TiB", "1MiBx"}) {
        CAPTURE(bad);
        CHECK_FALSE(as_size(text(bad)).has_value());
    }
    CHECK_FALSE(as_size(integer(-1)).has_value());
    CHECK(write_size(1024 * 1024) == "\"1MiB\"");
    CHECK(write_size(1000) == "1000");
    CHECK(write_size(0) == "0");
}

TEST_CASE("percentages are from 0 to 100, with or without the sign") {
    CHECK(as_percent(text("99.9%")).value() == doctest::Approx(99.9));
    CHECK(as_percent(integer(50)).value() == doctest::Approx(50));
    for (const char* bad : {"101%", "-1", "nan", "inf", "", "%", "5%%", "five"}) {
        CAPTURE(bad);
        CHECK_FALSE(as_percent(text(bad)).has_value());
    }
    CHECK(write_percent(99.9) == "\"99.9%\"");
}

TEST_CASE("a number that a substitution brought in is read as a number") {
    Value value = text("5");
    CHECK_FALSE(as_count(value).has_value());
    value.substituted = true;
    CHECK(as_count(value).value() == 5);
    CHECK_FALSE(as_boolean(value).has_value());
    value.text = "true";
    CHECK(as_boolean(value).value());
}

TEST_CASE("only http and https URLs with a host can be asked") {
    for (const char* good : {"http://a", "https://www.example.com/x?y=z#w", "http://127.0.0.1:80/",
                             "https://user:p@ss@h/", "http://[::1]:8080/x"}) {
        CAPTURE(good);
        CHECK(check_url(good).has_value());
    }
    for (const char* bad : {"", "a", "ftp://a/", "http://", "http:///x", "http://a b/",
                            "http://a:0/", "http://a:99999/", "http://[::1/", "HTTP",
                            "file:///etc/passwd", "http://a/\n", "http://1.2.3/"}) {
        CAPTURE(bad);
        CHECK_FALSE(check_url(bad).has_value());
    }
}

TEST_CASE("a resolver is an address, for nobody could resolve its name") {
    CHECK(check_resolver("192.0.2.53").has_value());
    CHECK(check_resolver("192.0.2.53:5353").has_value());
    CHECK(check_resolver("2001:db8::1").has_value());
    CHECK(check_resolver("[2001:db8::1]:53").has_value());
    const Status named = check_resolver("dns.example.com");
    REQUIRE_FALSE(named.has_value());
    CHECK(named.error().message().find("'dns.example.com' is not an IP address") == 0);
}

TEST_CASE("names are short, lower case and without a slash") {
    CHECK(check_name("edge.lb-1_x").has_value());
    CHECK(check_name(std::string(64, 'a')).has_value());
    for (const std::string& bad : {std::string(65, 'a'), std::string(), std::string("Edge"),
                                   std::string(".a"), std::string("a b"), std::string("a\nb")}) {
        CAPTURE(bad);
        CHECK_FALSE(check_name(bad).has_value());
    }
    CHECK(check_name("a/b").error().message() == "'a/b': a name has no slash");
    CHECK(check_name("host/disk").error().message() ==
          "'host/disk': host/... is reserved for picket");
    CHECK(check_dependency("mailq@web-03").has_value());
    CHECK_FALSE(check_dependency("mailq@").has_value());
}

TEST_CASE("hosts, domains, labels, headers and selectors are told from what they are not") {
    CHECK(check_host("db.example.com").has_value());
    CHECK(check_host("_x").has_value());
    for (const char* bad : {"", "a..b", "-a", "a b", "999.1.1.1", "a:1"}) {
        CAPTURE(bad);
        CHECK_FALSE(check_host(bad).has_value());
    }
    CHECK(check_domain("_dmarc.example.com.").has_value());
    CHECK(check_domain(".").has_value());
    CHECK_FALSE(check_domain(std::string(64, 'a') + ".b").has_value());
    CHECK_FALSE(check_domain("a b").has_value());
    CHECK(check_header("X-Request-ID").has_value());
    CHECK_FALSE(check_header("X: y").has_value());
    CHECK(check_selector("role=edge, tier!=test").has_value());
    CHECK_FALSE(check_selector("role").has_value());
    CHECK_FALSE(check_selector("role=a,").has_value());
    CHECK_FALSE(check_label("1a").has_value());
    CHECK(check_label_value(std::string(limits::label_value_bytes_max, 'a')).has_value());
    CHECK_FALSE(check_label_value("a\nb").has_value());
    CHECK_FALSE(check_line("a\nb").has_value());
    CHECK_FALSE(check_argument(std::string_view("a\0b", 3)).has_value());
    CHECK_FALSE(check_method("get").has_value());
}

TEST_CASE("a value is written as TOML that reads back") {
    CHECK(quote("a\"b\\c\n\x01") == "\"a\\\"b\\\\c\\n\\u0001\"");
    Value list;
    list.kind = Value::Kind::array;
    list.items = {text("a"), integer(3)};
    CHECK(write_value(list) == "[\"a\", 3]");
    Value table;
    table.members = {{"x", {}, list}};
    CHECK(write_value(table) == "{ \"x\" = [\"a\", 3] }");
}

}  // namespace
}  // namespace picket::checks
