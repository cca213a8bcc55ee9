// Hosts that are gone, for a while and for good, and what strangers say of them.

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <regex>
#include <set>
#include <string>

#include "agent/base/digest.h"
#include "gossip/spread/ids.h"
#include "gossip/spread/record_codec.h"
#include "gossip/wire/messages.h"
#include "tests/support/mesh_target.h"
#include "tests/support/test_mesh.h"

namespace picket::testing {
namespace {

using namespace std::chrono_literals;

std::string name_of(std::size_t index) {
    return "a" + std::to_string(index + 1);
}

TEST_CASE("half of the hosts gone for good: a notice, then forget, then outages are found again") {
    MeshTarget web;
    TestMesh mesh(6);
    start_watching(mesh, web, 5);
    await_reference(mesh, 6);

    // Of two halves the one with the agent that decides a tie is the majority: that one goes.
    std::size_t decides = 0;
    for (std::size_t i = 1; i < 6; ++i) {
        const auto rank = [](std::size_t index) { return short_digest("tie", name_of(index)); };
        if (rank(i) < rank(decides)) decides = i;
    }
    std::set<std::size_t> gone{decides};
    for (std::size_t i = 0; gone.size() < 3; ++i) gone.insert(i);
    std::set<std::size_t> left = everybody(mesh);
    for (const std::size_t i : gone) {
        left.erase(i);
        mesh.agent(i).kill();
    }
    for (const std::size_t i : left) {
        const auto notice = [&] { return mesh.agent(i).json({"status"})["mesh"]["notice"]; };
        await([&] { return notice().is_string(); }, [&] { return notice().dump(); });
        const std::string text = notice();
        CAPTURE(text);
        // Of those that are left one may not have answered at that moment.
        const std::regex too_few("NO QUORUM: [1-3] of 6 known agents answer, 4 needed");
        CHECK(std::regex_search(text, too_few));
        for (const std::size_t missing : gone) CHECK(text.find(name_of(missing)) != text.npos);
        CHECK(text.find("picket forget") != text.npos);
    }
    web.stop();
    await_state(mesh, left, "homepage", "unknown");

    // What one is told, all take.
    const std::size_t first = *left.begin();
    for (const std::size_t i : gone) {
        mesh.await_member(first, name_of(i), "failed");
        const Finished forgotten = mesh.agent(first).picket({"forget", name_of(i)});
        CHECK_MESSAGE(forgotten.exit_code == 0, forgotten.errors);
    }
    await_state(mesh, left, "homepage", "down");
    for (const std::size_t i : left) {
        const auto status = [&] { return mesh.agent(i).json({"status"})["mesh"]; };
        await([&] { return status()["quorum"] == true && status()["reference"] == 3; },
              [&] { return status().dump(2); });
        CHECK(status()["notice"].is_null());
        // A host that is forgotten is no outage.
        const Json document = mesh.agent(i).json({"status"});
        for (const Json& outage : document["outages"]) {
            CHECK(outage["check"] == "homepage");
        }
        CHECK(mesh.agent(i).check("homepage")["epoch"] == 1);
    }
    web.start();
    await_state(mesh, left, "homepage", "up");
}

TEST_CASE("a host that is gone is an outage of its own, by the votes of others") {
    TestMesh mesh(4);
    mesh.start();
    await_reference(mesh, 4);
    mesh.agent(3).kill();
    await_state(mesh, {0, 1, 2}, "host/a4", "down", 2 * patience);
    const Json why = mesh.agent(0).json({"why", "host/a4"});
    CAPTURE(why.dump(2));
    CHECK(why["id"] == "host/a4#1");
    CHECK(why["rule"] == "open");
    // Its address is this machine's, which is alive and well.
    CHECK(why["message"] == "its agent does not answer, but the host answers pings");
    mesh.start(3);
    await_state(mesh, {0, 1, 2}, "host/a4", "up", 2 * patience);

    mesh.agent(3).kill();
    await_state(mesh, {0, 1, 2}, "host/a4", "down", 2 * patience);
    // Nobody will ever close it once the host is forgotten.
    mesh.await_member(0, "a4", "failed");
    REQUIRE(mesh.agent(0).picket({"forget", "a4"}).exit_code == 0);
    for (std::size_t i = 0; i < 3; ++i) {
        const auto outage = [&] { return mesh.agent(i).json({"outage", "host/a4#3"}); };
        await([&] { return outage()["state"] == "closed"; }, [&] { return outage().dump(2); });
        CHECK(outage()["message"].get<std::string>().ends_with(" [ended: host forgotten]"));
        CHECK(mesh.agent(i).json({"outages", "--open"})["outages"].empty());
    }
}

// Sends records to the first agent as whoever has the given address.
class Forger {
public:
    explicit Forger(const std::string& address, std::uint16_t port = 0)
        : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in own{};
        own.sin_family = AF_INET;
        own.sin_port = htons(port);
        inet_pton(AF_INET, address.c_str(), &own.sin_addr);
        REQUIRE(bind(fd_, reinterpret_cast<sockaddr*>(&own), sizeof own) == 0);
    }
    ~Forger() { close(fd_); }
    Forger(const Forger&) = delete;
    Forger& operator=(const Forger&) = delete;

