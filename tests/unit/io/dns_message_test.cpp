#include "agent/io/dns_message.h"

#include <doctest/doctest.h>

#include <initializer_list>

#include "tests/support/fake_dns_server.h"

namespace picket::io {
namespace {

using testing::Bytes;
using testing::dns_name;

Bytes join(std::initializer_list<Bytes> parts) {
    Bytes bytes;
    for (const Bytes& part : parts) bytes.insert(bytes.end(), part.begin(), part.end());
    return bytes;
}

Bytes text_bytes(std::string_view text) {
    return Bytes(text.begin(), text.end());
}

// A question for `www.example.com`, which stands at offset 12 of every answer.
Bytes question() {
    return join({{0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}, dns_name("www.example.com"), {0, 1, 0, 1}});
}

Bytes answer_with(std::uint16_t type, Bytes content) {
    return testing::dns_answer(question(), {.records = {{type, std::move(content)}}});
}

// The text of the only record, or the Error.
std::string shown(std::uint16_t type, Bytes content) {
    const auto answer = parse_dns_answer(answer_with(type, std::move(content)));
    if (!answer.has_value()) return "error: " + answer.error().message();
    REQUIRE(answer->answers.size() == 1);
    CHECK(answer->answers[0].type == dns_type_name(type));
    CHECK(answer->answers[0].ttl == 300);
    return answer->answers[0].text;
}

TEST_CASE("records are shown as a zone file has them") {
    const Bytes compressed{4, 'm', 'a', 'i', 'l', 0xc0, 16};  // mail.example.com
    CHECK(shown(1, {192, 0, 2, 1}) == "192.0.2.1");
    CHECK(shown(28, {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}) == "2001:db8::1");
    CHECK(shown(2, compressed) == "mail.example.com");
    CHECK(shown(5, dns_name("other.example")) == "other.example");
    CHECK(shown(12, {0}) == ".");
    CHECK(shown(15, join({{0, 10}, compressed})) == "10 mail.example.com");
    CHECK(shown(33, join({{0, 1, 0, 2, 0x13, 0xc4}, compressed})) == "1 2 5060 mail.example.com");
    CHECK(shown(6, join({compressed, dns_name("root.example"), {0, 0, 0, 1, 0, 0, 0, 2, 0, 0,
                                                                0, 3, 0, 0, 0, 4, 0, 0, 1, 0}})) ==
          "mail.example.com root.example 1 2 3 4 256");
    CHECK(shown(16, join({{6}, text_bytes("v=spf1"), {5}, text_bytes(" \"-a\"")})) ==
          R"("v=spf1" " \"-a\"")");
    CHECK(shown(16, {0}) == R"("")");
    CHECK(shown(257, join({{0, 5}, text_bytes("issueca.example")})) == R"(0 issue "ca.example")");
    CHECK(shown(99, {0xc0, 0, 2, 1}) == R"(\# 4 c0000201)");
    CHECK(shown(65, {}) == R"(\# 0)");
}

TEST_CASE("bytes that a terminal would obey are escaped in names and texts") {
    CHECK(shown(5, {3, 'a', '.', 0x1b, 0}) == R"(a\.\027)");
    CHECK(shown(16, {3, 0, '\\', 0xff}) == R"("\000\\\255")");
}

TEST_CASE("a header says rcode, authority and truncation") {
    Bytes bytes = testing::dns_answer(question(), {.rcode = 3});
    bytes[2] |= 0x04;
    auto answer = parse_dns_answer(bytes);
    REQUIRE(answer.has_value());
    CHECK(answer->rcode == "NXDOMAIN");
    CHECK(answer->authoritative);
    CHECK_FALSE(answer->truncated);
    bytes[3] = static_cast<std::uint8_t>((bytes[3] & 0xf0) | 11);
    answer = parse_dns_answer(bytes);
    REQUIRE(answer.has_value());
    CHECK(answer->rcode == "RCODE11");
}

TEST_CASE("every cut of an answer is an error, or truncation where it says so") {
    const Bytes whole = answer_with(15, join({{0, 10}, dns_name("mail.example.com")}));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CAPTURE(size);
        Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        const auto answer = parse_dns_answer(cut);
        REQUIRE_FALSE(answer.has_value());
        CHECK(answer.error().code() == Code::corrupt);
        if (size < question().size()) continue;
        cut[2] |= 0x02;
        const auto truncated = parse_dns_answer(cut);
        REQUIRE(truncated.has_value());
        CHECK(truncated->truncated);
        CHECK(truncated->answers.empty());
    }
}

TEST_CASE("names that never end, point forwards or are too long are refused") {
    // The record's content begins at 45: 33 bytes of question, 12 of record.
    constexpr std::uint8_t content = 45;
    CHECK(shown(5, {0xc0, content}) == "error: a name points forwards");
    CHECK(shown(5, {0xc0, content + 2, 0xc0, content}) == "error: a name points forwards");
    CHECK(shown(5, {1, 'a', 0xc0, content}) == "error: a name points forwards");
    CHECK(shown(5, {0x80, 0}) == "error: a label of an unknown kind");
    CHECK(shown(5, {5, 'a', 0}) == "error: the message is cut short");
    Bytes labels;
    for (int i = 0; i < 5; ++i) labels = join({labels, {60}, Bytes(60, 'a')});
    CHECK(shown(5, join({labels, {0}})) == "error: a name is too long");
}

TEST_CASE("a long chain of pointers costs no more than a name has labels") {
    // An unknown record whose content is pointers, each to the one before it, and
    // a name that points at the last.
    Bytes chain;
    constexpr std::size_t content = 45;
    for (std::size_t i = 0; i < 200; ++i) {
        const std::size_t target = i == 0 ? 12 : content + 2 * (i - 1);
        chain.push_back(static_cast<std::uint8_t>(0xc0 | target >> 8));
        chain.push_back(static_cast<std::uint8_t>(target));
    }
    const auto name_at = [&](std::size_t link) {
        const std::size_t target = content + 2 * link;
        return parse_dns_answer(testing::dns_answer(
            question(), {.records = {{999, chain},
                                     {5,
                                      {static_cast<std::uint8_t>(0xc0 | target >> 8),
                                       static_cast<std::uint8_t>(target)}}}}));
    };
    const auto near = name_at(20);
    REQUIRE(near.has_value());
    CHECK(near->answers[1].text == "www.example.com");
    const auto far = name_at(199);
    REQUIRE_FALSE(far.has_value());
    CHECK(far.error().message() == "a name has no end");
}

TEST_CASE("content of the wrong length is refused") {
    CHECK(shown(1, {192, 0, 2}) == "error: the message is cut short");
    CHECK(shown(1, {192, 0, 2, 1, 0}) == "error: a record is longer than its content");
    CHECK(shown(16, {}) == "error: the message is cut short");
    CHECK(shown(16, {5, 'a'}) == "error: the message is cut short");
}

TEST_CASE("a question is not an answer") {
    const auto answer = parse_dns_answer(question());
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().message() == "a question, not an answer");
}

TEST_CASE("types go by name and by number") {
    CHECK(dns_type_from("A") == 1);
    CHECK(dns_type_from("aaaa") == 28);
    CHECK(dns_type_from("TYPE257") == 257);
    CHECK(dns_type_from("type65280") == 65280);
    for (const std::string_view bad : {"", "AB", "TYPE", "TYPEx", "TYPE65536", "TYPE1 "}) {
        CHECK_FALSE(dns_type_from(bad).has_value());
    }
    CHECK(dns_type_name(257) == "CAA");
    CHECK(dns_type_name(65280) == "TYPE65280");
}

TEST_CASE("the plain text of a TXT record joins its strings and undoes the escapes") {
    CHECK(dns_plain_text(R"("v=spf1" " -all")") == "v=spf1 -all");
    CHECK(dns_plain_text(R"("say \"hi\" \\ \065")") == "say \"hi\" \\ A");
    CHECK(dns_plain_text(R"("cut\)") == "cut\\");
    CHECK(dns_plain_text("") == "");
}

}  // namespace
}  // namespace picket::io
