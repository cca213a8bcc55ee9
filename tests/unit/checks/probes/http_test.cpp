#include "checks/probes/http.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "checks/expectation.h"
#include "checks/probes/http_fetch.h"
#include "tests/support/loopback_server.h"
#include "tests/support/probe_run.h"
#include "tests/support/test_certificate.h"

namespace picket::checks {
namespace {

using namespace std::chrono_literals;
using testing::answers;
using testing::contains;
using testing::http_answer;
using testing::LoopbackServer;
using testing::ProbeBench;
using Peer = LoopbackServer::Peer;

struct HttpCheck {
    Definition definition;

    explicit HttpCheck(const std::string& url) {
        definition.query = HttpQuery{};
        query().url = {url, url};
    }
    HttpQuery& query() { return definition.query.as<HttpQuery>(); }
};

// Answers the path of each request from a table: path -> bytes.
struct Site {
    std::vector<std::pair<std::string, std::string>> pages;
    std::vector<std::string> requests;

    LoopbackServer::Handler handler() {
        return [this](Peer& peer) {
            if (!contains(peer.received, "\r\n\r\n")) return;
            requests.push_back(peer.received);
            const std::size_t begin = peer.received.find(' ') + 1;
            const std::string path =
                peer.received.substr(begin, peer.received.find(' ', begin) - begin);
            const auto page = std::ranges::find(pages, path, [](const auto& p) { return p.first; });
            peer.send(page == pages.end() ? http_answer("404 Not Found", "") : page->second);
            peer.close();
        };
    }
};

std::string redirect(const std::string& status, const std::string& location) {
    return http_answer(status + " Moved", "", "Location: " + location + "\r\n");
}

std::vector<std::string_view> phase_names(const Outcome& outcome) {
    std::vector<std::string_view> names;
    for (const Phase& phase : outcome.phases) names.push_back(phase.name);
    return names;
}

TEST_CASE("a right answer passes, with its phases, address and expectations") {
    ProbeBench bench;
    LoopbackServer server(bench.loop, answers(http_answer("200 OK", "Welcome", "X-Id: 7\r\n")));
    HttpCheck check(server.url());
    check.query().body_matches = "^Wel";
    check.query().body_not_matches = "panic";
    check.query().header_matches = {{"x-id", "^[0-9]+$"}};
    check.query().header_not_matches = {{"Server", "."}};
    check.definition.latency = 10s;
    const Outcome outcome = bench.ask(check.definition);
    CHECK(outcome.finding == Finding::passed);
    CHECK(outcome.message.starts_with("200 from " + server.text() + " in "));
    CHECK(outcome.address == server.text());
    CHECK(outcome.latency > 0us);
    CHECK(outcome.expectations.size() == 6);
    CHECK(std::ranges::all_of(outcome.expectations, &Expectation::met));
    const auto names = phase_names(outcome);
    CHECK(std::ranges::count(names, "connect") == 1);
    CHECK(std::ranges::count(names, "first_byte") == 1);
    CHECK(std::ranges::count(names, "resolve") == 0);
}

TEST_CASE("each wrong answer has its class and its words") {
    ProbeBench bench;
    LoopbackServer server(bench.loop,
                          answers(http_answer("503 Busy", "come back\nlater", "X-Id: 7\r\n")));
    HttpCheck check(server.url());
    Outcome outcome = bench.ask(check.definition);
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.failure_class == FailureClass::status);
    CHECK(outcome.message == "status 503, expected 2xx");
    CHECK(contains(outcome.detail, "\ncome back?later"));
    CHECK(outcome.detail.starts_with("HTTP/1.1 503\n"));

    check.query().status = {{503, 503}};
    check.query().body_matches = "Welcome";
    outcome = bench.ask(check.definition);
    CHECK(outcome.failure_class == FailureClass::content);
    CHECK(outcome.message == "body does not match \"Welcome\" (first bytes: \"come back?later\")");

    check.query().body_matches = "come";
    check.query().header_matches = {{"X-Id", "8"}};
    outcome = bench.ask(check.definition);
    CHECK(outcome.failure_class == FailureClass::content);
    CHECK(outcome.message == "header X-Id does not match \"8\": \"7\"");