    void send(const std::string& payload) const {
        std::string packet;
        gossip::wire::encode(gossip::wire::User{payload}, packet);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(7946);
        inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
        REQUIRE(sendto(fd_, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&to),
                       sizeof to) > 0);
    }

private:
    int fd_;
};

TEST_CASE("forged, absurd and broken records are counted by reason, and never shown or told on") {
    MeshTarget web;
    TestMesh mesh(3);
    start_watching(mesh, web, 3);
    const auto counter = [&](const std::string& name) {
        const Json counters = mesh.agent(0).json({"status"})["agent"]["counters"];
        return counters.value(name, std::uint64_t{0});
    };
    const auto counts = [&](const std::string& name, const Forger& forger,
                            const std::string& payload) {
        CAPTURE(name);
        const std::uint64_t before = counter(name);
        forger.send(payload);
        await([&] { return counter(name) > before; },
              [&] {
                  return name + ": " + mesh.agent(0).json({"status"})["agent"]["counters"].dump(2);
              });
    };
    const Forger stranger("127.0.0.77");
    gossip::VoteRecord vote;
    vote.check = gossip::check_key("homepage");
    vote.boot = 4'000'000'000;
    vote.seq = 1;
    vote.vote = gossip::Vote::fail;
    vote.message = "forged";
    vote.agent = gossip::agent_id("nobody");
    counts("records_refused_unknown_agent", stranger, encode(vote));
    vote.agent = gossip::agent_id("a2");
    counts("records_refused_not_from_its_sender", stranger, encode(vote));
    // The right host, but not the agent's port.
    counts("records_refused_not_from_its_sender", Forger("127.0.0.2"), encode(vote));

    const std::string whole = encode(vote);
    counts("records_malformed", stranger, whole.substr(0, whole.size() / 2));
    counts("gossip_messages_unknown", stranger, whole.substr(0, 2));
    std::string newer = whole;
    newer[1] = 99;
    counts("gossip_messages_unknown", stranger, newer);

    gossip::VerdictRecord verdict;
    verdict.check = gossip::check_key("homepage");
    verdict.proposer = gossip::agent_id("a2");
    verdict.scope = gossip::OutageScope::total;
    verdict.epoch = 1001;
    counts("records_refused_step_too_large_for_gossip", stranger, encode(verdict));
    verdict.epoch = 1;
    verdict.era = 2;
    counts("records_refused_other_era", stranger, encode(verdict));

    // Whoever has the second agent's address has its voice, but not its definitions.
    mesh.agent(1).kill();
    const Forger neighbour("127.0.0.2", 7946);
    counts("votes_disregarded_wrong_definition", neighbour, encode(vote));
    vote.check = gossip::check_key("nobody's");
    counts("votes_disregarded_unknown_check", neighbour, encode(vote));

    for (const std::size_t i : {0U, 2U}) {
        CAPTURE(i);
        const Json check = mesh.agent(i).check("homepage");
        CHECK(check["state"] == "up");
        CHECK(check["epoch"] == 0);
        CHECK(mesh.agent(i).json({"show", "homepage"}).dump().find("forged") == std::string::npos);
        // Of the host whose agent was killed there may be one by now.
        const Json outages = mesh.agent(i).json({"outages"})["outages"];
        for (const Json& outage : outages) CHECK(outage["check"] == "host/a2");
    }
}

}  // namespace
}  // namespace picket::testing
