#include "agent/io/resolver.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <memory>
#include <optional>

#include "agent/io/clock.h"
#include "agent/io/loop.h"
#include "tests/support/fake_dns_server.h"
#include "tests/support/loopback_server.h"

namespace picket::io {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using testing::always;
using testing::Bytes;
using testing::FakeAnswer;
using testing::FakeDnsServer;
using testing::FakeQuestion;

using Addresses = std::vector<IpAddress>;

const Bytes v4_answer{192, 0, 2, 7};
const Bytes v6_answer{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};

// Answers A and AAAA questions about db.example.com, and nothing else.
std::vector<Bytes> zone(const FakeQuestion& question) {
    FakeAnswer answer;
    if (question.name != "db.example.com") {
        answer.rcode = 3;
    } else if (question.type == 1) {
        answer.records = {{1, v4_answer}};
    } else if (question.type == 28) {
        answer.records = {{28, v6_answer}};
    }
    return {testing::dns_answer(question.bytes, answer)};
}

// One lookup, run to its end.
Result<Addresses> resolve(Loop& loop, Resolvers& resolvers, std::string_view host,
                          LookupFamily family, std::string_view server, Duration wait = 60s) {
    std::optional<Result<Addresses>> result;
    const auto lookup = resolvers.resolve(host, family, server, monotonic_now() + wait,
                                          [&](Result<Addresses> found) {
                                              result = std::move(found);
                                              loop.stop();
                                          });
    CHECK_FALSE(result.has_value());
    loop.run();
    REQUIRE(result.has_value());
    return *result;
}

tl::expected<DnsAnswer, QueryFailure> query(Loop& loop, Resolvers& resolvers,
                                            const DnsQuestion& question, Duration wait = 60s) {
    std::optional<tl::expected<DnsAnswer, QueryFailure>> result;
    const auto lookup = resolvers.query(question, monotonic_now() + wait, [&](auto found) {
        result = std::move(found);
        loop.stop();
    });
    CHECK_FALSE(result.has_value());
    loop.run();
    REQUIRE(result.has_value());
    return *result;
}

std::string texts(const Result<Addresses>& found) {
    if (!found.has_value()) return found.error().message();
    std::string text;
    for (const IpAddress& ip : *found) text += to_text(ip) + " ";
    return text;
}

TEST_CASE("an address answers as itself, in the family that was asked for") {
    Loop loop;
    Resolvers resolvers(loop);
    CHECK(texts(resolve(loop, resolvers, "192.0.2.1", LookupFamily::any, "")) == "192.0.2.1 ");
    CHECK(texts(resolve(loop, resolvers, "::1", LookupFamily::v6, "")) == "::1 ");
    const auto wrong = resolve(loop, resolvers, "::1", LookupFamily::v4, "");
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error().code() == Code::not_found);
    CHECK(wrong.error().message() == "look up ::1: not an IPv4 address");
}

TEST_CASE("a named server is asked, for the family wanted only") {
    Loop loop;
    Resolvers resolvers(loop);
    FakeDnsServer server(loop, zone);
    const auto ask = [&](LookupFamily family) {
        return texts(resolve(loop, resolvers, "db.example.com", family, server.text()));
    };
    CHECK(ask(LookupFamily::v4) == "192.0.2.7 ");
    CHECK(ask(LookupFamily::v6) == "2001:db8::7 ");
    const std::string any = ask(LookupFamily::any);
    CHECK(any.find("192.0.2.7 ") != std::string::npos);
    CHECK(any.find("2001:db8::7 ") != std::string::npos);
    CHECK(server.asked().size() == 4);
}

TEST_CASE("the hosts file counts where no server is named") {
    Loop loop;
    Resolvers resolvers(loop);
    CHECK(texts(resolve(loop, resolvers, "localhost", LookupFamily::v4, "")) == "127.0.0.1 ");
}

TEST_CASE("the system's servers are asked in order, until one answers") {
    Loop loop;
    FakeDnsServer broken(loop, always({.rcode = 2}));
    FakeDnsServer server(loop, zone);
    Resolvers resolvers(loop, {broken.address(), server.address()});
    CHECK(resolvers.system_servers() ==
          std::vector<SocketAddress>{broken.address(), server.address()});
    CHECK(texts(resolve(loop, resolvers, "db.example.com", LookupFamily::v4, "")) == "192.0.2.7 ");
    CHECK(broken.asked().size() == 1);
}

