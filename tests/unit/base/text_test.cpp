#include "agent/base/text.h"

#include <doctest/doctest.h>

#include <array>

namespace picket {
namespace {

TEST_CASE("text is cut between characters, never within one") {
    CHECK(cut_text("grün", 3) == "gr");
    CHECK(cut_text("grün", 4) == "grü");
    CHECK(cut_text("grün", 100) == "grün");
    CHECK(cut_text("\x80\x80\x80", 1).empty());
}

TEST_CASE("overlong, surrogate and cut sequences are not UTF-8") {
    CHECK(valid_utf8("plain, grün, 東京, 🙂"));
    for (const char* text :
         {"\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xff", "a\x80"}) {
        CHECK_FALSE(valid_utf8(text));
    }
}

TEST_CASE("a printable line holds no control character and no broken byte") {
    CHECK(printable_line("a\nb\x1b[31mc\xff"
                         "d\xc2\x9b",
                         100) == "a?b?[31mc?d?");
    CHECK(printable_line("grün", 3) == "gr");
    CHECK(printable_line("much longer than it may be\n", 4) == "much");
    CHECK(printable_line("full\n", 4) == "full");
    CHECK(printable_line("", 4).empty());
}

TEST_CASE("a near miss is recognised, a stranger is not") {
    constexpr std::array<std::string_view, 4> keys{"interval", "timeout", "url", "status"};
    CHECK(closest("intervall", keys) == "interval");
    CHECK(closest("tiemout", keys) == "timeout");
    CHECK(closest("ulr", keys) == "url");
    CHECK(closest("banana", keys).empty());
    CHECK(closest("", keys).empty());
}

TEST_CASE("base64 is RFC 4648's") {
    CHECK(base64_encode("").empty());
    CHECK(base64_encode("f") == "Zg==");
    CHECK(base64_encode("fo") == "Zm8=");
    CHECK(base64_encode("foo") == "Zm9v");
    CHECK(base64_encode("foob") == "Zm9vYg==");
    CHECK(base64_encode("\xff\xfe\xfd") == "//79");
}

}  // namespace
}  // namespace picket
