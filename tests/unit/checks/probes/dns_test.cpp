#include "checks/probes/dns.h"

#include <doctest/doctest.h>

#include <memory>

#include "checks/probes/dns_judgement.h"
#include "tests/support/fake_dns_server.h"
#include "tests/support/loopback_server.h"
#include "tests/support/probe_run.h"

namespace picket::checks {
namespace {

using namespace std::chrono_literals;
using testing::always;
using testing::Bytes;
using testing::FakeDnsServer;

const Bytes first_address{192, 0, 2, 1};
const Bytes second_address{192, 0, 2, 2};

Definition about(std::string name, const std::string& server) {
    DnsQuery query;
    query.name = {name, name};
    query.server = {server, server};
    Definition definition;
    definition.name = "names";
    definition.query = query;
    return definition;
}

DnsQuery& query_of(Definition& definition) {
    return definition.query.as<DnsQuery>();
}

struct Bench {
    io::Loop loop;
    testing::SharedServices services{loop};

    Outcome ask(const Definition& definition, Duration timeout = 60s) {
        const auto probe = make_dns_probe(definition, services.get());
        return testing::run_probe(loop, *probe, timeout);
    }
};

TEST_CASE("a right answer passes, with what came and how long it took") {
    Bench bench;
    FakeDnsServer server(bench.loop,
                         always({.records = {{1, first_address, 300}, {1, second_address, 60}}}));
    Definition definition = about("www.example.com", server.text());
    query_of(definition).answers = {"192.0.2.2", "192.0.2.1"};
    query_of(definition).answers_match = R"(^192\.0\.2\.)";
    definition.latency = 60s;
    const Outcome outcome = bench.ask(definition);
    CHECK(outcome.finding == Finding::passed);
    CHECK(outcome.message ==
          "NOERROR for www.example.com A from " + server.text() + ": 192.0.2.1, 192.0.2.2");
    CHECK(outcome.address == server.text());
    CHECK(outcome.latency > Duration{0});
    CHECK(outcome.expectations.size() == 8);
    for (const Expectation& expectation : outcome.expectations) CHECK(expectation.met);
    REQUIRE(outcome.metrics.size() == 2);
    CHECK(outcome.metrics[0].value == 2);
    CHECK(outcome.metrics[1].value == 60);
    REQUIRE(outcome.phases.size() == 2);
    CHECK(outcome.phases[0].name == "resolve");
    CHECK(outcome.phases[1].name == "first_byte");
    CHECK(outcome.phases[1].start + outcome.phases[1].length <= outcome.latency);
}

TEST_CASE("a wrong rcode fails by its status") {
    Bench bench;
    FakeDnsServer server(bench.loop, always({.rcode = 3}));
    const Outcome outcome = bench.ask(about("www.example.com", server.text()));
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.failure_class == FailureClass::status);
    CHECK(outcome.message ==
          "NXDOMAIN for www.example.com A from " + server.text() + ", expected NOERROR");
}

TEST_CASE("a name that must not exist passes when it does not") {
    Bench bench;
    FakeDnsServer server(bench.loop, always({.rcode = 3}));
    Definition definition = about("www.example.com", server.text());
    query_of(definition).rcode = {"NXDOMAIN"};
    CHECK(bench.ask(definition).finding == Finding::passed);
}

TEST_CASE("a name without a record of the type asked for fails") {
    Bench bench;
    FakeDnsServer empty(bench.loop, always({}));
    Outcome outcome = bench.ask(about("www.example.com", empty.text()));
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.failure_class == FailureClass::content);
    CHECK(outcome.message ==
          "no A record: www.example.com A from " + empty.text() + " answered with nothing");

    FakeDnsServer alias(bench.loop, always({.records = {{5, testing::dns_name("cdn.example")}}}));
    outcome = bench.ask(about("www.example.com", alias.text()));
    CHECK(outcome.failure_class == FailureClass::content);
    CHECK(outcome.message ==
          "no A record: www.example.com A from " + alias.text() + " answered with cdn.example");
}

