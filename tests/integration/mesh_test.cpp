// Real agents find each other on 127.0.0.x, and see each other come and go.

#include <doctest/doctest.h>
#include <signal.h>

#include "tests/support/test_mesh.h"

namespace picket::testing {
namespace {

TEST_CASE("two agents find each other, and both list both") {
    TestMesh mesh(2);
    mesh.start();
    for (std::size_t i = 0; i < 2; ++i) {
        const Json members = mesh.agent(i).json({"members"})["members"];
        REQUIRE(members.size() == 2);
        CHECK(members[0]["name"] == "a1");
        CHECK(members[0]["address"] == "127.0.0.1:7946");
        CHECK(members[0]["zone"] == "z1");
        CHECK(members[0]["picket"] == true);
        CHECK(members[1]["name"] == "a2");
        CHECK(members[1]["address"] == "127.0.0.2:7946");
        CHECK(members[1]["state"] == "alive");
    }
    const Json status = mesh.agent(0).json({"status"});
    CHECK(status["mesh"]["alive"] == 2);
    CHECK(status["mesh"]["quorum"] == true);
    CHECK_MESSAGE(status["agent"]["problems"].empty(), status["agent"]["problems"].dump());
    mesh.agent(0).await({{"type", "membership"}, {"agent", "a2"}, {"to", "alive"}});
}

TEST_CASE("an agent started before its seed joins once that is there") {
    TestMesh mesh(2);
    mesh.start(1);
    mesh.start(0);
    mesh.await_alive(2);
}

TEST_CASE("a killed agent fails everywhere, and comes back under a higher incarnation") {
    TestMesh mesh(3);
    mesh.start();
    std::uint64_t incarnation = mesh.member(0, "a3")["incarnation"];
    mesh.agent(2).kill();
    mesh.await_member(0, "a3", "failed");
    mesh.await_member(1, "a3", "failed");
    CHECK(mesh.agent(0).json({"status"})["mesh"]["failed"] == 1);
    CHECK(mesh.agent(0).json({"status"})["mesh"]["quorum"] == true);

    mesh.start(2);
    mesh.await_alive(3);
    CHECK(mesh.member(0, "a3")["incarnation"] > incarnation);
}

TEST_CASE("no incarnation is used twice, however often an agent is killed at its start") {
    TestMesh mesh(1);
    std::uint64_t last = 0;
    for (int i = 0; i < 4; ++i) {
        mesh.start(0);
        const std::uint64_t now = mesh.member(0, "a1")["incarnation"];
        CHECK(now > last);
        last = now;
        mesh.agent(0).kill();
    }
}

TEST_CASE("a restart is no leave: the agent is back before anybody minds") {
    // With half a minute for who is suspected, whatever a start takes here.
    TestMesh mesh(3, "profile = \"wan\"\n");
    mesh.start();
    CHECK(mesh.agent(2).stop() == 0);
    mesh.start(2);
    mesh.await_alive(3);
    const Finished events = mesh.agent(0).picket({"events"});
    CHECK(events.output.find("a3 has left") == std::string::npos);
    CHECK(events.output.find("a3 has failed") == std::string::npos);
}

TEST_CASE("a stopped process fails, and lives again once it goes on") {
    TestMesh mesh(3);
    mesh.start();
    mesh.agent(2).process().signal(SIGSTOP);
    mesh.await_member(0, "a3", "failed");
    mesh.agent(2).process().signal(SIGCONT);
    mesh.await_alive(3);
}

TEST_CASE("an agent that leaves is listed as left, stays away, and can be forgotten") {
    TestMesh mesh(3);
    mesh.start();
    CHECK(mesh.agent(0).picket({"forget", "a3"}).exit_code == 1);  // It lives.
    const Finished left = mesh.agent(2).picket({"leave"});
    CHECK(left.exit_code == 0);
    CHECK(left.output == "a3 has left the mesh\n");
    mesh.await_member(0, "a3", "left");
    mesh.await_member(1, "a3", "left");
    mesh.agent(0).await({{"type", "membership"}, {"agent", "a3"}, {"to", "left"}});
    CHECK(mesh.agent(0).json({"status"})["mesh"]["left"] == 1);
    CHECK(mesh.agent(2).json({"status"})["agent"]["problems"].dump().find("has left the mesh") !=
          std::string::npos);

    const Json forgotten = mesh.agent(0).json({"forget", "--zone", "z3"});
    CHECK(forgotten["forgotten"] == Json({"a3"}));
    mesh.await_member(0, "a3", "");
    mesh.await_member(1, "a3", "");  // On every agent.
    CHECK(mesh.agent(0).picket({"forget", "a3"}).errors.find("no agent is named 'a3'") !=
          std::string::npos);

    // Restarted, it is one of them again.
    CHECK(mesh.agent(2).stop() == 0);
    mesh.start(2);
    mesh.await_alive(3);
}

TEST_CASE("an agent that moves to another address is found there") {
    TestMesh mesh(3);
    mesh.start();
    CHECK(mesh.agent(2).stop() == 0);
    mesh.agent(2).replace_in_configuration("127.0.0.3:7946", "127.0.0.33:7946");
    mesh.start(2);
    await([&] { return mesh.member(0, "a3")["address"] == "127.0.0.33:7946"; },
          [&] { return mesh.member(0, "a3").dump(); });
    mesh.await_alive(3);
}

TEST_CASE("agents mesh over IPv6 as well") {
    TestAgent one("a1");
    TestAgent two("a2");
    one.configure("[gossip]\nbind = \"[::1]:7946\"\nprofile = \"local\"\n");
    two.configure("[gossip]\nbind = \"[::1]:7947\"\njoin = [\"::1\"]\nprofile = \"local\"\n");
    one.start();
    two.start();
    await([&] { return member_state(one, "a2") == "alive" && member_state(two, "a1") == "alive"; },
          [&] { return one.json({"members"}).dump(2); });
    CHECK(one.json({"members"})["members"][1]["address"] == "[::1]:7947");
}

TEST_CASE("[gossip] that cannot work is refused in one clear line") {
    const auto says = [](const std::string& gossip, const std::string& text) {
        TestAgent agent;
        agent.configure("[gossip]\n" + gossip);
        const std::string refusal = agent.refusal();
        INFO(refusal);
        CHECK(refusal.find(text) != std::string::npos);
        CHECK(refusal.find("not started: ") != std::string::npos);
    };
    says("bind = \"0.0.0.0:7946\"\nadvertise = \"10.0.0.1:7946\"\n",
         "gossip.bind 0.0.0.0:7946 can be reached from other hosts, and there are no keys");
    says("bind = \"0.0.0.0:7946\"\ninsecure = true\n",
         "no interface beside loopback has one: set gossip.advertise");
    says("bind = \"127.0.0.1:7946\"\nadvertise = \"[::1]:7946\"\n", "one is IPv4, the other IPv6");
    says("bind = \"192.0.2.7:7946\"\ninsecure = true\n",
         "bind 192.0.2.7:7946/tcp: cannot assign requested address");
    says("bind = \"127.0.0.1:7946\"\nkeyring = \"/nowhere/keyring\"\n",
         "gossip keys: /nowhere/keyring: no such file or directory");
    says("bind = \"127.0.0.1:7946\"\nprofile = \"lam\"\n", "did you mean lan");
    says("bind = \"127.0.0.1\"\n", "has no port: write HOST:PORT");
    says("bind = \"127.0.0.1:7946\"\ndelegate_version = [2, 5, 6]\n", "the third, which is spoken");

    TestAgent first;
    first.configure("[gossip]\nbind = \"127.0.0.1:7946\"\n");
    first.start();
    says("bind = \"127.0.0.1:7946\"\n", "bind 127.0.0.1:7946/tcp: address already in use");
}

TEST_CASE("an open port without keys is allowed where it was said so, and shows in status") {
    TestAgent agent;
    agent.configure(
        "[gossip]\nbind = \"0.0.0.0:7946\"\nadvertise = \"127.0.0.1:7946\"\n"
        "insecure = true\n");
    agent.start();
    const Json problems = agent.json({"status"})["agent"]["problems"];
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].get<std::string>().find("gossip.insecure: whoever reaches 0.0.0.0:7946") ==
          0);
}

}  // namespace
}  // namespace picket::testing
