#include "gossip/spread/spread.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "tests/support/spread_net.h"

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;
using testing::SpreadNet;

FileBlob file(const std::string& name, std::uint64_t fingerprint = 1, std::uint64_t revision = 0) {
    Declaration declaration;
    declaration.name = name;
    declaration.type = "http";
    declaration.check = check_key(name);
    declaration.fingerprint = Fingerprint{fingerprint};
    declaration.interval_ms = 10'000;
    declaration.timeout_ms = 3'000;
    return {revision, {std::move(declaration)}};
}

const CheckKey homepage = check_key("homepage");

VerdictRecord verdict(std::uint32_t epoch, std::uint32_t sub = 0) {
    VerdictRecord record{.check = homepage, .epoch = epoch, .sub = sub};
    if (record.outage()) record.scope = OutageScope::total;
    return record;
}

// A mesh in which everybody carries the homepage, settled and counted.
struct Mesh5 : SpreadNet {
    explicit Mesh5(std::size_t agents = 5, std::uint64_t seed = 1, unsigned loss_percent = 0)
        : SpreadNet({.agents = agents, .seed = seed, .loss_percent = loss_percent}) {
        for (std::size_t agent = 0; agent < agents; ++agent) carry(agent, {file("homepage")});
        run_for(20s);
        roll_calls([](std::size_t) { return true; });
        run_for(20s);
    }
    void carry(std::size_t agent, const std::vector<FileBlob>& files) {
        (*this)[agent].set_checks(now(), wall(), files);
        (*this)[agent].set_fitness(now(), wall(), true, "");
        pump(agent);
    }
    void propose(std::size_t agent, std::uint32_t epoch, std::uint32_t sub = 0) {
        (*this)[agent].put(now(), wall(), verdict(epoch, sub));
        pump(agent);
    }
    std::uint32_t epoch(std::size_t agent) {
        const VerdictRecord* held = (*this)[agent].verdict(homepage);
        return held == nullptr ? std::numeric_limits<std::uint32_t>::max() : held->epoch;
    }
};

TEST_CASE("agents that start together settle, know each other's checks and count each other") {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        CAPTURE(seed);
        Mesh5 net(5, seed, seed % 2 == 0 ? 20 : 0);
        for (std::size_t agent = 0; agent < 5; ++agent) {
            CAPTURE(agent);
            CHECK(net[agent].settled());
            const Catalog::Entry* entry = net[agent].catalog().find(homepage);
            REQUIRE(entry != nullptr);
            CHECK(entry->active.carriers == 5);
            CHECK(net[agent].reference().counted().size() == 5);
            CHECK(net[agent].catalog().blobs() == 2);  // One file, one catalog, for all five.
        }
        CHECK(net.roots_equal());
    }
}

TEST_CASE("a verdict is everywhere within two seconds, and told to nobody before it is on disk") {
    Mesh5 net;
    net.fail_disk(1, true);
    net.propose(1, 1);
    net.run_for(10s);
    for (std::size_t agent = 0; agent < 5; ++agent) CHECK(net[agent].verdict(homepage) == nullptr);
    net.fail_disk(1, false);
    net.propose(2, 1);
    net.run_for(2s);
    for (const std::size_t agent : {0u, 2u, 3u, 4u}) CHECK(net.epoch(agent) == 1);
}

TEST_CASE("what gossip lost anti-entropy brings, to everybody") {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        CAPTURE(seed);
        Mesh5 net(7, seed);
        net.cut_off({5, 6});
        net.run_for(5s);
        net.propose(0, 1);
        net.run_for(30s);
        CHECK(net.epoch(4) == 1);
        CHECK(net[5].verdict(homepage) == nullptr);
        net.heal();
        net.run_for(25s);
        CHECK(net.agree(homepage));
        CHECK(net.roots_equal());
    }
}