    check.query().header_matches.clear();
    check.query().certificate_days = 14;
    outcome = bench.ask(check.definition);
    CHECK(outcome.failure_class == FailureClass::certificate);
    CHECK(outcome.message == "127.0.0.1 answered without TLS, expected a certificate");

    check.query().certificate_days = 0;
    check.definition.latency = Duration(1);
    outcome = bench.ask(check.definition);
    CHECK(outcome.failure_class == FailureClass::latency);
}

TEST_CASE("a refused connection is refused") {
    ProbeBench bench;
    const std::string address = to_text(testing::refusing_address());
    const Outcome outcome = bench.ask(HttpCheck("http://" + address + "/").definition);
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.failure_class == FailureClass::refused);
    CHECK(outcome.message == "connect " + address + ": connection refused");
    CHECK(outcome.address == address);
    CHECK(outcome.detail.empty());
}

TEST_CASE("a deadline says whom it waited for, how long, and for what") {
    ProbeBench bench;
    std::string first;
    LoopbackServer server(bench.loop, [&](Peer& peer) {
        if (peer.received.empty()) return;
        peer.send(first);
        if (!first.empty()) peer.drip("x", 1ms);
    });
    const HttpCheck check(server.url());
    const auto message_after = [&](const std::string& sent, std::string_view part) {
        first = sent;
        const Outcome outcome = bench.ask_until_said(check.definition, part);
        CHECK(outcome.finding == Finding::failed);
        CHECK(outcome.failure_class == FailureClass::timeout);
        CHECK(contains(outcome.message, "answer from " + server.text() + " within "));
        return outcome.message;
    };
    CHECK(message_after("", "connected").ends_with(" ms: connected, waiting for the first byte"));
    CHECK(message_after("HTTP/1.1 200 OK\r\nX-Slow: ", "receiving the headers")
              .starts_with("no complete answer from "));
    CHECK(message_after("HTTP/1.1 200 OK\r\n\r\n", "receiving the body")
              .starts_with("no complete answer from "));
}

TEST_CASE("an endless body is judged by its first bytes") {
    ProbeBench bench;
    LoopbackServer server(bench.loop, [](Peer& peer) {
        if (peer.events == 1) return;
        peer.send("HTTP/1.1 200 OK\r\n\r\nWelcome");
        peer.send_for_ever(std::string(5000, 'x'));
    });
    HttpCheck check(server.url());
    check.query().body_size_max = 20'000;
    check.query().body_matches = "^Welcomex+$";
    CHECK(bench.ask(check.definition).finding == Finding::passed);
}

TEST_CASE("an answer cut short or not HTTP is a protocol failure") {
    ProbeBench bench;
    LoopbackServer silent(bench.loop, [](Peer& peer) { peer.half_close(); });
    Outcome outcome = bench.ask(HttpCheck(silent.url()).definition);
    CHECK(outcome.failure_class == FailureClass::protocol);
    CHECK(contains(outcome.message, "closed the connection without an answer"));
    LoopbackServer mail(bench.loop, [](Peer& peer) { peer.send("220 mail ESMTP\r\n"); });
    outcome = bench.ask(HttpCheck(mail.url()).definition);
    CHECK(outcome.failure_class == FailureClass::protocol);
}

TEST_CASE("a name is resolved and its next address asked where one refuses") {
    ProbeBench bench;
    LoopbackServer server(bench.loop, answers(http_answer("200 OK", "")));
    const std::string port = std::to_string(server.address().port);
    const Outcome outcome = bench.ask(HttpCheck("http://localhost:" + port + "/").definition);
    CHECK(outcome.finding == Finding::passed);
    CHECK(outcome.address == server.text());
    CHECK(phase_names(outcome).at(0) == "resolve");
    HttpCheck nowhere("http://nowhere.invalid/");
    nowhere.definition.resolver = to_text(testing::refusing_address());
    const Outcome unknown = bench.ask(nowhere.definition);
    CHECK(unknown.failure_class == FailureClass::dns);
    CHECK(contains(unknown.message, "nowhere.invalid"));
}