TEST_CASE("a failed lookup says which host, which server and why") {
    Loop loop;
    Resolvers resolvers(loop);
    FakeDnsServer server(loop, zone);
    const auto missing =
        resolve(loop, resolvers, "nowhere.example.com", LookupFamily::v4, server.text());
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error().code() == Code::not_found);
    CHECK(missing.error().message() ==
          "look up nowhere.example.com at " + server.text() + ": NXDOMAIN");

    FakeDnsServer empty(loop, always({}));
    const auto none = resolve(loop, resolvers, "db.example.com", LookupFamily::v6, empty.text());
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error().code() == Code::not_found);
    CHECK(none.error().message() ==
          "look up db.example.com at " + empty.text() + ": the name has no IPv6 address");

    FakeDnsServer broken(loop, always({.rcode = 2}));
    const auto failed = resolve(loop, resolvers, "db.example.com", LookupFamily::v4, broken.text());
    REQUIRE_FALSE(failed.has_value());
    CHECK(failed.error().code() == Code::io);
    CHECK(failed.error().message().find("SERVFAIL") != std::string::npos);

    const std::string closed = to_text(testing::refusing_address());
    const auto refused = resolve(loop, resolvers, "db.example.com", LookupFamily::v4, closed);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code() == Code::io);
    CHECK(refused.error().message() ==
          "look up db.example.com at " + closed + ": connection refused");
}

TEST_CASE("what is not a name or not a server is refused in words") {
    Loop loop;
    Resolvers resolvers(loop);
    for (const std::string_view host : {""sv, "a..b"sv, "a\0b"sv}) {
        const auto result = resolve(loop, resolvers, host, LookupFamily::any, "127.0.0.1");
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().code() == Code::invalid);
    }
    const auto bad = resolve(loop, resolvers, "db.example.com", LookupFamily::any, "ns1.example");
    REQUIRE_FALSE(bad.has_value());
    CHECK(bad.error().message() ==
          "look up db.example.com: resolver: 'ns1.example' is not an IP address");
}

TEST_CASE("a silent server ends with the deadline") {
    Loop loop;
    Resolvers resolvers(loop);
    FakeDnsServer server(loop, testing::silence());
    const Instant start = monotonic_now();
    const auto result =
        resolve(loop, resolvers, "db.example.com", LookupFamily::v4, server.text(), 50ms);
    CHECK(monotonic_now() - start >= 50ms);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code() == Code::timed_out);
    CHECK(result.error().message() ==
          "look up db.example.com at " + server.text() + ": no answer within 0.05 s");
}

TEST_CASE("a dropped lookup never answers, and others do") {
    Loop loop;
    Resolvers resolvers(loop);
    FakeDnsServer server(loop, zone);
    auto dropped = resolvers.resolve("db.example.com", LookupFamily::any, server.text(),
                                     monotonic_now() + 3s, [](auto) { FAIL("answered"); });
    auto dropped_late = resolvers.resolve("192.0.2.1", LookupFamily::any, "", monotonic_now() + 3s,
                                          [](auto) { FAIL("answered"); });
    dropped.reset();
    dropped_late.reset();
    CHECK(resolve(loop, resolvers, "db.example.com", LookupFamily::v4, server.text()).has_value());
}

TEST_CASE("a lookup may be dropped from within its own answer, and asked again") {
    Loop loop;
    Resolvers resolvers(loop);
    FakeDnsServer server(loop, zone);
    std::unique_ptr<Lookup> lookup;
    int answers = 0;
    std::function<void(Result<Addresses>)> again = [&](Result<Addresses> found) {
        CHECK(found.has_value());
        lookup.reset();
        if (++answers == 3) return loop.stop();
        lookup = resolvers.resolve("db.example.com", LookupFamily::v4, server.text(),
                                   monotonic_now() + 60s, again);
    };
    lookup = resolvers.resolve("db.example.com", LookupFamily::v4, server.text(),
                               monotonic_now() + 60s, again);
    loop.run();
    CHECK(answers == 3);
}