TEST_CASE("a verdict about a host is brought by anti-entropy as long as the host counts") {
    Mesh5 net(7);
    const CheckKey host = check_key("host/a1");
    net.cut_off({6});
    net.run_for(5s);
    net[0].put(net.now(), net.wall(),
               VerdictRecord{.check = host, .epoch = 1, .scope = OutageScope::total});
    net.pump(0);
    net.run_for(30s);
    CHECK(net[5].verdict(host) != nullptr);
    CHECK(net[6].verdict(host) == nullptr);
    net.heal();
    net.run_for(25s);
    CHECK(net[6].verdict(host) != nullptr);
    CHECK(net.roots_equal());
    CHECK(net[0].forget(net.now(), net.wall(), "a1") == 1);
    net.pump(0);
    net.run_for(25s);
    CHECK_FALSE(net[0].registry().listed(verdict_key(host)));
}

TEST_CASE("an agent that was away for a hundred epochs is told so by two, and believes them") {
    Mesh5 net;
    net.cut_off({4});
    net.run_for(5s);
    for (std::uint32_t epoch = 0; epoch <= 100; ++epoch) {
        net.propose(0, epoch);
        net.run_for(1s);
    }
    CHECK(net.epoch(3) == 100);
    net.heal();
    net.run_for(60s);
    CHECK(net.epoch(4) == 100);
    CHECK(net[4].refused(Refusal::unconfirmed) > 0);
}

TEST_CASE("after a restart an agent holds what it had shown, and a lost disk is filled again") {
    Mesh5 net;
    net.propose(0, 0);
    net.run_for(3s);
    net.propose(0, 1);
    net.run_for(3s);
    net.crash(3);
    net.start(3, 2);
    CHECK(net.epoch(3) == 1);
    net.crash(4);
    net.start(4, 2, SpreadNet::Disk{});
    CHECK(net[4].verdict(homepage) == nullptr);
    net.run_for(10s);
    CHECK(net.epoch(4) == 1);
    CHECK(net[4].reference().counted().size() == 5);
}

TEST_CASE("a restored old snapshot takes nothing back, neither here nor there") {
    Mesh5 net;
    net.propose(0, 0);
    net.run_for(3s);
    const SpreadNet::Disk old = net.disk(4);
    for (std::uint32_t epoch = 1; epoch <= 5; ++epoch) {
        net.propose(0, epoch);
        net.run_for(3s);
    }
    REQUIRE(net[0].forget(net.now(), net.wall(), "a3") == 1);
    net.pump(0);
    net.run_for(3s);
    net.crash(4);
    net.start(4, 2, old);
    CHECK(net.epoch(4) == 0);
    net.run_for(20s);
    CHECK(net.epoch(4) == 5);
    for (std::size_t agent = 0; agent < 5; ++agent) {
        CHECK(net.epoch(agent) == 5);
        // a3 runs: it found itself forgotten, raised its boot, and counts itself no more yet.
        CHECK_FALSE(net[agent].reference().counts("a3"));
    }
    CHECK(net[3].boot() == 2);
    net.roll_calls([](std::size_t) { return true; });
    net.run_for(20s);
    for (std::size_t agent = 0; agent < 5; ++agent) CHECK(net[agent].reference().counts("a3"));
}

TEST_CASE("an unsettled agent pushes nothing") {
    SpreadNet net({.agents = 3});
    net.cut_off({2});
    net.run_for(5s);
    CHECK_FALSE(net[2].settled());
    net[2].put(net.now(), net.wall(), verdict(1));
    net.pump(2);
    net.run_for(5s);
    CHECK(net[2].verdict(homepage) != nullptr);
    CHECK_FALSE(net[2].poll_broadcast().has_value());
}

TEST_CASE("forged, replayed and absurd records are counted, not shown and not told on") {
    Mesh5 net;
    net.propose(0, 1);
    net.run_for(3s);
    const auto total = [&](Refusal refusal) { return net[1].refused(refusal); };
    const SocketAddress liar = SpreadNet::address(2);
    const auto send = [&](const Record& record) { net.deliver(1, encode(record), liar); };
    VerdictRecord other_era = verdict(2);
    other_era.era = 9;
    send(other_era);
    CHECK(total(Refusal::other_era) == 1);
    send(verdict(1001));
    CHECK(total(Refusal::step_for_gossip) == 1);
    const auto known = total(Refusal::known);
    send(verdict(0));
    CHECK(total(Refusal::known) == known + 1);
    send(PresenceRecord{.agent = AgentId{42}, .boot = 1});
    CHECK(total(Refusal::unknown_agent) == 1);
    VoteRecord vote{.agent = agent_id("a3"), .check = homepage, .epoch = 1};
    send(vote);  // In the name of another.
    CHECK(total(Refusal::not_its_sender) == 1);
    vote.agent = agent_id("nobody");
    send(vote);
    CHECK(total(Refusal::unknown_agent) == 2);
    std::string future = encode(verdict(2));
    future[1] = 9;
    net.deliver(1, future, liar);
    CHECK(net[1].faults(wire::Fault::unknown_version) == 1);
    net.deliver(1, encode(verdict(2)).substr(0, 20), liar);
    CHECK(net[1].faults(wire::Fault::truncated) == 1);
    net.run_for(10s);
    for (std::size_t agent = 0; agent < 5; ++agent) CHECK(net.epoch(agent) == 1);
    for (const SpreadEvent& event : net.take_events(1)) {
        CHECK_FALSE(std::holds_alternative<VoteHeard>(event));
    }
}

