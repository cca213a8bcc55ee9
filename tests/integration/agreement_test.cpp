// Real agents agree on a real outage, each can say why, and the outage survives them.

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "tests/support/mesh_target.h"
#include "tests/support/test_mesh.h"

namespace picket::testing {
namespace {

// Without what changes from one moment to the next.
Json lasting(const Json& why) {
    Json kept;
    for (const char* key : {"id", "rule", "votes", "discounted", "roll_call", "timeline"}) {
        kept[key] = why[key];
    }
    return kept;
}

Json reasons(TestMesh& mesh, std::size_t agent, const std::string& check) {
    return lasting(mesh.agent(agent).json({"why", check, "#1"}));
}

// As its file has them: nobody is asked.
Json stored_reasons(TestMesh& mesh, std::size_t agent, const std::string& check) {
    const Finished told = run({program("picket"), "why", check, "#1", "--json", "--db",
                               mesh.agent(agent).state_path("picket.db")});
    REQUIRE_MESSAGE(told.exit_code == 0, told.errors);
    return lasting(Json::parse(told.output));
}

// One outage in full; of one that is open its length grows.
Json whole_outage(Json document) {
    if (document["closed_at"].is_null()) document.erase("duration_seconds");
    return document;
}

Json stored_outage(TestMesh& mesh, std::size_t agent, const std::string& id) {
    const Finished told = run({program("picket"), "outage", id, "--json", "--db",
                               mesh.agent(agent).state_path("picket.db")});
    REQUIRE_MESSAGE(told.exit_code == 0, told.errors);
    return whole_outage(Json::parse(told.output));
}

// What the mesh agreed on is told alike by every agent, also by one that did not witness it.
Json same_outage(TestMesh& mesh, const std::string& id) {
    const auto told = [&](std::size_t i) {
        return whole_outage(mesh.agent(i).json({"outage", id}));
    };
    // Of two scribes that wrote at the same moment all come to hold the same one.
    for (std::size_t i = 1; i < mesh.size(); ++i) {
        await([&] { return told(i) == told(0); },
              [&] { return told(i).dump(2) + told(0).dump(2); });
    }
    const Json first = told(0);
    INFO(first.dump(2));
    for (std::size_t i = 0; i < mesh.size(); ++i) {
        CAPTURE(i);
        CHECK(stored_outage(mesh, i, id) == first);
    }
    return first;
}

bool witnesses(TestMesh& mesh, std::size_t agent, const std::string& check) {
    const Json panel = mesh.agent(agent).check(check)["panel"];
    const std::string name = "a" + std::to_string(agent + 1);
    return std::find(panel.begin(), panel.end(), name) != panel.end();
}

TEST_CASE("five agents agree on an outage, each can say why, and it outlives their restart") {
    MeshTarget web;
    TestMesh mesh(5, "profile = \"local\"\n", 3);
    // Of the second check two agents are no witnesses.
    mesh.define("web.toml",
                web.definition("homepage") + web.definition("narrow", "witnesses = 3\n"));
    mesh.start();
    await_state(mesh, everybody(mesh), "homepage", "up");
    await_state(mesh, everybody(mesh), "narrow", "up");
    await_panel(mesh, everybody(mesh), "homepage", 5);
    await_panel(mesh, everybody(mesh), "narrow", 3);

    web.stop();
    await_state(mesh, everybody(mesh), "homepage", "down");
    await_state(mesh, everybody(mesh), "narrow", "down");
    for (const std::string check : {"homepage", "narrow"}) {
        // The verdict comes first, its reasons follow.
        for (std::size_t i = 0; i < 5; ++i) {
            await([&] { return reasons(mesh, i, check)["rule"] == "open"; },
                  [&] {
                      return mesh.agent(i).json({"why", check}).dump(2);
                  });
        }
        // Of two agents that wrote them at once all come to hold one's.
        for (std::size_t i = 1; i < 5; ++i) {
            await(
                [&] { return reasons(mesh, i, check) == reasons(mesh, 0, check); },
                [&] { return reasons(mesh, i, check).dump(2) + reasons(mesh, 0, check).dump(2); });
        }
        const Json first = reasons(mesh, 0, check);
        INFO(first.dump(2));
        CHECK(first["id"] == check + "#1");
        std::size_t fails = 0;
        for (const Json& vote : first["votes"]) {
            if (vote["vote"] != "fail") continue;
            ++fails;
            CHECK_FALSE(vote["message"].get<std::string>().empty());
        }
        CHECK(fails >= (check == "homepage" ? 3 : 2));
        CHECK(first["roll_call"]["answered"] >= first["roll_call"]["needed"]);
        CHECK(first["timeline"].size() >= 3);
        for (std::size_t i = 1; i < 5; ++i) CHECK(reasons(mesh, i, check) == first);
        const Json outage = same_outage(mesh, check + "#1");
        CHECK(outage["votes"] == first["votes"]);
        CHECK(outage["class"] == "refused");
        CHECK(outage["backing"] == "quorum");
        CHECK(outage["closing"].is_null());
    }

    // All are killed in turn, and come back with the outage and its reasons; also those
    // that did not witness it.
    const Json before = reasons(mesh, 0, "narrow");
    const Json open = same_outage(mesh, "narrow#1");
    std::size_t bystanders = 0;
    for (std::size_t i = 0; i < 5; ++i) {
        CAPTURE(i);
        bystanders += witnesses(mesh, i, "narrow") ? 0U : 1U;
        mesh.agent(i).kill();
        mesh.start(i);
        CHECK(reasons(mesh, i, "narrow") == before);
        CHECK(mesh.agent(i).check("homepage")["epoch"] == 1);
        await_state(mesh, {i}, "homepage", "down");
        CHECK(stored_reasons(mesh, i, "narrow") == before);
    }
    CHECK(bystanders >= 2);
    for (std::size_t i = 0; i < 5; ++i) {
        const Json outages = mesh.agent(i).json({"outages"})["outages"];
        CAPTURE(outages.dump(2));
        std::multiset<std::string> ids;
        for (const Json& outage : outages) {
            // A host whose agent was away for a while is an outage of its own.
            const std::string id = outage["id"];
            if (!id.starts_with("host/")) ids.insert(id);
        }
        CHECK(ids == std::multiset<std::string>{"homepage#1", "narrow#1"});
        CHECK(mesh.agent(i).check("homepage")["epoch"] == 1);
    }

    web.start();
    await_state(mesh, everybody(mesh), "homepage", "up");
    await_state(mesh, everybody(mesh), "narrow", "up");
    for (std::size_t i = 0; i < 5; ++i) {
        CHECK(mesh.agent(i).check("homepage")["epoch"] == 2);
        const auto why = [&] { return mesh.agent(i).json({"why", "narrow", "#2"}); };
        await([&] { return why()["rule"] == "clear"; }, [&] { return why().dump(2); });
    }
    // Its end takes nothing away of what it was.
    const Json closed = same_outage(mesh, "narrow#1");
    CHECK(closed["closing"]["rule"] == "clear");
    for (const char* kept : {"scope", "class", "message", "backing", "opened_at", "votes"}) {
        CAPTURE(kept);
        CHECK(closed[kept] == open[kept]);
    }
}

TEST_CASE("an agent that was away when an outage ended comes to store its end as the others do") {
    MeshTarget web;
    TestMesh mesh(3);
    start_watching(mesh, web, 3);
    web.stop();
    await_state(mesh, everybody(mesh), "homepage", "down");
    mesh.agent(2).kill();
    web.start();
    await_state(mesh, {0, 1}, "homepage", "up");
    web.stop();
    await_state(mesh, {0, 1}, "homepage", "down");

    // It holds homepage#1, and the next that it hears is homepage#3.
    mesh.start(2);
    const auto outage = [&](std::size_t agent, const char* id) {
        Json document = mesh.agent(agent).json({"outage", id});
        // Of two scribes that wrote at once, it may have known the other one only.
        for (const char* time :
             {"opened_at", "closed_at", "duration_seconds", "confirmed_after_seconds"}) {
            document.erase(time);
        }
        return document;
    };
    await([&] { return mesh.agent(2).check("homepage")["epoch"] == 3; },
          [&] { return mesh.agent(2).check("homepage").dump(2); });
    await([&] { return outage(2, "homepage#1") == outage(0, "homepage#1"); },
          [&] { return outage(2, "homepage#1").dump(2) + outage(0, "homepage#1").dump(2); });
    CHECK(outage(2, "homepage#1")["state"] == "closed");
    CHECK(outage(2, "homepage#1")["class"] == "refused");
    const Json still_open = mesh.agent(2).json({"outages", "--open"});
    for (const Json& open : still_open["outages"]) CHECK(open["id"] != "homepage#1");
}

TEST_CASE("a target that flaps is at most one outage a minute") {
    MeshTarget web;
    TestMesh mesh(3);
    start_watching(mesh, web, 3);
    const auto shortest = [&] {  // Seconds that the outage which is open must last.
        const Json why = mesh.agent(0).json({"why", "homepage"});
        const auto seconds = [](const std::string& time) {
            const auto at = [&](std::size_t place) { return std::stoi(time.substr(place, 2)); };
            return at(11) * 3600 + at(14) * 60 + at(17);
        };
        const int least = seconds(why["current"]["closes_not_before"]) - seconds(why["opened_at"]);
        return (least + 24 * 3600) % (24 * 3600);
    };
    web.stop();
    await_state(mesh, {0}, "homepage", "down");
    CHECK(shortest() < 40);  // Ten seconds, and what the second write of them takes.
    web.start();
    await_state(mesh, {0}, "homepage", "up");
    // The second within a minute of the first lasts a minute, whatever the target does.
    web.stop();
    await_state(mesh, {0}, "homepage", "down");
    CHECK(shortest() >= 59);
}

}  // namespace
}  // namespace picket::testing
