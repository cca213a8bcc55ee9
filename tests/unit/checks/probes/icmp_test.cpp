#include "checks/probes/icmp.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "agent/base/assert.h"
#include "agent/io/poll.h"
#include "agent/io/sockaddr.h"
#include "tests/support/fake_dns_server.h"
#include "tests/support/network_namespace.h"
#include "tests/support/probe_run.h"

namespace picket::checks {
namespace {

using namespace std::chrono_literals;
using testing::in_network_namespace;
using testing::Loopback;
using testing::PingSockets;

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
    testing::SharedServices services{loop};

    Outcome ask(const Definition& definition, Duration timeout = 60s) {
        const auto probe = make_icmp_probe(definition, services.get());
        return testing::run_probe(loop, *probe, timeout);
    }
};

// Asks with ever longer time-outs until the outcome is the one: whether all packets go out in a
// short time is the machine's affair.
Outcome ask_until(const std::function<Outcome(Duration timeout)>& ask,
                  const std::function<bool(const Outcome&)>& is_it) {
    Outcome outcome;
    for (Duration timeout = 100ms; timeout < 30s; timeout *= 4) {
        outcome = ask(timeout);
        if (is_it(outcome)) break;
    }
    return outcome;
}

// Sees every ping that goes over loopback and sends in its target's place.
class Impostor {
public:
    using OnRequest = std::function<void(Impostor&, testing::Bytes packet)>;

    Impostor(io::Loop& loop, OnRequest on_request)
        : fd_(socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP)) {
        PICKET_ASSERT(fd_ >= 0);
        poll_.emplace(loop, fd_, [this, on_request = std::move(on_request)](int) {
            testing::Bytes packet(2048);
            const ssize_t size = recv(fd_, packet.data(), packet.size(), 0);
            if (size < 28 || packet[20] != 8) return;
            packet.resize(static_cast<std::size_t>(size));
            on_request(*this, std::move(packet));
        });
        poll_->watch(UV_READABLE);
    }
    ~Impostor() {
        poll_.reset();
        close(fd_);
    }
    Impostor(const Impostor&) = delete;
    Impostor& operator=(const Impostor&) = delete;

    // Writes `header` over the start of an echo message, to give it another type.
    void send(const testing::Bytes& header, std::span<const std::uint8_t> rest) {
        testing::Bytes message = header;
        message.insert(message.end(), rest.begin(), rest.end());
        std::uint32_t sum = 0;
        for (std::size_t i = 0; i < message.size(); ++i)
            sum += std::uint32_t{message[i]} << (i % 2 == 0 ? 8 : 0);
        while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
        message[2] = static_cast<std::uint8_t>(~sum >> 8);
        message[3] = static_cast<std::uint8_t>(~sum);
        const auto target = io::to_kernel({*parse_ip("127.0.0.1"), 0});
        PICKET_ASSERT(sendto(fd_, message.data(), message.size(), 0, target.get(), target.length) ==
                      static_cast<ssize_t>(message.size()));
    }

private:
    int fd_;
    std::optional<io::Poll> poll_;
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
    CHECK(outcome.latency < 60s);  // It is no sum of times.
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
            definition.query.as<IcmpQuery>().size = size;
            CHECK(bench.ask(definition).finding == Finding::passed);
        }
    });
}

