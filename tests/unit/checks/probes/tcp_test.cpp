#include "checks/probes/tcp.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "tests/support/loopback_server.h"
#include "tests/support/probe_run.h"

namespace picket::checks {
namespace {

using namespace std::chrono_literals;
using testing::contains;
using testing::LoopbackServer;
using testing::ProbeBench;
using Peer = LoopbackServer::Peer;

Definition tcp(const std::string& address, const std::string& expect = "",
               const std::string& send = "") {
    Definition definition;
    TcpQuery query;
    query.address = {address, address};
    query.send = {send, send};
    query.expect = expect;
    definition.query = query;
    return definition;
}

bool has_phase(const Outcome& outcome, std::string_view name) {
    return std::ranges::count(outcome.phases, name, &Phase::name) == 1;
}

TEST_CASE("an accepted connection is an answer") {
    ProbeBench bench;
    LoopbackServer server(bench.loop, [](Peer&) {});
    const Outcome outcome = bench.ask(tcp(server.text()));
    CHECK(outcome.finding == Finding::passed);
    CHECK(outcome.message == server.text() + " accepts connections");
    CHECK(outcome.address == server.text());
    CHECK(has_phase(outcome, "connect"));
    CHECK(!has_phase(outcome, "resolve"));
    CHECK(outcome.expectations.empty());
}

TEST_CASE("a connection that was there in time is an answer, however late it is looked at") {
    ProbeBench bench;
    LoopbackServer server(bench.loop, [](Peer&) {});
    const Definition definition = tcp(server.text());
    const auto probe = make_probe(definition, bench.services());
    std::optional<Outcome> outcome;
    const Instant now = io::monotonic_now();
    probe->start(now, now + 20ms, [&](Outcome found) { outcome = std::move(found); });
    ::poll(nullptr, 0, 100);
    REQUIRE(testing::run_until(bench.loop, [&] { return outcome.has_value(); }));
    CHECK(outcome->finding == Finding::passed);
}

TEST_CASE("a refused connection is refused, by name too") {
    ProbeBench bench;
    const std::string address = to_text(testing::refusing_address());
    Outcome outcome = bench.ask(tcp(address));
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.failure_class == FailureClass::refused);
    CHECK(outcome.message == "connect " + address + ": connection refused");
    CHECK(outcome.address == address);

    Definition by_name = tcp("localhost" + address.substr(address.find(':')));
    by_name.family = Family::v4;
    outcome = bench.ask(by_name);
    CHECK(outcome.failure_class == FailureClass::refused);
    CHECK(has_phase(outcome, "resolve"));
}

TEST_CASE("a name is resolved, and its next address asked where one refuses") {
    ProbeBench bench;
    LoopbackServer server(bench.loop, [](Peer&) {});
    // localhost is ::1 first, where nobody listens.
    const std::string port = std::to_string(server.address().port);
    const Outcome outcome = bench.ask(tcp("localhost:" + port));
    CHECK(outcome.finding == Finding::passed);
    CHECK(outcome.address == server.text());
    CHECK(has_phase(outcome, "resolve"));
}

TEST_CASE("a name that does not exist is a dns failure that names it") {
    ProbeBench bench;
    Definition definition = tcp("nowhere.invalid:80");
    definition.resolver = to_text(testing::refusing_address());
    const Outcome outcome = bench.ask(definition);
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.failure_class == FailureClass::dns);
    CHECK(contains(outcome.message, "nowhere.invalid"));
    CHECK(outcome.address.empty());
}

TEST_CASE("what is sent is answered, and the answer may come in pieces") {
    ProbeBench bench;
    LoopbackServer server(bench.loop, [](Peer& peer) {
        if (peer.received == "PING\r\n") peer.drip("+PONG\r\n", 1ms);
    });
    const Outcome outcome = bench.ask(tcp(server.text(), "PONG", "PING\r\n"));
    CHECK(outcome.finding == Finding::passed);
    CHECK(contains(outcome.message, "answered \"+PONG"));
    CHECK(has_phase(outcome, "first_byte"));
    CHECK(has_phase(outcome, "transfer"));
    REQUIRE(outcome.expectations.size() == 1);
    CHECK(outcome.expectations[0].what == "answer matches \"PONG\"");
    CHECK(outcome.expectations[0].met);
}

TEST_CASE("silence is a timeout that says how far it got") {
    ProbeBench bench;
    LoopbackServer server(bench.loop, [](Peer&) {});
    const Outcome outcome = bench.ask_until_said(tcp(server.text(), "220"), "connected");
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.failure_class == FailureClass::timeout);
    CHECK(outcome.message.starts_with("no answer from " + server.text() + " within "));
    CHECK(outcome.message.ends_with(" ms: connected, waiting for the first byte"));
    CHECK(has_phase(outcome, "first_byte"));
}