TEST_CASE("a vote from its voter is an event; one for an older epoch is set right") {
    Mesh5 net;
    net.propose(0, 0);
    net.run_for(2s);
    net.propose(0, 1);
    net.run_for(3s);
    net.take_events(1);
    VoteRecord vote{.agent = agent_id("a2"), .check = homepage, .epoch = 1, .vote = Vote::fail};
    net.deliver(1, encode(vote), SpreadNet::address(2));
    const auto events = net.take_events(1);
    const bool heard = std::ranges::any_of(events, [&](const SpreadEvent& event) {
        const auto* found = std::get_if<VoteHeard>(&event);
        return found != nullptr && found->vote == vote;
    });
    CHECK(heard);
    const auto letters = net.letters();
    vote.epoch = 0;
    net.deliver(1, encode(vote), SpreadNet::address(2));
    CHECK(net.letters() == letters + 1);
}

TEST_CASE("messages of other kinds are left for others") {
    Mesh5 net;
    const std::string rotation{picket_message, 1, 0x40, 'x'};
    CHECK_FALSE(net[0].on_user(net.now(), net.wall(), rotation, std::nullopt));
    CHECK_FALSE(net[0].on_user(net.now(), net.wall(), "Serf's", std::nullopt));
}

TEST_CASE("foreign members never count and are told nothing") {
    Mesh5 net;
    net.add_foreign("serf1");
    net.run_for(10s);
    CHECK(net[0].reference().counted().size() == 5);
    CHECK(net[0].peer(agent_id("serf1")) == nullptr);
    CHECK(net[0].anti_entropy().peers() == 4);
}

TEST_CASE(
    "an edit rolls through the mesh: the definition most carry is active, the rest is drift") {
    Mesh5 net;
    net.propose(0, 1);
    net.run_for(3s);
    for (std::size_t edited = 1; edited <= 5; ++edited) {
        net.carry(edited - 1, {file("homepage", 2, 1)});
        net.run_for(15s);
        CAPTURE(edited);
        for (std::size_t agent = 0; agent < 5; ++agent) {
            const Catalog::Entry* entry = net[agent].catalog().find(homepage);
            REQUIRE(entry != nullptr);
            const auto active = static_cast<std::uint64_t>(entry->active.declaration.fingerprint);
            CHECK(active == (edited >= 3 ? 2 : 1));
            CHECK(entry->others.size() == (edited == 5 ? 0 : 1));
        }
    }
    CHECK(net.epoch(4) == 1);  // The incident belongs to the name, not to its definition.
}

TEST_CASE("of definitions with equally many carriers the higher revision counts, then the print") {
    Mesh5 net(2);
    net.carry(0, {file("homepage", 9, 1)});
    net.carry(1, {file("homepage", 5, 2)});
    net.run_for(20s);
    const auto active = [&] {
        return net[0].catalog().find(homepage)->active.declaration.fingerprint;
    };
    CHECK(active() == Fingerprint{5});
    net.carry(0, {file("homepage", 9, 2)});
    net.run_for(20s);
    CHECK(active() == Fingerprint{9});
    CHECK(net[1].catalog().find(homepage)->active.declaration.fingerprint == Fingerprint{9});
}

