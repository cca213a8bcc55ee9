#include "checks/probes/tls.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/loopback_server.h"
#include "tests/support/probe_run.h"
#include "tests/support/test_certificate.h"

namespace picket::checks {
namespace {

using namespace std::chrono_literals;
using testing::contains;
using testing::LoopbackServer;
using testing::ProbeBench;
using testing::TestTls;
using Peer = LoopbackServer::Peer;

Definition check_of(const LoopbackServer& server, const TestTls* trusted) {
    Definition definition;
    TlsQuery query;
    query.address = {server.text(), server.text()};
    query.tls.server_name = "localhost";
    if (trusted != nullptr) query.tls.ca_file = trusted->pem_path();
    definition.query = query;
    return definition;
}

TEST_CASE("a handshake passes, with its version, phases and address") {
    ProbeBench bench;
    TestTls certificate;
    LoopbackServer server(
        bench.loop, [](Peer&) {}, certificate.context());
    Definition check = check_of(server, &certificate);
    check.query.as<TlsQuery>().certificate_days = 20;
    check.query.as<TlsQuery>().chain_days = 20;
    const Outcome outcome = bench.ask(check);
    CHECK_MESSAGE(outcome.finding == Finding::passed, outcome.message);
    CHECK(outcome.message.starts_with("TLS 1.3 with " + server.text() + " in "));
    CHECK(outcome.address == server.text());
    REQUIRE(outcome.phases.size() == 2);
    CHECK(outcome.phases[1].name == "tls");
    CHECK(outcome.expectations.size() == 2);
}

TEST_CASE("a certificate that ends soon fails, with it as evidence") {
    ProbeBench bench;
    TestTls certificate({.days_until = 5});
    LoopbackServer server(
        bench.loop, [](Peer&) {}, certificate.context());
    Definition check = check_of(server, &certificate);
    check.query.as<TlsQuery>().certificate_days = 20;
    const Outcome outcome = bench.ask(check);
    CHECK(outcome.failure_class == FailureClass::certificate);
    CHECK(outcome.message.starts_with("certificate of localhost expires in 4 days ("));
    CHECK(contains(outcome.detail, "certificate: subject CN=localhost, issuer CN=localhost"));
}

TEST_CASE("what speaks no TLS, or nothing, says how far it got") {
    ProbeBench bench;
    LoopbackServer plain(bench.loop,
                         [](Peer& peer) { peer.send("220 hello, I speak no TLS\r\n"); });
    const Outcome wrong = bench.ask(check_of(plain, nullptr));
    CHECK(wrong.failure_class == FailureClass::tls);
    CHECK(wrong.message == "TLS handshake with " + plain.text() + ": wrong version number");
    LoopbackServer closing(bench.loop, [](Peer& peer) { peer.close(); });
    CHECK(bench.ask(check_of(closing, nullptr)).failure_class != FailureClass::none);
    LoopbackServer silent(bench.loop, [](Peer&) {});
    const std::string how_far = "connected, in the TLS handshake";
    const Outcome late = bench.ask_until_said(check_of(silent, nullptr), how_far);
    CHECK(late.failure_class == FailureClass::timeout);
    CHECK(contains(late.message, how_far));
}

TEST_CASE("an unusable ca_file is this agent's own fault") {
    ProbeBench bench;
    TestTls certificate;
    LoopbackServer server(
        bench.loop, [](Peer&) {}, certificate.context());
    Definition check = check_of(server, nullptr);
    check.query.as<TlsQuery>().tls.ca_file = "/nowhere.pem";
    const Outcome outcome = bench.ask(check);
    CHECK(outcome.finding == Finding::errored);
    CHECK(outcome.message == "ca_file /nowhere.pem: no such file or directory");
}

// Answers each line by the table, then says nothing more.
TEST_CASE("STARTTLS is asked for in each protocol's own words") {
    const std::string ldap_answer("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00", 14);
    const struct {
        StartTls protocol;
        std::vector<std::string> answers;  // The first one comes unasked.
    } protocols[] = {
        {StartTls::smtp, {"220-a\r\n220 b\r\n", "250-c\r\n250 d\r\n", "220 go\r\n"}},
        {StartTls::imap, {"* OK ready\r\n", "a OK go\r\n"}},
        {StartTls::pop3, {"+OK ready\r\n", "+OK go\r\n"}},
        {StartTls::ftp, {"220 ready\r\n", "234 go\r\n"}},
        {StartTls::ldap, {"", ldap_answer}},
        {StartTls::xmpp, {"", "<stream><features><starttls/></features>", "<proceed xmlns='x'/>"}},
        {StartTls::postgres, {"", "S"}},
    };
    for (const auto& [protocol, answers] : protocols) {
        CAPTURE(static_cast<int>(protocol));
        const auto script = starttls_script(protocol, "host");
        Dialogue dialogue(script);
        std::size_t next = 0;
        dialogue.on_bytes(answers[next++]);
        Dialogue::Next what = dialogue.next();
        while (what == Dialogue::Next::send || what == Dialogue::Next::wait) {
            if (what == Dialogue::Next::send) {
                CHECK_FALSE(dialogue.take_output().empty());
            } else {
                REQUIRE(next < answers.size());
                dialogue.on_bytes(answers[next++]);
            }
            what = dialogue.next();
        }
        CHECK(what == Dialogue::Next::secure);
        CHECK(next == answers.size());
    }
}

}  // namespace
}  // namespace picket::checks