TEST_CASE("a wrong answer is quoted, whether the peer closes, waits or babbles") {
    ProbeBench bench;
    bool closes = true;
    LoopbackServer server(bench.loop, [&](Peer& peer) {
        if (peer.events > 1) return;
        peer.send("SSH-2.0-x\r\n");
        if (closes) peer.close();
    });
    Outcome outcome = bench.ask(tcp(server.text(), "^220"));
    CHECK(outcome.failure_class == FailureClass::content);
    CHECK(outcome.message ==
          server.text() +
              " closed the connection, no match for \"^220\" (first bytes: \"SSH-2.0-x??\")");
    CHECK(!outcome.expectations.at(0).met);
    closes = false;
    outcome = bench.ask_until_said(tcp(server.text(), "^220"), "sent 11 bytes within ");
    CHECK(outcome.failure_class == FailureClass::content);
    CHECK(contains(outcome.message, " ms, no match for \"^220\""));

    LoopbackServer endless(bench.loop, [](Peer& peer) {
        if (peer.events == 1) peer.send_for_ever(std::string(5000, '\xff'));
    });
    outcome = bench.ask(tcp(endless.text(), "^220"));
    CHECK(outcome.failure_class == FailureClass::content);
    CHECK(contains(outcome.message, "sent 65536 bytes, no match"));
}

TEST_CASE("a peer that closes without a word did not say what was expected") {
    ProbeBench bench;
    LoopbackServer server(bench.loop, [](Peer& peer) { peer.close(); });
    const Outcome outcome = bench.ask(tcp(server.text(), "220"));
    CHECK(outcome.failure_class == FailureClass::content);
    CHECK(outcome.message ==
          server.text() + " closed the connection without a word, expected \"220\"");
}

TEST_CASE("a reset before a byte is a refusal") {
    ProbeBench bench;
    LoopbackServer server(bench.loop, [](Peer& peer) {
        if (!peer.received.empty()) peer.reset();
    });
    const Outcome outcome = bench.ask(tcp(server.text(), "220", "EHLO\r\n"));
    CHECK(outcome.failure_class == FailureClass::refused);
    CHECK(contains(outcome.message, "connection reset by peer"));
}

TEST_CASE("a right answer too late fails by its latency") {
    ProbeBench bench;
    LoopbackServer server(bench.loop, [](Peer&) {});
    Definition definition = tcp(server.text());
    definition.latency = Duration(1);
    const Outcome outcome = bench.ask(definition);
    CHECK(outcome.failure_class == FailureClass::latency);
}

TEST_CASE("a source address that is not ours is our own fault") {
    ProbeBench bench;
    LoopbackServer server(bench.loop, [](Peer&) {});
    Definition definition = tcp(server.text());
    definition.source = "192.0.2.1";
    const Outcome outcome = bench.ask(definition);
    CHECK(outcome.finding == Finding::errored);
    CHECK(outcome.failure_class == FailureClass::local);
    CHECK(contains(outcome.message, "bind source 192.0.2.1"));
}

TEST_CASE("a cancelled or destroyed probe is silent, and can be asked again") {
    ProbeBench bench;
    LoopbackServer server(bench.loop, [](Peer& peer) { peer.send("220 hello\r\n"); });
    const Definition definition = tcp(server.text(), "220");
    const Definition by_name = tcp("localhost:" + std::to_string(server.address().port), "220");
    for (const Definition* asked : {&definition, &by_name}) {
        auto probe = make_probe(*asked, bench.services());
        const auto never = [](const Outcome&) { FAIL("answered"); };
        const Instant now = io::monotonic_now();
        probe->start(now, now + 10s, never);
        probe->cancel();
        probe->start(now, now + 10s, never);
        bench.loop.run_ready();
        probe->cancel();
        probe->cancel();
        CHECK(bench.ask(*probe).finding == Finding::passed);
        CHECK(bench.ask(*probe).finding == Finding::passed);
        probe->start(now, now + 10s, never);
        probe.reset();
        bench.loop.run_ready();
    }
}

TEST_CASE("a probe may be destroyed, or asked again, from within its answer") {
    ProbeBench bench;
    LoopbackServer server(bench.loop, [](Peer&) {});
    const Definition definition = tcp(server.text());
    auto probe = make_probe(definition, bench.services());
    int answers = 0;
    const auto start = [&](Probe::Done done) {
        const Instant now = io::monotonic_now();
        probe->start(now, now + 10s, std::move(done));
    };
    start([&](const Outcome&) {
        ++answers;
        start([&](const Outcome&) {
            probe.reset();
            ++answers;
        });
    });
    CHECK(testing::run_until(bench.loop, [&] { return answers == 2; }));
}

}  // namespace
}  // namespace picket::checks
