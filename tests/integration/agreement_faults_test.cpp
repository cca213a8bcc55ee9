// Real agents that are parted, stopped or cut off: nobody opens what is not down.

#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iostream>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/support/firewall.h"
#include "tests/support/mesh_target.h"
#include "tests/support/test_mesh.h"

namespace picket::testing {
namespace {

using namespace std::chrono_literals;

// A default route, and a host that answers there: another network namespace.
class Gateway {
public:
    static constexpr const char* address = "198.51.100.1";
    static constexpr const char* own_address = "198.51.100.2";

    Gateway() {
        REQUIRE(other_.read_until("ready"));
        ip({"link", "add", "gw0", "type", "veth", "peer", "name", "gw1", "netns",
            std::to_string(other_.pid())});
        ip({"address", "add", std::string(own_address) + "/24", "dev", "gw0"});
        ip({"link", "set", "gw0", "up"});
        add_route();
        const std::string setup = "ip address add " + std::string(address) +
                                  "/24 dev gw1 && ip link set gw1 up && ip link set lo up";
        const Finished finished = run(
            {"/usr/bin/nsenter", "-t", std::to_string(other_.pid()), "-n", "/bin/sh", "-c", setup});
        REQUIRE_MESSAGE(finished.exit_code == 0, finished.errors);
    }
    ~Gateway() { run({"/usr/sbin/ip", "link", "delete", "gw0"}); }
    Gateway(const Gateway&) = delete;
    Gateway& operator=(const Gateway&) = delete;

    static void add_route() { ip({"route", "add", "default", "via", address}); }
    static void delete_route() { ip({"route", "delete", "default"}); }

private:
    static void ip(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "/usr/sbin/ip");
        const Finished finished = run(arguments);
        REQUIRE_MESSAGE(finished.exit_code == 0, finished.errors);
    }

