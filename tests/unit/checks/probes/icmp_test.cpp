#include "checks/probes/icmp.h"

#include <doctest/doctest.h>

#include <memory>

#include "tests/support/fake_dns_server.h"
#include "tests/support/network_namespace.h"
#include "tests/support/probe_run.h"

namespace picket::checks {
namespace {

using namespace std::chrono_literals;
using tests::in_network_namespace;
using tests::Loopback;
using tests::PingSockets;

Definition about(const std::string& address) {
    IcmpQuery query;
    query.address = {address, address};
    query.packet_interval = 1ms;
    Definition definition;
    definition.name = "ping";
    definition.query = query;
    return definition;
}

struct Bench {
    io::Loop loop;
    tests::ServicesWithoutHttp services{loop};

    Outcome ask(const Definition& definition, Duration timeout = 3s) {
        const auto probe = make_icmp_probe(definition, services.get());
        return tests::run_probe(loop, *probe, timeout);
    }
};

// All of what a run over loopback must show, whatever kind of socket carried it.
void check_answered(const Outcome& outcome, const std::string& address) {
    CAPTURE(outcome.message);
    CHECK(outcome.finding == Finding::passed);
    CHECK(outcome.message.starts_with("ping " + address + ": 3 of 3 answered, rtt "));
    CHECK(outcome.address == address);
    REQUIRE(outcome.metrics.size() == 5);
    CHECK(outcome.metrics[0].label == "loss");
    CHECK(outcome.metrics[0].value == 0);
    CHECK(outcome.metrics[1].value <= outcome.metrics[2].value);
    CHECK(outcome.metrics[2].value <= outcome.metrics[3].value);
    CHECK(outcome.latency < 1s);
    REQUIRE(outcome.phases.size() == 2);
    CHECK(outcome.phases[1].name == "first_byte");
    CHECK(outcome.expectations.size() == 1);
}

TEST_CASE("loopback answers pings over either kind of socket and either family") {
    for (const auto sockets : {PingSockets::datagram, PingSockets::raw}) {
        in_network_namespace(Loopback::up, sockets, [] {
            Bench bench;
            check_answered(bench.ask(about("127.0.0.1")), "127.0.0.1");
            check_answered(bench.ask(about("::1")), "::1");
        });
    }
}

TEST_CASE("every payload size is carried, none included") {
    in_network_namespace(Loopback::up, PingSockets::raw, [] {
        Bench bench;
        for (const std::uint32_t size : {0u, 1u, 7u, 9u, 1472u, 20'000u}) {
            CAPTURE(size);
            Definition definition = about("127.0.0.1");
            std::get<IcmpQuery>(definition.query).size = size;
            CHECK(bench.ask(definition).finding == Finding::passed);
        }
    });
}

TEST_CASE("a name is resolved and shown with its address") {
    in_network_namespace(Loopback::up, PingSockets::raw, [] {
        Bench bench;
        tests::FakeDnsServer server(bench.loop, tests::always({.records = {{1, {127, 0, 0, 3}}}}));
        Definition definition = about("db.example.com");
        definition.resolver = server.text();
        definition.family = Family::v4;
        const Outcome outcome = bench.ask(definition);
        CHECK(outcome.finding == Finding::passed);
        CHECK(outcome.message.starts_with("ping db.example.com (127.0.0.3): 3 of 3 answered"));
        CHECK(outcome.address == "127.0.0.3");

        tests::FakeDnsServer missing(bench.loop, tests::always({.rcode = 3}));
        definition.resolver = missing.text();
        const Outcome failed = bench.ask(definition);
        CHECK(failed.finding == Finding::failed);
        CHECK(failed.failure_class == FailureClass::dns);
    });
}

TEST_CASE("where neither kind of socket is permitted, the outcome says what to permit") {
    in_network_namespace(Loopback::up, PingSockets::none, [] {
        Bench bench;
        const Outcome outcome = bench.ask(about("127.0.0.1"));
        CHECK(outcome.finding == Finding::errored);
        CHECK(outcome.failure_class == FailureClass::local);
        CHECK(outcome.message.find("net.ipv4.ping_group_range") != std::string::npos);
        CHECK(outcome.message.find("CAP_NET_RAW") != std::string::npos);
    });
}

TEST_CASE("no route is unreachable, at once") {
    in_network_namespace(Loopback::down, PingSockets::raw, [] {
        Bench bench;
        const Outcome outcome = bench.ask(about("192.0.2.1"), 60s);
        CHECK(outcome.finding == Finding::failed);
        CHECK(outcome.failure_class == FailureClass::unreachable);
        CHECK(outcome.message == "ping 192.0.2.1: network is unreachable");
    });
}

TEST_CASE("a source address that is not ours is our own fault") {
    Bench bench;
    Definition definition = about("127.0.0.1");
    definition.source = "192.0.2.99";
    Outcome outcome = bench.ask(definition);
    CHECK(outcome.finding == Finding::errored);
    CHECK(outcome.message == "ping 127.0.0.1: bind 192.0.2.99: cannot assign requested address");
    definition.source = "::1";
    outcome = bench.ask(definition);
    CHECK(outcome.finding == Finding::errored);
    definition.source = "127.0.0.9";
    CHECK(bench.ask(definition).finding == Finding::passed);
}

TEST_CASE("a mean round trip over the latency fails as that") {
    Bench bench;
    Definition definition = about("127.0.0.1");
    definition.latency = Duration{0};
    const Outcome outcome = bench.ask(definition);
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.failure_class == FailureClass::latency);
    CHECK(outcome.expectations.size() == 2);
}

TEST_CASE("probes of one address at once keep their replies apart") {
    for (const auto sockets : {PingSockets::datagram, PingSockets::raw}) {
        in_network_namespace(Loopback::up, sockets, [] {
            Bench bench;
            Definition definition = about("127.0.0.1");
            std::get<IcmpQuery>(definition.query).packets = 20;
            std::vector<std::unique_ptr<Probe>> probes;
            int answered = 0;
            for (int i = 0; i < 10; ++i) {
                probes.push_back(make_icmp_probe(definition, bench.services.get()));
                const Instant now = io::monotonic_now();
                probes.back()->start(now, now + 30s, [&](const Outcome& outcome) {
                    CHECK(outcome.message.find("20 of 20 answered") != std::string::npos);
                    if (++answered == 10) bench.loop.stop();
                });
            }
            bench.loop.run();
            CHECK(answered == 10);
        });
    }
}

TEST_CASE("a cancelled ping never answers, and the probe may ask again") {
    Bench bench;
    Definition definition = about("127.0.0.1");
    std::get<IcmpQuery>(definition.query).packets = 1000;
    const auto probe = make_icmp_probe(definition, bench.services.get());
    const Instant now = io::monotonic_now();
    probe->start(now, now + 60s, [](const Outcome&) { FAIL("answered"); });
    // The first turns look the address up and send.
    for (int i = 0; i < 5; ++i) bench.loop.run_ready();
    probe->cancel();
    std::get<IcmpQuery>(definition.query).packets = 3;
    CHECK(tests::run_probe(bench.loop, *probe, 3s).finding == Finding::passed);
    probe->start(now, now + 60s, [](const Outcome&) { FAIL("answered"); });
    for (int i = 0; i < 5; ++i) bench.loop.run_ready();
}

TEST_CASE("an icmp probe may be destroyed from within its answer") {
    Bench bench;
    const Definition definition = about("127.0.0.1");
    auto probe = make_icmp_probe(definition, bench.services.get());
    const Instant now = io::monotonic_now();
    probe->start(now, now + 3s, [&](const Outcome&) {
        probe.reset();
        bench.loop.stop();
    });
    bench.loop.run();
    CHECK(probe == nullptr);
}

}  // namespace
}  // namespace picket::checks