TEST_CASE("a missing answer fails and says what came instead") {
    Bench bench;
    FakeDnsServer server(bench.loop, always({.records = {{1, first_address}}}));
    Definition definition = about("www.example.com", server.text());
    query_of(definition).answers = {"192.0.2.1", "192.0.2.9"};
    const Outcome outcome = bench.ask(definition);
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.failure_class == FailureClass::content);
    CHECK(outcome.message ==
          "www.example.com A from " + server.text() + ": 192.0.2.1, expected 192.0.2.9");
}

TEST_CASE("one answer that does not match fails") {
    Bench bench;
    FakeDnsServer server(bench.loop, always({.records = {{5, testing::dns_name("cdn.example")},
                                                         {1, first_address},
                                                         {1, {10, 0, 0, 1}}}}));
    Definition definition = about("www.example.com", server.text());
    query_of(definition).answers_match = R"(^192\.)";
    const Outcome outcome = bench.ask(definition);
    CHECK(outcome.failure_class == FailureClass::content);
    CHECK(outcome.message ==
          "www.example.com A from " + server.text() + R"(: 10.0.0.1 does not match ^192\.)");
}

TEST_CASE("a truncated answer fails over UDP and says what to write") {
    Bench bench;
    FakeDnsServer server(bench.loop, [](const testing::FakeQuestion& question) {
        return std::vector<Bytes>{testing::dns_answer(
            question.bytes, {.records = {{1, first_address}}, .truncated = !question.tcp})};
    });
    Definition definition = about("www.example.com", server.text());
    const Outcome outcome = bench.ask(definition);
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.failure_class == FailureClass::protocol);
    CHECK(outcome.message == "the answer for www.example.com A from " + server.text() +
                                 " is truncated over UDP: use transport = \"tcp\"");
    query_of(definition).transport = DnsTransport::tcp;
    CHECK(bench.ask(definition).finding == Finding::passed);
}

TEST_CASE("an answer too late for its latency fails as that") {
    Bench bench;
    FakeDnsServer server(bench.loop, always({.records = {{1, first_address}}}));
    Definition definition = about("www.example.com", server.text());
    definition.latency = Duration{1};
    CHECK(bench.ask(definition).failure_class == FailureClass::latency);
}

TEST_CASE("silence, refusal and nonsense are three failures") {
    Bench bench;
    FakeDnsServer silent(bench.loop, testing::silence());
    Outcome outcome = bench.ask(about("www.example.com", silent.text()), 50ms);
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.failure_class == FailureClass::timeout);

    const std::string closed = to_text(testing::refusing_address());
    outcome = bench.ask(about("www.example.com", closed));
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.failure_class == FailureClass::refused);
    CHECK(outcome.message == "look up www.example.com A at " + closed + ": connection refused");
    CHECK(outcome.address == closed);

    FakeDnsServer nonsense(bench.loop, always({.records = {{1, {1}}}}));
    outcome = bench.ask(about("www.example.com", nonsense.text()));
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.failure_class == FailureClass::protocol);
}

TEST_CASE("the server's own name is looked up at the check's resolver") {
    Bench bench;
    FakeDnsServer server(bench.loop, always({.records = {{1, {127, 0, 0, 1}}}}));
    Definition definition =
        about("www.example.com", "ns.example.com:" + std::to_string(server.address().port));
    definition.resolver = server.text();
    definition.family = Family::v4;
    const Outcome outcome = bench.ask(definition);
    CHECK(outcome.finding == Finding::passed);
    CHECK(outcome.address == server.text());
    REQUIRE(server.asked().size() == 2);
    CHECK(server.asked()[0].name == "ns.example.com");
    CHECK(server.asked()[1].name == "www.example.com");

    FakeDnsServer missing(bench.loop, always({.rcode = 3}));
    definition.resolver = missing.text();
    const Outcome failed = bench.ask(definition);
    CHECK(failed.finding == Finding::failed);
    CHECK(failed.failure_class == FailureClass::dns);
    CHECK(failed.message == "look up ns.example.com at " + missing.text() + ": NXDOMAIN");
}