TEST_CASE("redirects are followed and the last answer is judged") {
    ProbeBench bench;
    Site site;
    LoopbackServer server(bench.loop, site.handler());
    const std::string port = std::to_string(server.address().port);
    site.pages = {{"/", redirect("302", "/a b")},
                  {"/a%20b", redirect("307", "http://localhost:" + port + "/c")},
                  {"/c", http_answer("200 OK", "here")}};
    HttpCheck check(server.url());
    check.query().body_matches = "here";
    Outcome outcome = bench.ask(check.definition);
    CHECK(outcome.finding == Finding::passed);
    CHECK(contains(outcome.message, "after 2 redirects"));
    const auto names = phase_names(outcome);
    CHECK(std::ranges::count(names, "resolve") == 1);
    CHECK(std::ranges::count(names, "first_byte") == 3);
    CHECK(contains(site.requests.at(2), "Host: localhost:" + port));

    check.query().follow_redirects = false;
    check.query().status = {{302, 302}};
    check.query().body_matches.clear();
    CHECK(bench.ask(check.definition).finding == Finding::passed);
}

TEST_CASE("a redirect loop ends at redirects_max") {
    ProbeBench bench;
    Site site;
    LoopbackServer server(bench.loop, site.handler());
    site.pages = {{"/", redirect("301", "/")}};
    HttpCheck check(server.url());
    check.query().redirects_max = 3;
    const Outcome outcome = bench.ask(check.definition);
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.failure_class == FailureClass::protocol);
    CHECK(outcome.message == "still redirected after 3 redirects: 301 to /");
    CHECK(site.requests.size() == 4);
}