    Process other_{{"/usr/bin/unshare", "-n", "/bin/sh", "-c", "echo ready; exec sleep 600"}};
};

void part(Firewall& firewall, const std::set<std::size_t>& here,
          const std::set<std::size_t>& there) {
    firewall.cut(TestMesh::addresses(here), TestMesh::addresses(there));
    firewall.cut(TestMesh::addresses(there), TestMesh::addresses(here));
}

Json mesh_of(const TestAgent& agent) {
    return agent.json({"status"})["mesh"];
}

// Outages of a check that this agent ever knew; those of hosts are others.
std::ptrdiff_t opened(const TestAgent& agent, const std::string& check) {
    const Json outages = agent.json({"outages"})["outages"];
    return std::ranges::count_if(outages,
                                 [&](const Json& outage) { return outage["check"] == check; });
}

void await_quorum(TestAgent& agent, bool quorum) {
    await([&] { return mesh_of(agent)["quorum"] == quorum; },
          [&] { return mesh_of(agent).dump(2); });
}

TEST_CASE("the minority side of a partition opens, closes and changes nothing, and says so") {
    MeshTarget steady;
    MeshTarget broken;
    TestMesh mesh(5);
    mesh.define("web.toml", steady.definition("steady") + broken.definition("broken"));
    mesh.start();
    await_panel(mesh, everybody(mesh), "steady", 5);
    await_state(mesh, everybody(mesh), "steady", "up");
    await_state(mesh, everybody(mesh), "broken", "up");
    broken.stop();
    await_state(mesh, everybody(mesh), "broken", "down");

    // Behind the cut one target dies and the other one heals, for both sides.
    Firewall firewall;
    part(firewall, {0, 1, 2}, {3, 4});
    for (const std::size_t i : {3U, 4U}) await_quorum(mesh.agent(i), false);
    steady.stop();
    broken.start();
    await_state(mesh, {0, 1, 2}, "steady", "down");
    await_state(mesh, {0, 1, 2}, "broken", "up");
    for (const std::size_t i : {3U, 4U}) {
        CAPTURE(i);
        await([&] { return mesh_of(mesh.agent(i))["notice"].is_string(); },
              [&] { return mesh_of(mesh.agent(i)).dump(2); });
        const std::string notice = mesh_of(mesh.agent(i))["notice"];
        CAPTURE(notice);
        // Of its own side one may not have answered at that moment.
        const std::regex too_few("NO QUORUM: [12] of 5 known agents answer, 3 needed");
        CHECK(std::regex_search(notice, too_few));
        const std::size_t missing = notice.find("Missing: ");
        REQUIRE(missing != notice.npos);
        for (const char* name : {"a1 (zone z1)", "a2 (zone z2)", "a3 (zone z3)"}) {
            CHECK(notice.find(name, missing) != notice.npos);
        }
        CHECK(notice.find("picket forget") != notice.npos);
        const Json up = mesh.agent(i).check("steady");
        CHECK(up["state"] == "unknown");
        CHECK(up["last_verdict"] == "up");
        CHECK(up["epoch"] == 0);
        const Json down = mesh.agent(i).check("broken");
        CHECK(down["state"] == "unknown");
        CHECK(down["last_verdict"] == "down");
        CHECK(down["epoch"] == 1);
    }

    firewall.heal();
    await_state(mesh, {3, 4}, "steady", "down");
    await_state(mesh, {3, 4}, "broken", "up");
    for (std::size_t i = 0; i < 5; ++i) {
        CHECK(mesh.agent(i).check("steady")["epoch"] == 1);
        CHECK(mesh.agent(i).check("broken")["epoch"] == 2);
    }
}

TEST_CASE("an agent cut off alone opens nothing, also when it is restarted meanwhile") {
    MeshTarget web;
    TestMesh mesh(4);
    start_watching(mesh, web, 4);

    // It loses its network: the others, and the target.
    Firewall firewall;
    part(firewall, {0, 1, 2}, {3});
    firewall.cut(TestMesh::address(3), MeshTarget::address);
    const auto opens_nothing = [&] {
        // It has asked, in vain, and knows whose fault that is.
        mesh.agent(3).await_finding("homepage", "failed");
        await([&] { return !mesh.agent(3).check("homepage")["abstaining"].empty(); },
              [&] { return mesh.agent(3).check("homepage").dump(2); });
        await_state(mesh, {3}, "homepage", "unknown");
        CHECK(mesh.agent(3).check("homepage")["epoch"] == 0);
        CHECK(opened(mesh.agent(3), "homepage") == 0);
    };
    opens_nothing();
    mesh.agent(3).kill();
    mesh.start(3);
    await_quorum(mesh.agent(3), false);
    opens_nothing();

    // The others go on: they see a real outage, of which it learns when it is back.
    web.stop();
    await_state(mesh, {0, 1, 2}, "homepage", "down");
    CHECK(mesh.agent(3).check("homepage")["epoch"] == 0);
    firewall.heal();
    await_state(mesh, {3}, "homepage", "down");
    CHECK(mesh.agent(3).check("homepage")["epoch"] == 1);
}

TEST_CASE("two witnesses that are stopped change no verdict, and an outage is confirmed without") {
    MeshTarget web;
    TestMesh mesh(5);
    start_watching(mesh, web, 5);

    const std::set<std::size_t> awake{0, 1, 2};
    const std::set<std::size_t> stopped{3, 4};
    for (const std::size_t i : stopped) mesh.agent(i).process().signal(SIGSTOP);
    for (const std::size_t i : awake) {
        mesh.await_member(i, "a4", "failed");
        mesh.await_member(i, "a5", "failed");
        await_state(mesh, {i}, "homepage", "up");
    }
    // Awake again, they hold every answer that waits for them against themselves.
    for (const std::size_t i : stopped) mesh.agent(i).process().signal(SIGCONT);
    await_panel(mesh, everybody(mesh), "homepage", 5);
    for (const std::size_t i : stopped) mesh.agent(i).await_finding("homepage", "passed");
    for (std::size_t i = 0; i < 5; ++i) CHECK(opened(mesh.agent(i), "homepage") == 0);

    for (const std::size_t i : stopped) mesh.agent(i).process().signal(SIGSTOP);
    const auto broken = std::chrono::steady_clock::now();
    web.stop();
    await_state(mesh, awake, "homepage", "down");
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - broken;
    std::cout << "two of five stopped: the outage is held after " << taken.count() << " s\n";
    WARN(taken <= 10s);  // On a machine with time for it; the simulation promises it.
    for (const std::size_t i : stopped) mesh.agent(i).process().signal(SIGCONT);
    await_state(mesh, stopped, "homepage", "down");
    for (std::size_t i = 0; i < 5; ++i) CHECK(mesh.agent(i).check("homepage")["epoch"] == 1);
}

TEST_CASE("one zone that loses its path to the target makes it degraded, and names the zone") {
    MeshTarget web;
    TestMesh mesh(6, "profile = \"local\"\n", 3);
    mesh.define("web.toml", web.definition("homepage", "witnesses = 6\n"));
    mesh.start();
    await_panel(mesh, everybody(mesh), "homepage", 6);
    await_state(mesh, everybody(mesh), "homepage", "up");

    Firewall firewall;
    firewall.cut(TestMesh::addresses({2, 5}), MeshTarget::address);
    await_state(mesh, everybody(mesh), "homepage", "degraded", 2 * patience);
    for (std::size_t i = 0; i < 6; ++i) {
        const Json check = mesh.agent(i).check("homepage");
        CAPTURE(check.dump(2));
        CHECK(check["zones_failing"] == Json::array({"z3"}));
        CHECK(check["epoch"] == 0);
        CHECK(opened(mesh.agent(i), "homepage") == 0);
    }
}

void start_alone(TestMesh& mesh, const MeshTarget& target) {
    mesh.agent(0).replace_in_configuration("join = [\"127.0.0.1\"]", "join = []");
    start_watching(mesh, target, 1);
}

TEST_CASE("an agent whose gateway has fallen silent accuses nobody, and says so") {
    const Gateway gateway;
    MeshTarget web;
    TestMesh mesh(1);
    start_alone(mesh, web);
    Firewall firewall;
    firewall.cut(Gateway::address, Gateway::own_address);
    web.stop();
    const auto reasons = [&] { return mesh.agent(0).check("homepage")["abstaining"].dump(); };
    await([&] { return reasons().find("its gateway does not answer") != std::string::npos; },
          reasons);
    CHECK(mesh.agent(0).check("homepage")["epoch"] == 0);
    CHECK(mesh.agent(0).json({"status"})["agent"]["unfit_reason"] == "its gateway does not answer");
    CHECK(mesh.member(0, "a1")["unfit_reason"] == "its gateway does not answer");

    firewall.heal();
    await_state(mesh, everybody(mesh), "homepage", "down");
}

TEST_CASE("a gateway that is back makes its agent fit in seconds, also when nothing fails") {
    const Gateway gateway;
    MeshTarget web;
    TestMesh mesh(1);
    start_alone(mesh, web);

    // A failed attempt has the gateway asked. Once the target answers nothing else does.
    Firewall firewall;
    firewall.cut(Gateway::address, Gateway::own_address);
    web.stop();
    const auto unfit_reason = [&] {
        return mesh.agent(0).json({"status"})["agent"]["unfit_reason"];
    };
    const auto told = [&] { return unfit_reason().dump(); };
    await([&] { return unfit_reason() == "its gateway does not answer"; }, told);
    web.start();
    mesh.agent(0).await_finding("homepage", "passed");
    CHECK(unfit_reason() == "its gateway does not answer");

    firewall.heal();
    await([&] { return unfit_reason().is_null(); }, told);

    // A link that is down takes the route to the gateway with it.
    Gateway::delete_route();
    web.stop();
    await([&] { return unfit_reason() == "its gateway does not answer"; }, told);
    web.start();
    Gateway::add_route();
    await([&] { return unfit_reason().is_null(); }, told);
    CHECK(opened(mesh.agent(0), "homepage") == 0);
}

}  // namespace
}  // namespace picket::testing
