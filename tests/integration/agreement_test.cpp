// Real agents agree on a real outage, say why, and stay silent where they are cut off.

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "tests/support/firewall.h"
#include "tests/support/servers.h"
#include "tests/support/test_mesh.h"

namespace picket::testing {
namespace {

constexpr const char* page =
    "server { listen 127.0.0.1:PORT; location / { return 200 'Welcome'; } }";

std::string homepage(const std::string& url) {
    return "[http.homepage]\nurl = \"" + url + "\"\ninterval = \"3s\"\ntimeout = \"1s\"\n";
}

// Waits until every one of `agents` shows the check in this state.
void await_all(TestMesh& mesh, const std::set<std::size_t>& agents, const std::string& state) {
    for (const std::size_t agent : agents) {
        await([&] { return mesh.agent(agent).check("homepage")["state"] == state; },
              [&] { return mesh.agent(agent).check("homepage").dump(2); });
    }
}

TEST_CASE("five agents agree on an outage, each can say why, and it outlives their restart") {
    Nginx web(page);
    TestMesh mesh(5);
    for (std::size_t i = 0; i < 5; ++i) mesh.agent(i).define("web.toml", homepage(web.url()));
    mesh.start();
    await_all(mesh, {0, 1, 2, 3, 4}, "up");
    for (std::size_t i = 0; i < 5; ++i) {
        await([&] { return mesh.agent(i).check("homepage")["panel"].size() == 5; },
              [&] { return mesh.agent(i).check("homepage").dump(2); });
    }

    web.stop();
    await_all(mesh, {0, 1, 2, 3, 4}, "down");
    for (std::size_t i = 0; i < 5; ++i) {
        CAPTURE(i);
        CHECK(mesh.agent(i).check("homepage")["epoch"] == 1);
        const Json why = mesh.agent(i).json({"why", "homepage"});
        CAPTURE(why.dump(2));
        CHECK(why["id"] == "homepage#1");
        CHECK(why["rule"] == "open");
        std::size_t fails = 0;
        for (const Json& vote : why["votes"]) fails += vote["vote"] == "fail" ? 1U : 0U;
        CHECK(fails >= 3);
        CHECK(why["roll_call"]["answered"].get<int>() >= why["roll_call"]["needed"].get<int>());
    }

    // Killed, the second agent comes back with the outage and its reasons.
    mesh.agent(1).kill();
    mesh.start(1);
    CHECK(mesh.agent(1).json({"why", "homepage", "#1"})["rule"] == "open");
    CHECK(mesh.agent(1).check("homepage")["epoch"] == 1);

    web.start();
    await_all(mesh, {0, 1, 2, 3, 4}, "up");
    for (std::size_t i = 0; i < 5; ++i) CHECK(mesh.agent(i).check("homepage")["epoch"] == 2);
}

TEST_CASE("an agent that is cut off from all others and from the target opens nothing") {
    Nginx web(page);
    TestMesh mesh(4);
    for (std::size_t i = 0; i < 4; ++i) mesh.agent(i).define("web.toml", homepage(web.url()));
    mesh.start();
    await_all(mesh, {0, 1, 2, 3}, "up");

    // The last agent loses the others; then the target dies, for everybody.
    Firewall firewall;
    firewall.cut("127.0.0.4", "{ 127.0.0.1, 127.0.0.2, 127.0.0.3 }");
    firewall.cut("{ 127.0.0.1, 127.0.0.2, 127.0.0.3 }", "127.0.0.4");
    await([&] { return !mesh.agent(3).json({"status"})["mesh"]["quorum"].get<bool>(); },
          [&] { return mesh.agent(3).json({"status"})["mesh"].dump(2); });
    web.stop();
    await_all(mesh, {0, 1, 2}, "down");
    CHECK(mesh.agent(3).check("homepage")["state"] == "unknown");
    CHECK(mesh.agent(3).json({"outages"})["outages"].empty());

    firewall.heal();
    await_all(mesh, {3}, "down");
    CHECK(mesh.agent(3).check("homepage")["epoch"] == 1);
}

}  // namespace
}  // namespace picket::testing