TEST_CASE("a redirect to what is not http goes nowhere") {
    ProbeBench bench;
    Site site;
    LoopbackServer server(bench.loop, site.handler());
    site.pages = {{"/", redirect("302", "file:///etc/passwd")},
                  {"/bare", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"}};
    const Outcome outcome = bench.ask(HttpCheck(server.url()).definition);
    CHECK(outcome.failure_class == FailureClass::protocol);
    CHECK(contains(outcome.message, "neither http nor https"));
    CHECK(bench.ask(HttpCheck(server.url("/bare")).definition).failure_class ==
          FailureClass::status);
}

TEST_CASE("a redirect turns a request into what browsers would send") {
    io::HttpRequest post;
    REQUIRE(post.set_url("http://a/x").has_value());
    post.method = "POST";
    post.body = "form";
    post.headers = {{"content-type", "text/plain"}, {"Accept", "*/*"}};
    for (const unsigned status : {301U, 302U, 303U}) {
        const io::HttpRequest next =
            redirected(post, static_cast<std::uint16_t>(status), "/y").value();
        CHECK(next.method == "GET");
        CHECK(next.body.empty());
        CHECK(next.url == "http://a/y");
        CHECK(next.headers == HeaderFields{{"Accept", "*/*"}});
    }
    for (const unsigned status : {307U, 308U}) {
        const io::HttpRequest next =
            redirected(post, static_cast<std::uint16_t>(status), "/y").value();
        CHECK(next.method == "POST");
        CHECK(next.body == "form");
        CHECK(next.headers.size() == 2);
    }
    post.method = "PUT";
    CHECK(redirected(post, 302, "/y").value().method == "PUT");
    CHECK(redirected(post, 303, "/y").value().method == "GET");
    post.method = "HEAD";
    CHECK(redirected(post, 303, "/y").value().method == "HEAD");
}

TEST_CASE("credentials go to no other host than the one they were written for") {
    io::HttpRequest request;
    REQUIRE(request.set_url("http://a/x").has_value());
    request.headers = {{"authorization", "Bearer x"}, {"Cookie", "y"}, {"HOST", "z"}, {"X", "1"}};
    request.tls.server_name = "inner";
    const auto fields_after = [&](const std::string& location) {
        return redirected(request, 302, location).value().headers.size();
    };
    CHECK(fields_after("/y") == 4);
    CHECK(fields_after("http://a:80/y") == 4);
    CHECK(fields_after("https://a/y") == 4);
    CHECK(fields_after("https://a:8443/y") == 1);
    CHECK(fields_after("http://a:81/y") == 1);
    CHECK(fields_after("http://b/y") == 1);
    CHECK(redirected(request, 302, "//b/y").value().tls.server_name.empty());
    CHECK(redirected(request, 302, "/y").value().tls.server_name == "inner");
    REQUIRE(request.set_url("https://a/x").has_value());
    CHECK(fields_after("http://a/y") == 1);
}

TEST_CASE("a certificate's days are judged, and one that does not verify fails by itself") {
    ProbeBench bench;
    const testing::TestTls soon({.days_until = 3});
    LoopbackServer server(bench.loop, answers(http_answer("200 OK", "")), soon.context());
    HttpCheck check("https://localhost:" + std::to_string(server.address().port) + "/");
    check.definition.family = Family::v4;
    check.query().tls.ca_file = soon.pem_path();
    check.query().certificate_days = 1;
    Outcome outcome = bench.ask(check.definition);
    CHECK(outcome.finding == Finding::passed);
    CHECK(std::ranges::count(phase_names(outcome), "tls") == 1);
    check.query().certificate_days = 14;
    outcome = bench.ask(check.definition);
    CHECK(outcome.failure_class == FailureClass::certificate);
    CHECK(contains(outcome.message, "certificate of localhost expires in 2 days ("));
    check.query().tls.server_name = "mail.test";
    outcome = bench.ask(check.definition);
    CHECK(outcome.failure_class == FailureClass::certificate);
    CHECK(contains(outcome.message, "certificate of mail.test: is not for that name"));
    check.query().tls.ca_file = "/nowhere.pem";
    CHECK(bench.ask(check.definition).finding == Finding::errored);
}

TEST_CASE("a server that does not speak TLS fails the handshake") {
    ProbeBench bench;
    LoopbackServer server(bench.loop, [](Peer& peer) {
        if (!peer.received.empty()) peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    const Outcome outcome = bench.ask(HttpCheck("https://" + server.text() + "/").definition);
    CHECK(outcome.failure_class == FailureClass::tls);
}

TEST_CASE("what keeps us from asking is our own fault, told later") {
    ProbeBench bench;
    LoopbackServer server(bench.loop, answers(http_answer("200 OK", "")));
    HttpCheck check(server.url());
    check.definition.source = "192.0.2.1";
    CHECK(bench.ask(check.definition).finding == Finding::errored);
    CHECK(bench.ask(HttpCheck("http://a b/").definition).finding == Finding::errored);
}

TEST_CASE("a cancelled or destroyed probe is silent, and can be asked again") {
    ProbeBench bench;
    LoopbackServer server(bench.loop, answers(http_answer("200 OK", "")));
    const std::string port = std::to_string(server.address().port);
    for (const std::string& url :
         {server.url(), "http://localhost:" + port + "/", std::string("http://a b/")}) {
        const HttpCheck check(url);
        auto probe = make_probe(check.definition, bench.services());
        const auto never = [](const Outcome&) { FAIL("answered"); };
        const Instant now = io::monotonic_now();
        probe->start(now, now + 10s, never);
        probe->cancel();
        probe->start(now, now + 10s, never);
        probe->cancel();
        probe->cancel();
        const Finding first = bench.ask(*probe).finding;
        CHECK(bench.ask(*probe).finding == first);
        probe->start(now, now + 10s, never);
        probe.reset();
        bench.loop.run_ready();
    }
}

TEST_CASE("a probe may be destroyed, or asked again, from within its answer") {
    ProbeBench bench;
    LoopbackServer server(bench.loop, answers(http_answer("200 OK", "")));
    const HttpCheck check(server.url());
    auto probe = make_probe(check.definition, bench.services());
    int answered = 0;
    const auto start = [&](Probe::Done done) {
        const Instant now = io::monotonic_now();
        probe->start(now, now + 10s, std::move(done));
    };
    start([&](const Outcome&) {
        ++answered;
        start([&](const Outcome&) {
            probe.reset();
            ++answered;
        });
    });
    CHECK(testing::run_until(bench.loop, [&] { return answered == 2; }));
}

}  // namespace
}  // namespace picket::checks