TEST_CASE("a definition loses with its last live carrier, and its check is gone from the catalog") {
    Mesh5 net;
    net.carry(4, {file("homepage"), file("private", 7)});
    net.run_for(20s);
    CHECK(net[0].catalog().find(check_key("private")) != nullptr);
    net.crash(4);
    net.run_for(5s);
    CHECK(net[0].catalog().find(check_key("private")) == nullptr);
    CHECK(net[0].catalog().find(homepage)->active.carriers == 4);
}

TEST_CASE("a graceful leave is out of the reference at once, also where it was not heard") {
    Mesh5 net;
    net[4].leave(net.now(), net.wall());
    net.pump(4);
    net.run_for(1s);
    net.crash(4);
    net.run_for(12s);
    for (std::size_t agent = 0; agent < 4; ++agent) {
        CHECK_FALSE(net[agent].reference().counts("a4"));
    }
}

TEST_CASE("who leaves stays out of the reference, however long it takes to go") {
    Mesh5 net;
    net[4].leave(net.now(), net.wall());
    net.pump(4);
    for (int second = 0; second < 15; ++second) {
        net.run_for(1s);
        net.roll_calls([](std::size_t) { return true; });
    }
    CHECK(net.up(4));
    for (std::size_t agent = 0; agent < 5; ++agent) {
        CHECK_FALSE(net[agent].reference().counts("a4"));
    }
    net.crash(4);
    net.start(4, 2);
    net.run_for(5s);
    net.roll_calls([](std::size_t) { return true; });
    net.run_for(5s);
    CHECK(net[0].reference().counts("a4"));  // It is back.
}

TEST_CASE("all that is kept of a host is compared, in whatever order a start reads it") {
    Mesh5 net(2);
    const CheckKey host = check_key("host/a0");
    for (std::uint32_t epoch = 1; epoch <= 5; ++epoch) {
        net[0].put(net.now(), net.wall(),
                   EvidenceRecord{.check = host, .epoch = epoch, .begins_at = net.wall()});
        net[0].put(net.now(), net.wall(),
                   VerdictRecord{.check = host,
                                 .epoch = epoch,
                                 .scope = epoch % 2 == 1 ? OutageScope::total : OutageScope::none});
        net.pump(0);
        net.run_for(2s);
    }
    net.run_for(20s);
    REQUIRE(net.roots_equal());
    const SpreadNet::Disk disk = net.disk(1);
    Spread again({.name = "a1", .boot = 2, .joins = true}, 1, net.now());
    for (const RecordKind kind :
         {RecordKind::evidence, RecordKind::reference, RecordKind::verdict}) {
        for (const auto& [key, payload] : disk) {
            if (key.kind == kind) again.restore(net.now(), net.wall(), payload);
        }
    }
    for (std::uint32_t epoch = 1; epoch <= 5; ++epoch) {
        CAPTURE(epoch);
        const EvidenceRecord* evidence = again.evidence(host, epoch);
        REQUIRE(evidence != nullptr);
        CHECK(again.registry().listed(key_of(*evidence)));
    }
    CHECK(again.registry().listed(verdict_key(host)));
}

TEST_CASE("at rest a thousand checks cost an agent less than 100 bytes a second" *
          doctest::test_suite("long")) {
    SpreadNet net({.agents = 12});
    std::vector<FileBlob> files;
    for (int i = 0; i < 1000; ++i) files.push_back(file("check-" + std::to_string(i)));
    for (std::size_t agent = 0; agent < 12; ++agent) {
        net[agent].set_checks(net.now(), net.wall(), files);
        net.pump(agent);
    }
    net.run_for(30s);
    for (int i = 0; i < 1000; ++i) {
        net[0].put(net.now(), net.wall(),
                   VerdictRecord{.check = check_key("check-" + std::to_string(i)), .sub = 1});
    }
    net.run_for(60s);
    REQUIRE(net.roots_equal());
    REQUIRE(net[7].registry().count(RecordKind::verdict) == 1000);
    const std::uint64_t before = net.bytes();
    net.run_for(60s);
    // And the root in both directions of a push/pull every 30 s.
    const double push_pull = 2.0 * 25 / 30;
    const double per_agent = static_cast<double>(net.bytes() - before) / 60 / 12 + push_pull;
    MESSAGE("bytes a second and agent: ", per_agent);
    CHECK(per_agent < 100);
}

}  // namespace
}  // namespace picket::gossip
