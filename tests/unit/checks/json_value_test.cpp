#include "checks/json_value.h"

#include <doctest/doctest.h>

#include <string>

namespace picket::checks {
namespace {

const JsonText body(
    R"({"status":"ok","n":3,"yes":true,"list":[1,{"a/b":"x"}],"empty":[],"big":1e3,"text":"12"})");

bool met(const char* pointer, const char* condition) {
    REQUIRE(check_json_pointer(pointer).has_value());
    REQUIRE(check_json_condition(condition).has_value());
    return body.judge(pointer, condition).met();
}

std::string message(const char* pointer, const char* condition) {
    return body.judge(pointer, condition).message;
}

TEST_CASE("each condition holds and fails") {
    CHECK(met("/status", "ok"));
    CHECK_FALSE(met("/status", "OK"));
    CHECK(met("/status", "!= down"));
    CHECK_FALSE(met("/status", "!= ok"));
    CHECK(met("/n", "3"));
    CHECK(met("/n", "== 3.0"));
    CHECK(met("/n", "< 4"));
    CHECK_FALSE(met("/n", "< 3"));
    CHECK(met("/n", "<= 3"));
    CHECK(met("/n", "> 2"));
    CHECK(met("/n", ">= 3"));
    CHECK_FALSE(met("/n", "> 3"));
    CHECK(met("/big", "1000"));
    CHECK(met("/text", "> 11"));
    CHECK(met("/yes", "true"));
    CHECK(met("/status", "~ ^o"));
    CHECK_FALSE(met("/status", "!~ ^o"));
    CHECK(met("/list/1/a~1b", "x"));
    CHECK(met("/list", "length == 2"));
    CHECK_FALSE(met("/empty", "length > 0"));
    CHECK(met("/status", "exists"));
    CHECK(met("/none", "absent"));
    CHECK_FALSE(met("/none", "exists"));
    CHECK_FALSE(met("/status", "absent"));
    CHECK_FALSE(met("/list/7", "exists"));
    CHECK_FALSE(met("/list/x", "exists"));
}

TEST_CASE("an unmet condition says what was found") {
    CHECK(message("/n", "> 5") == "json /n is \"3\", expected > 5");
    CHECK(message("/none", "ok") == "json /none is absent, expected ok");
    CHECK(JsonText("<html>").judge("/n", "3").message ==
          "the body is not JSON, expected json /n 3");
    CHECK_FALSE(JsonText("<html>").judge("/n", "absent").met());
}

TEST_CASE("what nests without end is not read") {
    CHECK_FALSE(JsonText(std::string(100'000, '[')).valid());
    CHECK(JsonText("[\"" + std::string(1000, '[') + "\"]").valid());
}

TEST_CASE("conditions and pointers that cannot be meant are refused") {
    CHECK(check_json_pointer("status").error().message() ==
          "'status' is not a JSON pointer such as /items/0/name");
    CHECK_FALSE(check_json_pointer("/a~2").has_value());
    CHECK(check_json_condition("> much").error().message() == "'> much' compares with no number");
    CHECK_FALSE(check_json_condition("~ (").has_value());
    CHECK(check_json_condition("length ~ a").error().message() ==
          "a length is compared with a number");
    CHECK_FALSE(check_json("{").has_value());
}

}  // namespace
}  // namespace picket::checks