TEST_CASE("without a server the system's are asked, the next where one gives no answer") {
    const SocketAddress closed = testing::refusing_address();
    io::Loop loop;
    FakeDnsServer silent(loop, testing::silence());
    FakeDnsServer server(loop, always({.records = {{1, first_address}}}));
    FakeDnsServer never_asked(loop, testing::silence());
    testing::SharedServices services(
        loop, {closed, silent.address(), server.address(), never_asked.address()});
    const Definition definition = about("www.example.com", "");
    const auto probe = make_dns_probe(definition, services.get());
    const Outcome outcome = testing::run_probe(loop, *probe, 3s);
    CHECK(outcome.finding == Finding::passed);
    CHECK(outcome.address == server.text());
    CHECK_FALSE(silent.asked().empty());
    CHECK(never_asked.asked().empty());
    CHECK(outcome.phases.size() == 3);
}

TEST_CASE("a system server's wrong answer is an answer: the next is not asked") {
    io::Loop loop;
    FakeDnsServer wrong(loop, always({.rcode = 2}));
    FakeDnsServer never_asked(loop, always({.records = {{1, first_address}}}));
    testing::SharedServices services(loop, {wrong.address(), never_asked.address()});
    const Definition definition = about("www.example.com", "");
    const auto probe = make_dns_probe(definition, services.get());
    const Outcome outcome = testing::run_probe(loop, *probe, 60s);
    CHECK(outcome.failure_class == FailureClass::status);
    CHECK(never_asked.asked().empty());
}

TEST_CASE("what this agent cannot ask is not held against the server") {
    Bench bench;
    FakeDnsServer server(bench.loop, always({.records = {{1, first_address}}}));
    Definition definition = about("www.example.com", server.text());
    definition.source = "192.0.2.99";
    Outcome outcome = bench.ask(definition);
    CHECK(outcome.finding == Finding::errored);
    CHECK(outcome.failure_class == FailureClass::local);
    CHECK(outcome.message ==
          "look up www.example.com A at " + server.text() + ": cannot assign requested address");

    outcome = bench.ask(about("www..example.com", server.text()));
    CHECK(outcome.finding == Finding::errored);
    CHECK(server.asked().empty());
}

TEST_CASE("a cancelled run never answers, and the probe may ask again") {
    Bench bench;
    FakeDnsServer server(bench.loop, always({.records = {{1, first_address}}}));
    const Definition definition = about("www.example.com", server.text());
    const auto probe = make_dns_probe(definition, bench.services.get());
    const Instant now = io::monotonic_now();
    probe->start(now, now + 3s, [](Outcome) { FAIL("answered"); });
    probe->cancel();
    CHECK(testing::run_probe(bench.loop, *probe, 60s).finding == Finding::passed);
    probe->start(now, now + 3s, [](Outcome) { FAIL("answered"); });
}

TEST_CASE("a dns probe may be destroyed from within its answer") {
    Bench bench;
    FakeDnsServer server(bench.loop, always({.records = {{1, first_address}}}));
    const Definition definition = about("www.example.com", server.text());
    auto probe = make_dns_probe(definition, bench.services.get());
    const Instant now = io::monotonic_now();
    probe->start(now, now + 3s, [&](Outcome) {
        probe.reset();
        bench.loop.stop();
    });
    bench.loop.run();
    CHECK(probe == nullptr);
}

TEST_CASE("answers are compared as DNS compares them") {
    CHECK(same_answer({"A", "192.0.2.1"}, "192.0.2.1"));
    CHECK_FALSE(same_answer({"A", "192.0.2.1"}, "192.0.2.10"));
    CHECK(same_answer({"AAAA", "2001:db8::1"}, "2001:0DB8:0::1"));
    CHECK(same_answer({"MX", "10 mail.example.com"}, "10 Mail.Example.com."));
    CHECK(same_answer({"MX", "0 ."}, "0 ."));
    CHECK_FALSE(same_answer({"MX", "10 mail.example.com"}, "20 mail.example.com"));
    CHECK(same_answer({"SOA", "ns.example root.example 1 2 3 4 5"},
                      "ns.example. root.example. 1 2 3 4 5"));
    CHECK(same_answer({"TXT", R"("v=spf1" " -all")"}, "v=spf1 -all"));
    CHECK(same_answer({"TXT", R"("v=spf1 -all")"}, R"("v=spf1 -all")"));
    CHECK_FALSE(same_answer({"TXT", R"("V=spf1 -all")"}, "v=spf1 -all"));
    CHECK_FALSE(same_answer({"CAA", R"(0 issue "ca.example")"}, R"(0 issue "CA.example")"));
}

}  // namespace
}  // namespace picket::checks
