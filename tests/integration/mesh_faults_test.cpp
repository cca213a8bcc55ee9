// Real agents in a network that loses, cuts one way, and falls apart.

#include <doctest/doctest.h>
#include <poll.h>

#include <chrono>

#include "tests/support/firewall.h"
#include "tests/support/test_mesh.h"

namespace picket::testing {
namespace {

TEST_CASE("a mesh that falls apart heals by itself") {
    TestMesh mesh(4);
    mesh.start();
    Firewall firewall;
    const std::string here = "{ 127.0.0.1, 127.0.0.2 }";
    const std::string there = "{ 127.0.0.3, 127.0.0.4 }";
    firewall.cut(here, there);
    firewall.cut(there, here);
    mesh.await_member(0, "a3", "failed");
    mesh.await_member(0, "a4", "failed");
    mesh.await_member(3, "a1", "failed");
    // Of two equal halves one is the majority, and both know which.
    const auto quorum = [&](std::size_t agent) {
        return mesh.agent(agent).json({"status"})["mesh"]["quorum"].get<bool>();
    };
    await([&] { return quorum(0) != quorum(3); },
          [] { return std::string("both halves hold that they are the majority"); });
    firewall.heal();
    mesh.await_alive(4);
}

TEST_CASE("one way that is cut between two agents makes nobody fail: the others vouch") {
    TestMesh mesh(4);
    mesh.start();
    Firewall firewall;
    firewall.cut("127.0.0.1", "127.0.0.2");
    // Twice as long as each needs to probe all once. An agent that the machine held up may have
    // failed before: then anew.
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (int second = 0; second < 8; ++second) {
        poll(nullptr, 0, 1000);
        for (std::size_t i = 0; i < mesh.size(); ++i) {
            if (mesh.agent(i).json({"status"})["mesh"]["failed"] == 0) continue;
            REQUIRE(std::chrono::steady_clock::now() < deadline);
            second = -1;
        }
    }
}

TEST_CASE("a mesh forms and finds its dead at 30 % loss") {
    Firewall firewall;
    firewall.lose(30);
    TestMesh mesh(5);
    mesh.start();
    mesh.agent(4).kill();
    mesh.await_member(0, "a5", "failed");
    mesh.await_member(3, "a5", "failed");
}

}  // namespace
}  // namespace picket::testing