TEST_CASE("the resolvers may go while lookups wait, and say so") {
    Loop loop;
    auto resolvers = std::make_unique<Resolvers>(loop);
    FakeDnsServer server(loop, testing::silence());
    std::string message;
    const auto lookup = resolvers->resolve("db.example.com", LookupFamily::v4, server.text(),
                                           monotonic_now() + 3s, [&](Result<Addresses> result) {
                                               message = result.error().message();
                                               loop.stop();
                                           });
    resolvers.reset();
    loop.run();
    CHECK(message == "look up db.example.com at " + server.text() + ": the agent is stopping");
}

TEST_CASE("the resolvers may go from within an answer") {
    Loop loop;
    auto resolvers = std::make_unique<Resolvers>(loop);
    FakeDnsServer server(loop, zone);
    const auto lookup = resolvers->resolve("db.example.com", LookupFamily::v4, server.text(),
                                           monotonic_now() + 3s, [&](auto) {
                                               resolvers.reset();
                                               loop.stop();
                                           });
    loop.run();
    CHECK(resolvers == nullptr);
}

TEST_CASE("beyond lookups_in_flight_max a lookup is refused, and later ones are not") {
    Loop loop;
    Resolvers resolvers(loop);
    FakeDnsServer server(loop, testing::silence());
    std::vector<std::unique_ptr<Lookup>> lookups;
    for (std::size_t i = 0; i < Resolvers::lookups_in_flight_max; ++i) {
        lookups.push_back(resolvers.resolve("db.example.com", LookupFamily::v4, server.text(),
                                            monotonic_now() + 60s, [](auto) {}));
    }
    const auto refused =
        resolve(loop, resolvers, "db.example.com", LookupFamily::v4, server.text());
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code() == Code::exhausted);
    CHECK(refused.error().message() == "look up db.example.com: 4096 lookups are in flight");
}

TEST_CASE("any rcode is an answer to a question") {
    Loop loop;
    Resolvers resolvers(loop);
    for (const unsigned rcode : {0u, 2u, 3u, 4u, 5u}) {
        CAPTURE(rcode);
        for (const bool tcp : {false, true}) {
            FakeDnsServer server(loop, always({.rcode = rcode}));
            const auto answer = query(
                loop, resolvers,
                {.name = "www.example.com", .type = "A", .server = server.address(), .tcp = tcp});
            REQUIRE(answer.has_value());
            constexpr std::string_view names[] = {"NOERROR",  "FORMERR", "SERVFAIL",
                                                  "NXDOMAIN", "NOTIMP",  "REFUSED"};
            CHECK(answer->rcode == names[rcode]);
            CHECK(answer->answers.empty());
            CHECK(answer->server == server.address());
            CHECK(server.asked().front().tcp == tcp);
        }
    }
}

TEST_CASE("a question carries its type and its wish for recursion") {
    Loop loop;
    Resolvers resolvers(loop);
    FakeDnsServer server(loop, always({.records = {{28, v6_answer, 60}}}));
    for (const bool recursion : {true, false}) {
        const auto answer = query(loop, resolvers,
                                  {.name = "db.example.com",
                                   .type = "aaaa",
                                   .server = server.address(),
                                   .recursion = recursion});
        REQUIRE(answer.has_value());
        REQUIRE(answer->answers.size() == 1);
        CHECK(answer->answers[0].type == "AAAA");
        CHECK(answer->answers[0].text == "2001:db8::7");
        CHECK(answer->answers[0].ttl == 60);
        CHECK(server.asked().back().type == 28);
        CHECK(server.asked().back().recursion == recursion);
    }
}

TEST_CASE("a truncated answer is handed over with what was there") {
    Loop loop;
    Resolvers resolvers(loop);
    FakeDnsServer server(loop, always({.records = {{1, v4_answer}}, .truncated = true}));
    const auto answer =
        query(loop, resolvers, {.name = "db.example.com", .type = "A", .server = server.address()});
    REQUIRE(answer.has_value());
    CHECK(answer->truncated);
    CHECK(answer->answers.size() == 1);
    CHECK(server.asked().size() == 1);
}