TEST_CASE("a name is resolved and shown with its address") {
    in_network_namespace(Loopback::up, PingSockets::raw, [] {
        Bench bench;
        testing::FakeDnsServer server(bench.loop,
                                      testing::always({.records = {{1, {127, 0, 0, 3}}}}));
        Definition definition = about("db.example.com");
        definition.resolver = server.text();
        definition.family = Family::v4;
        const Outcome outcome = bench.ask(definition);
        CHECK(outcome.finding == Finding::passed);
        CHECK(outcome.message.starts_with("ping db.example.com (127.0.0.3): 3 of 3 answered"));
        CHECK(outcome.address == "127.0.0.3");

        testing::FakeDnsServer missing(bench.loop, testing::always({.rcode = 3}));
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

TEST_CASE("a target that keeps silent is a timeout at the deadline") {
    in_network_namespace(Loopback::up, PingSockets::raw, [] {
        testing::silence_pings();
        const Outcome outcome =
            ask_until([](Duration timeout) { return Bench().ask(about("127.0.0.1"), timeout); },
                      [](const Outcome& last) {
                          return testing::contains(last.message, "0 of 3 packets answered within ");
                      });
        CHECK(outcome.finding == Finding::failed);
        CHECK(outcome.failure_class == FailureClass::timeout);
        CHECK(outcome.message.starts_with("ping 127.0.0.1: 0 of 3 packets answered within "));
    });
}

TEST_CASE("a host that is said to be unreachable is waited for no longer") {
    in_network_namespace(Loopback::up, PingSockets::raw, [] {
        testing::silence_pings();
        Bench bench;
        Impostor router(bench.loop, [](Impostor& self, const testing::Bytes& packet) {
            self.send({3, 1, 0, 0, 0, 0, 0, 0}, std::span(packet));
        });
        const Outcome outcome = bench.ask(about("127.0.0.1"), 60s);
        CHECK(outcome.finding == Finding::failed);
        CHECK(outcome.failure_class == FailureClass::unreachable);
        CHECK(outcome.message.ends_with(": 127.0.0.1 says no route to host"));
    });
}

TEST_CASE("a reply with another's identifier, payload or length is nobody's") {
    in_network_namespace(Loopback::up, PingSockets::raw, [] {
        testing::silence_pings();
        int forged = 0;
        const auto forge = [&](Impostor& self, testing::Bytes packet) {
            const auto echo = std::span(packet).subspan(20);
            const testing::Bytes header{0, 0, 0, 0, echo[4], echo[5], echo[6], echo[7]};
            const auto payload = echo.subspan(8);
            self.send(header, payload.first(payload.size() - 1));
            payload[0] ^= 1;
            self.send(header, payload);
            payload[0] ^= 1;
            testing::Bytes other_header = header;
            other_header[4] ^= 1;
            self.send(other_header, payload);
            ++forged;
            if (forged == 3) self.send(header, payload);
        };
        Definition definition = about("127.0.0.1");
        definition.query.as<IcmpQuery>().loss_above = 70;
        const Outcome outcome = ask_until(
            [&](Duration timeout) {
                Bench bench;
                forged = 0;
                const Impostor other(bench.loop, forge);
                return bench.ask(definition, timeout);
            },
            [](const Outcome& last) { return last.finding == Finding::passed; });
        CHECK(forged == 3);
        CHECK(outcome.finding == Finding::passed);
        CHECK(outcome.message.starts_with("ping 127.0.0.1: 1 of 3 answered"));
    });
}

TEST_CASE("a source address that is not ours is our own fault") {
    Bench bench;
    Definition definition = about("127.0.0.1");
    definition.source = "192.0.2.99";
    const Outcome outcome = bench.ask(definition);
    CHECK(outcome.finding == Finding::errored);
    CHECK(outcome.message == "ping 127.0.0.1: bind 192.0.2.99: cannot assign requested address");
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
            definition.query.as<IcmpQuery>().packets = 20;
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
    definition.query.as<IcmpQuery>().packets = 1000;
    const auto probe = make_icmp_probe(definition, bench.services.get());
    const Instant now = io::monotonic_now();
    probe->start(now, now + 60s, [](const Outcome&) { FAIL("answered"); });
    // The first turns look the address up and send.
    for (int i = 0; i < 5; ++i) bench.loop.run_ready();
    probe->cancel();
    definition.query.as<IcmpQuery>().packets = 3;
    CHECK(testing::run_probe(bench.loop, *probe, 60s).finding == Finding::passed);
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
