#include "agent/io/http_client.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "agent/io/clock.h"
#include "agent/io/timer.h"
#include "tests/support/loopback_server.h"
#include "tests/support/test_certificate.h"

namespace picket::io {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using testing::answers;
using testing::http_answer;
using testing::LoopbackServer;
using testing::run_until;
using Peer = LoopbackServer::Peer;

HttpRequest request_to(const LoopbackServer& server) {
    HttpRequest request;
    REQUIRE(request.set_url(server.url()).has_value());
    request.address = server.address();
    return request;
}

HttpRequest tls_request_to(const LoopbackServer& server, const std::string& ca_file) {
    HttpRequest request = request_to(server);
    REQUIRE(request.set_url("https://localhost/").has_value());
    request.tls.ca_file = ca_file;
    return request;
}

HttpExchange exchange(Loop& loop, HttpRequest request, Duration timeout = 60s) {
    HttpClient client(loop);
    std::optional<HttpExchange> result;
    bool within_start = true;
    const auto transfer =
        client.start(std::move(request), monotonic_now() + timeout, [&](HttpExchange done) {
            CHECK(!within_start);
            result = std::move(done);
        });
    within_start = false;
    REQUIRE(run_until(loop, [&] { return result.has_value(); }));
    return *result;
}

HttpError failing_exchange(Loop& loop, HttpRequest request, Duration timeout = 60s) {
    const HttpExchange done = exchange(loop, std::move(request), timeout);
    REQUIRE(done.error.has_value());
    return *done.error;
}

// With ever longer time-outs until one passes in `stage`: how far an exchange gets
// in a short time is the machine's affair.
HttpExchange time_out_in(Loop& loop, HttpStage stage, const HttpRequest& request) {
    HttpExchange done;
    for (Duration timeout = 20ms; timeout < 30s; timeout *= 4) {
        const Instant begun = monotonic_now();
        done = exchange(loop, request, timeout);
        CHECK(monotonic_now() - begun >= timeout);
        REQUIRE(done.error.has_value());
        CHECK(done.error->kind == HttpErrorKind::timeout);
        if (done.error->stage == stage) break;
    }
    CHECK(done.error->stage == stage);
    return done;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

TEST_CASE("the address that was resolved is asked, whichever address and port the URL names") {
    Loop loop;
    const LoopbackServer server(loop, answers(http_answer("203 Fine", "")));
    for (const std::string& url : {server.url(), "http://127.0.0.1:1/"s, "http://127.0.0.2:1/"s,
                                   "http://[::1]:1/"s, "http://nowhere.example/"s}) {
        CAPTURE(url);
        HttpRequest request = request_to(server);
        REQUIRE(request.set_url(url).has_value());
        CHECK(exchange(loop, request).status == 203);
    }
}

TEST_CASE("an answer comes back whole, with its phases") {
    Loop loop;
    LoopbackServer server(loop,
                          answers(http_answer("203 Fine", "Welcome", "X-A: 1\r\nx-a:  2 \r\n")));
    const HttpExchange done = exchange(loop, request_to(server));
    REQUIRE(!done.error.has_value());
    CHECK(done.status == 203);
    CHECK(done.version == "1.1");
    CHECK(done.body == "Welcome");
    CHECK(!done.body_cut);
    CHECK(std::ranges::count(done.headers, std::pair<std::string, std::string>("x-a", "2")) == 1);
    CHECK(done.phases.connect > 0us);
    CHECK(done.phases.first_byte > 0us);
    CHECK(done.phases.tls == 0us);
    CHECK(!done.certificate.has_value());
}

TEST_CASE("a request says what it was told to say and nothing libcurl adds by itself") {
    Loop loop;
    std::string seen;
    LoopbackServer server(loop, [&](Peer& peer) {
        if (!peer.received.ends_with("hello")) return;
        seen = peer.received;
        peer.send(http_answer("200 OK", ""));
    });
    HttpRequest request = request_to(server);
    REQUIRE(request.set_url("http://www.example.com/a?b").has_value());
    request.method = "PUT";
    request.headers = {{"X-Empty", ""}, {"X-Token", "abc"}};
    request.body = std::string(5000, 'x') + "hello";
    CHECK(!exchange(loop, request).error.has_value());
    CHECK(seen.starts_with("PUT /a?b HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: picket/"));
    CHECK(contains(seen, "\r\nX-Empty:\r\n"));
    CHECK(contains(seen, "\r\nX-Token: abc\r\n"));
    CHECK(contains(seen, "\r\nContent-Length: 5005\r\n"));
    CHECK(!contains(seen, "Expect"));
    CHECK(!contains(seen, "Content-Type"));
}

TEST_CASE("a HEAD request does not wait for a body") {
    Loop loop;
    LoopbackServer server(loop, [](Peer& peer) {
        if (contains(peer.received, "\r\n\r\n")) {
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
        }
    });
    HttpRequest request = request_to(server);
    request.method = "HEAD";
    const HttpExchange done = exchange(loop, request);
    CHECK(!done.error.has_value());
    CHECK(done.status == 200);
}

TEST_CASE("a refused connection says who refused") {
    Loop loop;
    HttpRequest request;
    request.address = testing::refusing_address();
    REQUIRE(request.set_url("http://www.example.com/").has_value());
    const HttpError error = failing_exchange(loop, request);
    CHECK(error.kind == HttpErrorKind::refused);
    CHECK(error.message == "connect " + to_text(request.address) + ": connection refused");
}

TEST_CASE("a silent server is a timeout that says how far it got") {
    Loop loop;
    LoopbackServer server(loop, [](Peer&) {});
    const HttpExchange done = time_out_in(loop, HttpStage::waiting, request_to(server));
    CHECK(contains(done.error->message, "connected, waiting for the first byte"));
    CHECK(done.phases.connect > 0us);
    CHECK(done.phases.first_byte > 0us);
    CHECK(done.phases.transfer == 0us);
}

TEST_CASE("a deadline that has passed is a timeout, not a hang") {
    Loop loop;
    LoopbackServer server(loop, [](Peer&) {});
    CHECK(failing_exchange(loop, request_to(server), -1s).kind == HttpErrorKind::timeout);
}

TEST_CASE("headers that never end are a timeout in the headers") {
    Loop loop;
    LoopbackServer server(loop, [](Peer& peer) {
        if (peer.events == 1) return;
        peer.send("HTTP/1.1 200 OK\r\nX-Slow: ");
        peer.drip("a", 1ms);
    });
    const HttpExchange done = time_out_in(loop, HttpStage::headers, request_to(server));
    CHECK(done.phases.transfer > 0us);
}

TEST_CASE("a body that drips past the deadline is a timeout in the body") {
    Loop loop;
    LoopbackServer server(loop, [](Peer& peer) {
        if (peer.events == 1) return;
        peer.send("HTTP/1.1 200 OK\r\n\r\n");
        peer.drip("b", 1ms);
    });
    CHECK(time_out_in(loop, HttpStage::body, request_to(server)).status == 200);
}

TEST_CASE("an endless body is cut at the limit, and that is a success") {
    Loop loop;
    LoopbackServer server(loop, [](Peer& peer) {
        if (peer.events == 1) return;
        peer.send("HTTP/1.1 200 OK\r\n\r\n");
        peer.send_for_ever(std::string(10'000, 'z'));
    });
    HttpRequest request = request_to(server);
    request.body_bytes_max = 25'000;
    const HttpExchange done = exchange(loop, request);
    CHECK(!done.error.has_value());
    CHECK(done.body.size() == 25'000);
    CHECK(done.body_cut);
}

TEST_CASE("a body of exactly the limit is not cut") {
    Loop loop;
    LoopbackServer server(loop, answers(http_answer("200 OK", "12345")));
    HttpRequest request = request_to(server);
    request.body_bytes_max = 5;
    HttpExchange done = exchange(loop, request);
    CHECK(!done.error.has_value());
    CHECK(!done.body_cut);
    request.body_bytes_max = 4;
    done = exchange(loop, request);
    CHECK(!done.error.has_value());
    CHECK(done.body == "1234");
    CHECK(done.body_cut);
}

TEST_CASE("headers beyond their limit are a protocol error, however they come") {
    Loop loop;
    std::string endless;
    std::string status = "200 OK";
    LoopbackServer server(loop, [&](Peer& peer) {
        if (peer.events != 2) return;
        peer.send("HTTP/1.1 " + status + "\r\nX-First: ");
        peer.send_for_ever(endless);
    });
    endless = "1\r\nX-Other: ";
    HttpError error = failing_exchange(loop, request_to(server));
    CHECK(error.kind == HttpErrorKind::protocol);
    CHECK(contains(error.message, "exceed 65536 bytes"));
    endless = std::string(10'000, 'h');
    error = failing_exchange(loop, request_to(server));
    CHECK(error.kind == HttpErrorKind::protocol);
    CHECK(contains(error.message, "too long"));
    status = "103 Early Hints";
    endless = "1\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Other: ";
    error = failing_exchange(loop, request_to(server));
    CHECK(error.kind == HttpErrorKind::protocol);
    CHECK(contains(error.message, "exceed 65536 bytes"));
}

TEST_CASE("a connection that ends early says where it ended") {
    Loop loop;
    std::string bytes;
    LoopbackServer server(loop, [&](Peer& peer) {
        if (peer.events != 2) return;
        peer.send(bytes);
        peer.close();
    });
    const auto error_after = [&](std::string sent) {
        bytes = std::move(sent);
        return failing_exchange(loop, request_to(server));
    };
    HttpError error = error_after("");
    CHECK(error.kind == HttpErrorKind::protocol);
    CHECK(error.message == server.text() + " closed the connection without an answer");
    error = error_after("HTTP/1.1 200 OK\r\nX-A: 1\r\n");
    CHECK(error.kind == HttpErrorKind::protocol);
    CHECK(contains(error.message, "in the middle of the headers"));
    error = error_after("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1234");
    CHECK(error.kind == HttpErrorKind::protocol);
    CHECK(contains(error.message, "after 4 bytes of the body of 10"));
    error = error_after("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n12");
    CHECK(error.kind == HttpErrorKind::protocol);
}

TEST_CASE("a half-closed connection is an answer that never comes") {
    Loop loop;
    LoopbackServer server(loop, [](Peer& peer) {
        if (peer.events == 1) peer.half_close();
    });
    const HttpError error = failing_exchange(loop, request_to(server));
    CHECK(error.kind == HttpErrorKind::protocol);
    CHECK(contains(error.message, "without an answer"));
}

TEST_CASE("a reset before the first byte is a refusal, later a broken answer") {
    Loop loop;
    std::string first;
    LoopbackServer server(loop, [&](Peer& peer) {
        if (peer.events != 2) return;
        peer.send(first);
        if (first.empty()) peer.reset();
    });
    const HttpError at_once = failing_exchange(loop, request_to(server));
    CHECK(at_once.kind == HttpErrorKind::refused);
    CHECK(contains(at_once.message, "waiting for the first byte"));

    // The client has read the first bytes before the reset, or they would be lost.
    first = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1";
    HttpClient client(loop);
    std::optional<HttpExchange> result;
    const auto transfer = client.start(request_to(server), monotonic_now() + 60s,
                                       [&](HttpExchange done) { result = std::move(done); });
    Timer reset(loop, [&] { server.peers().back()->reset(); });
    run_until(loop, [&] { return server.peers().size() == 2 && server.peers()[1]->events == 2; });
    reset.set(monotonic_now() + 50ms);
    REQUIRE(run_until(loop, [&] { return result.has_value(); }));
    REQUIRE(result->error.has_value());
    CHECK(result->error->kind == HttpErrorKind::protocol);
    CHECK(contains(result->error->message, "receiving the body"));
}

TEST_CASE("what does not speak HTTP is a protocol error") {
    Loop loop;
    LoopbackServer server(loop, [](Peer& peer) { peer.send("220 mail.example.com ESMTP\r\n"); });
    const HttpError error = failing_exchange(loop, request_to(server));
    CHECK(error.kind == HttpErrorKind::protocol);
}

TEST_CASE("a request that HTTP cannot carry is our own fault, and is told later") {
    Loop loop;
    LoopbackServer server(loop, answers(http_answer("200 OK", "")));
    HttpRequest request = request_to(server);
    request.headers = {{"X-A", "1\r\nX-B: 2"}};
    CHECK(failing_exchange(loop, request).kind == HttpErrorKind::local);
    CHECK(!request.set_url("gopher://127.0.0.1/").has_value());
    CHECK(request.url == server.url());
}

TEST_CASE("a source address is used, and one that is not ours is our own fault") {
    Loop loop;
    LoopbackServer server(loop, answers(http_answer("200 OK", "")));
    HttpRequest request = request_to(server);
    request.source = parse_ip("127.0.0.9").value();
    CHECK(!exchange(loop, request).error.has_value());
    request.source = parse_ip("192.0.2.1").value();
    const HttpError error = failing_exchange(loop, request);
    CHECK(error.kind == HttpErrorKind::local);
    CHECK(error.message == "bind source 192.0.2.1: cannot assign requested address");
}

TEST_CASE("a destroyed transfer is never heard of again") {
    Loop loop;
    LoopbackServer server(loop, [](Peer& peer) { peer.send("HTTP/1.1 200"); });
    HttpClient client(loop);
    auto transfer = client.start(request_to(server), monotonic_now() + 60s,
                                 [](const HttpExchange&) { FAIL("answered"); });
    REQUIRE(run_until(loop, [&] { return !server.peers().empty(); }));
    transfer.reset();
    CHECK(run_until(loop, [&] { return server.peers()[0]->ended; }));
    transfer = client.start(request_to(server), monotonic_now() + 60s,
                            [](const HttpExchange&) { FAIL("answered"); });
    transfer.reset();
    HttpRequest bad = request_to(server);
    bad.headers = {{"X-A", "1\r\nX-B: 2"}};
    transfer =
        client.start(bad, monotonic_now() + 60s, [](const HttpExchange&) { FAIL("answered"); });
    transfer.reset();
    loop.run_ready();
}

TEST_CASE("a transfer may be destroyed, and another started, from within its answer") {
    Loop loop;
    LoopbackServer server(loop, answers(http_answer("200 OK", "x")));
    HttpClient client(loop);
    std::unique_ptr<HttpTransfer> first;
    std::unique_ptr<HttpTransfer> second;
    bool answered = false;
    first = client.start(request_to(server), monotonic_now() + 60s, [&](const HttpExchange&) {
        first.reset();
        second = client.start(request_to(server), monotonic_now() + 60s,
                              [&](const HttpExchange& done) { answered = done.status == 200; });
    });
    CHECK(run_until(loop, [&] { return answered; }));
}

TEST_CASE("a transfer may be destroyed from within the answer of another") {
    Loop loop;
    LoopbackServer server(loop, answers(http_answer("200 OK", "x")));
    HttpClient client(loop);
    std::vector<std::unique_ptr<HttpTransfer>> transfers(20);
    int answered = 0;
    for (auto& transfer : transfers) {
        transfer =
            client.start(request_to(server), monotonic_now() + 60s, [&](const HttpExchange&) {
                ++answered;
                transfers.clear();
            });
    }
    CHECK(run_until(loop, [&] { return answered > 0; }));
    loop.run_ready();
    CHECK(answered == 1);
}

TEST_CASE("many transfers at once are each answered") {
    Loop loop;
    LoopbackServer server(loop, [](Peer& peer) {
        if (!contains(peer.received, "\r\n\r\n")) return;
        const std::size_t path = peer.received.find('/');
        peer.send(http_answer("200 OK",
                              peer.received.substr(path, peer.received.find(' ', path) - path)));
    });
    HttpClient client(loop);
    std::vector<std::unique_ptr<HttpTransfer>> transfers;
    int right = 0;
    for (int i = 0; i < 100; ++i) {
        HttpRequest request = request_to(server);
        const std::string path = "/" + std::to_string(i);
        REQUIRE(request.set_url(server.url(path)).has_value());
        transfers.push_back(client.start(
            request, monotonic_now() + 60s,
            [&right, path](const HttpExchange& done) { right += done.body == path ? 1 : 0; }));
    }
    CHECK(run_until(loop, [&] { return right == 100; }));
}

TEST_CASE("a certificate that its own ca_file vouches for is accepted and described") {
    Loop loop;
    const testing::TestTls tls({.days_until = 30});
    LoopbackServer server(loop, answers(http_answer("200 OK", "secret")), tls.context());
    const HttpExchange done = exchange(loop, tls_request_to(server, tls.pem_path()));
    REQUIRE(!done.error.has_value());
    CHECK(done.body == "secret");
    CHECK(done.phases.connect + done.phases.tls > 0us);
    REQUIRE(done.certificate.has_value());
    CHECK(done.certificate->subject == "CN=localhost");
    CHECK(done.certificate->issuer == "CN=localhost");
    const Duration left = done.certificate->not_after - wall_now();
    CHECK(left > 29 * 24h);
    CHECK(left <= 30 * 24h);
}

TEST_CASE("a certificate that nobody vouches for, is old, or is another's does not pass") {
    Loop loop;
    const testing::TestTls good;
    const testing::TestTls expired({.days_from = -40, .days_until = -3});
    const testing::TestTls other({.name = "other.example.com"});
    const auto error_of = [&](const testing::TestTls& tls, const std::string& ca_file) {
        LoopbackServer server(loop, answers(http_answer("200 OK", "")), tls.context());
        const HttpExchange done = exchange(loop, tls_request_to(server, ca_file));
        REQUIRE(done.error.has_value());
        CHECK(done.certificate.has_value());
        CHECK(done.error->kind == HttpErrorKind::certificate);
        return done.error->message;
    };
    CHECK(contains(error_of(good, other.pem_path()), "certificate of localhost: self-signed"));
    CHECK(contains(error_of(expired, expired.pem_path()),
                   "certificate of localhost: certificate has expired (subject CN=localhost"));
    CHECK(contains(error_of(other, other.pem_path()),
                   "certificate of localhost: is not for that name (subject CN=other.example.com"));
}

TEST_CASE("without verification any certificate passes, and is still described") {
    Loop loop;
    const testing::TestTls tls({.name = "other", .days_from = -40, .days_until = -3});
    LoopbackServer server(loop, answers(http_answer("200 OK", "")), tls.context());
    HttpRequest request = tls_request_to(server, "");
    request.tls.verify = false;
    const HttpExchange done = exchange(loop, request);
    REQUIRE(!done.error.has_value());
    REQUIRE(done.certificate.has_value());
    CHECK(done.certificate->not_after < wall_now());
}

TEST_CASE("a TLS name of its own is verified in place of the URL's host") {
    Loop loop;
    const testing::TestTls tls({.name = "inner.example.com"});
    std::string seen;
    LoopbackServer server(
        loop,
        [&](Peer& peer) {
            if (!contains(peer.received, "\r\n\r\n")) return;
            seen = peer.received;
            peer.send(http_answer("200 OK", ""));
        },
        tls.context());
    HttpRequest request = tls_request_to(server, tls.pem_path());
    REQUIRE(request.set_url("https://outer.example.com:8443/x").has_value());
    request.tls.server_name = "inner.example.com";
    CHECK(!exchange(loop, request).error.has_value());
    CHECK(contains(seen, "GET /x HTTP/1.1\r\nHost: outer.example.com:8443\r\n"));
}

TEST_CASE("what one exchange trusts, the next does not") {
    Loop loop;
    const testing::TestTls one;
    const testing::TestTls other;
    LoopbackServer first(loop, answers(http_answer("200 OK", "")), one.context());
    LoopbackServer second(loop, answers(http_answer("200 OK", "")), other.context());
    HttpClient client(loop);
    const auto trusted = [&](const LoopbackServer& server, const std::string& ca_file) {
        std::optional<HttpExchange> result;
        const auto transfer = client.start(tls_request_to(server, ca_file), monotonic_now() + 60s,
                                           [&](HttpExchange done) { result = std::move(done); });
        REQUIRE(run_until(loop, [&] { return result.has_value(); }));
        return !result->error.has_value();
    };
    for (int i = 0; i < 2; ++i) {
        CHECK(trusted(first, one.pem_path()));
        CHECK_FALSE(trusted(second, one.pem_path()));
        CHECK(trusted(second, other.pem_path()));
        CHECK_FALSE(trusted(first, other.pem_path()));
        CHECK_FALSE(trusted(first, ""));
    }
}

TEST_CASE("a ca_file that cannot be read is our own fault") {
    Loop loop;
    const testing::TestTls tls;
    LoopbackServer server(loop, answers(http_answer("200 OK", "")), tls.context());
    const HttpError error = failing_exchange(loop, tls_request_to(server, "/nowhere/ca.pem"));
    CHECK(error.kind == HttpErrorKind::local);
    CHECK(contains(error.message, "ca_file /nowhere/ca.pem"));
}

TEST_CASE("a server that does not speak TLS fails the handshake, a silent one times out in it") {
    Loop loop;
    LoopbackServer plain(loop, [](Peer& peer) {
        if (!peer.received.empty()) peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    const testing::TestTls tls;
    const HttpError error = failing_exchange(loop, tls_request_to(plain, tls.pem_path()));
    CHECK(error.kind == HttpErrorKind::tls);
    CHECK(error.message == "TLS handshake with " + plain.text() + ": wrong version number");
    LoopbackServer silent(loop, [](Peer&) {});
    const HttpExchange done =
        time_out_in(loop, HttpStage::handshaking, tls_request_to(silent, tls.pem_path()));
    CHECK(done.phases.connect > 0us);
    CHECK(done.phases.tls > 0us);
}

}  // namespace
}  // namespace picket::io