TEST_CASE("answers to other questions and garbage are ignored") {
    Loop loop;
    Resolvers resolvers(loop);
    FakeDnsServer server(loop, [](const FakeQuestion& question) {
        return std::vector<Bytes>{
            Bytes{1, 2, 3}, Bytes(40, 0xff),
            testing::dns_answer(question.bytes, {.rcode = 3, .other_id = true}),
            testing::dns_answer(question.bytes, {.records = {{1, v4_answer}}})};
    });
    const auto answer =
        query(loop, resolvers, {.name = "db.example.com", .type = "A", .server = server.address()});
    REQUIRE(answer.has_value());
    CHECK(answer->rcode == "NOERROR");
    CHECK(answer->answers.size() == 1);
}

TEST_CASE("an answer whose records make no sense is corrupt") {
    Loop loop;
    Resolvers resolvers(loop);
    FakeDnsServer server(loop, always({.records = {{1, {192, 0, 2}}}}));
    const auto answer =
        query(loop, resolvers, {.name = "db.example.com", .type = "A", .server = server.address()});
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().error.code() == Code::corrupt);
    CHECK(answer.error().error.message() ==
          "look up db.example.com A at " + server.text() + ": the message is cut short");
}

TEST_CASE("a lost packet is asked for once more") {
    Loop loop;
    Resolvers resolvers(loop);
    int asked = 0;
    FakeDnsServer server(loop, [&](const FakeQuestion& question) {
        if (++asked == 1) return std::vector<Bytes>{};
        return zone(question);
    });
    const auto answer = query(
        loop, resolvers, {.name = "db.example.com", .type = "A", .server = server.address()}, 6s);
    CHECK(answer.has_value());
    CHECK(asked == 2);
}

TEST_CASE("a question that nobody takes is refused or times out, and says so") {
    Loop loop;
    Resolvers resolvers(loop);
    const SocketAddress closed = testing::refusing_address();
    for (const bool tcp : {false, true}) {
        const auto refused =
            query(loop, resolvers,
                  {.name = "www.example.com", .type = "A", .server = closed, .tcp = tcp});
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().error.code() == Code::io);
        CHECK(refused.error().error.message() == "look up www.example.com A at " + to_text(closed) +
                                                     (tcp ? " over TCP" : "") +
                                                     ": connection refused");
        CHECK(refused.error().error_number == ECONNREFUSED);
    }
    FakeDnsServer silent(loop, testing::silence());
    const auto late =
        query(loop, resolvers, {.name = "www.example.com", .type = "A", .server = silent.address()},
              50ms);
    REQUIRE_FALSE(late.has_value());
    CHECK(late.error().error.code() == Code::timed_out);
    CHECK(late.error().error.message() ==
          "look up www.example.com A at " + silent.text() + ": no answer within 0.05 s");
}

TEST_CASE("a question is asked from the source address, or not at all") {
    Loop loop;
    Resolvers resolvers(loop);
    FakeDnsServer server(loop, always({}));
    DnsQuestion question{.name = "www.example.com", .type = "A", .server = server.address()};
    question.source = *parse_ip("127.0.0.9");
    CHECK(query(loop, resolvers, question).has_value());
    CHECK(to_text(server.asked().back().from.ip) == "127.0.0.9");
    question.source = *parse_ip("192.0.2.99");
    const auto failed = query(loop, resolvers, question);
    REQUIRE_FALSE(failed.has_value());
    CHECK(failed.error().error_number == EADDRNOTAVAIL);
    CHECK(server.asked().size() == 1);
}

TEST_CASE("a question without a valid type or name is refused in words") {
    Loop loop;
    Resolvers resolvers(loop);
    const SocketAddress nobody = testing::refusing_address();
    const auto type = query(loop, resolvers, {.name = "a.example", .type = "AB", .server = nobody});
    REQUIRE_FALSE(type.has_value());
    CHECK(type.error().error.code() == Code::invalid);
    const auto name = query(loop, resolvers, {.name = "a..b", .type = "A", .server = nobody});
    REQUIRE_FALSE(name.has_value());
    CHECK(name.error().error.code() == Code::invalid);
}

}  // namespace
}  // namespace picket::io
