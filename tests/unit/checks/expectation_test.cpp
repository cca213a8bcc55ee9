#include "checks/expectation.h"

#include <doctest/doctest.h>

#include <string>

namespace picket::checks {
namespace {

using namespace std::chrono_literals;

const WallTime now = from_milliseconds(1'795'392'000'000);  // 2026-11-23T00:00:00Z

TEST_CASE("a pattern that does not compile is refused with a reason") {
    CHECK(check_pattern("Welcome|Willkommen").has_value());
    const Status open_group = check_pattern("a(b");
    REQUIRE(!open_group.has_value());
    CHECK(open_group.error().code() == Code::invalid);
    CHECK(open_group.error().message().find("missing )") != std::string::npos);
}

TEST_CASE("a pattern whose program would be huge is refused") {
    CHECK(!check_pattern("((a{100}){10}){9}").has_value());
    CHECK(!check_pattern("(((a{100}){100}){100}){100}").has_value());
    CHECK(check_pattern("a{100}").has_value());
}

TEST_CASE("a pattern is found anywhere in a text that may hold any byte") {
    const Pattern pattern("wel+come");
    CHECK(pattern.found_in(std::string_view("\0\xff so wellcome", 15)));
    CHECK(!pattern.found_in("Welcome"));
    CHECK(pattern.expression() == "wel+come");
}

TEST_CASE("a status is judged against ranges, and named as in the file") {
    const std::vector<StatusRange> expected{{200, 299}, {301, 301}, {404, 410}};
    CHECK(judge_status(204, expected).met());
    CHECK(judge_status(301, expected).met());
    CHECK(judge_status(410, expected).met());
    const Judgement judged = judge_status(503, std::vector<StatusRange>{{200, 299}});
    CHECK(!judged.met());
    CHECK(judged.failure_class == FailureClass::status);
    CHECK(judged.message == "status 503, expected 2xx");
    CHECK(judged.expectation.what == "status 2xx");
    CHECK(judged.expectation.found == "503");
    CHECK(judge_status(302, expected).message == "status 302, expected 2xx, 301, 404-410");
}

TEST_CASE("header names compare without regard to case, and any value may match") {
    const HeaderFields fields{{"Server", "nginx"}, {"via", "a"}, {"Via", "b"}};
    CHECK(judge_header(fields, "server", Pattern("^nginx"), Wanted::match).met());
    CHECK(judge_header(fields, "VIA", Pattern("b"), Wanted::match).met());
    CHECK(judge_header(fields, "x-debug", Pattern("."), Wanted::no_match).met());

    const Judgement wrong = judge_header(fields, "Server", Pattern("apache"), Wanted::match);
    CHECK(wrong.failure_class == FailureClass::content);
    CHECK(wrong.message == "header Server does not match \"apache\": \"nginx\"");
    const Judgement absent = judge_header(fields, "X-Id", Pattern("."), Wanted::match);
    CHECK(absent.message == "no header X-Id, expected one that matches \".\"");
    const Judgement leaked = judge_header(fields, "via", Pattern("b"), Wanted::no_match);
    CHECK(leaked.message == "header via matches \"b\": \"b\"");
}

TEST_CASE("a body that does not match is quoted, printable and short") {
    CHECK(judge_body("Welcome home", Pattern("Welcome"), Wanted::match).met());
    const Judgement judged = judge_body("<h1>\r\nOops</h1>", Pattern("Welcome"), Wanted::match);
    CHECK(judged.failure_class == FailureClass::content);
    CHECK(judged.message == R"(body does not match "Welcome" (first bytes: "<h1>??Oops</h1>"))");
    CHECK(judge_body("", Pattern("x"), Wanted::match).message ==
          R"(body does not match "x" (it is empty))");
    CHECK(judge_body("panic: x", Pattern("panic"), Wanted::no_match).message ==
          R"(body matches "panic" (first bytes: "panic: x"))");
    CHECK(judge_body(std::string(100'000, 'a'), Pattern("b"), Wanted::match).message.size() < 150);
}

TEST_CASE("a certificate is judged by the whole days it has left") {
    CHECK(judge_certificate_days(now, "a", now + 24h * 14, 14).met());
    CHECK(!judge_certificate_days(now, "a", now + 24h * 14 - 1s, 14).met());
    const Judgement soon = judge_certificate_days(now, "www.example.com", now + 75h, 14);
    CHECK(soon.failure_class == FailureClass::certificate);
    CHECK(soon.message ==
          "certificate of www.example.com expires in 3 days (2026-11-26), expected at least 14");
    CHECK(judge_certificate_days(now, "a", now - 25h, 1).message ==
          "certificate of a expired 1 day ago (2026-11-21), expected at least 1");
}

TEST_CASE("a right answer too late fails by its latency") {
    CHECK(judge_latency(800ms, 800ms).met());
    const Judgement late = judge_latency(912ms, 800ms);
    CHECK(late.failure_class == FailureClass::latency);
    CHECK(late.message == "answered after 912 ms, expected within 800 ms");
    CHECK(judge_latency(Duration(800'001), 800ms).message ==
          "answered after 801 ms, expected within 800 ms");
}

TEST_CASE("the first unmet judgement names the failure, and all are kept") {
    std::vector<Judgement> judgements;
    judgements.push_back(judge_status(200, std::vector<StatusRange>{{200, 299}}));
    judgements.push_back(judge_body("no", Pattern("yes"), Wanted::match));
    judgements.push_back(judge_latency(2s, 1s));
    const Outcome outcome = conclude(passed(2s, "fine"), std::move(judgements));
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.failure_class == FailureClass::content);
    REQUIRE(outcome.expectations.size() == 3);
    CHECK(outcome.expectations[0].met);
    CHECK(!outcome.expectations[2].met);
    CHECK(conclude(passed(1s, "fine"), {}).message == "fine");
}

TEST_CASE("expecting a failure turns what was found around, but not what was not asked") {
    const Outcome closed = invert(failed(FailureClass::refused, 1ms, "connection refused"));
    CHECK(closed.finding == Finding::passed);
    CHECK(closed.failure_class == FailureClass::none);
    CHECK(closed.message == "failed as expected: connection refused");
    const Outcome open = invert(passed(1ms, "connected"));
    CHECK(open.finding == Finding::failed);
    CHECK(open.failure_class == FailureClass::content);
    CHECK(open.message == "passed, expected to fail: connected");
    CHECK(invert(errored("out of descriptors")).finding == Finding::errored);
}

TEST_CASE("durations are spoken in the unit a person would use") {
    CHECK(spoken(Duration(400)) == "0.4 ms");
    CHECK(spoken(912ms) == "912 ms");
    CHECK(spoken(3s) == "3 s");
    CHECK(spoken(1500ms) == "1500 ms");
    CHECK(spoken(12'500ms) == "12.5 s");
}

}  // namespace
}  // namespace picket::checks
