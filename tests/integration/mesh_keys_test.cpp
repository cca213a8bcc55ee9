// Keys of a mesh: who does not have them stays outside, and they change under way.

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "tests/support/firewall.h"
#include "tests/support/test_mesh.h"

namespace picket::testing {
namespace {

std::string new_key() {
    const Finished finished = run({program("picket"), "key", "generate"});
    REQUIRE(finished.exit_code == 0);
    REQUIRE(finished.output.size() == 45);  // 32 bytes in base64, and a line feed.
    return finished.output.substr(0, 44);
}

// A mesh whose agents start with `key`.
struct SealedMesh {
    explicit SealedMesh(std::size_t agents) : mesh(agents, gossip()) {}

    std::string gossip() const {
        return fmt::format("profile = \"local\"\nkeyring = \"{}\"\n", keyring);
    }
    Json key(std::vector<std::string> words, std::size_t on = 0) {
        words.insert(words.begin(), "key");
        return mesh.agent(on).json(std::move(words));
    }

    TemporaryDirectory directory;
    std::string first = new_key();
    std::string keyring = write_keyring();
    TestMesh mesh;

private:
    std::string write_keyring() const {
        const std::string path = directory.write("keyring", first + "\n");
        chmod(path.c_str(), 0640);
        return path;
    }
};

TEST_CASE("every key that is generated is another one") {
    CHECK(new_key() != new_key());
}

TEST_CASE("an agent with another key, none, or another label stays outside") {
    SealedMesh sealed(2);
    sealed.mesh.start();
    TestAgent other("b1");
    const std::string wrong = other.directory().write("wrong", new_key() + "\n");
    chmod(wrong.c_str(), 0640);
    other.configure(
        fmt::format("[gossip]\nbind = \"127.0.0.9:7946\"\njoin = [\"127.0.0.1\"]\nprofile = "
                    "\"local\"\nkeyring = \"{}\"\n",
                    wrong));
    TestAgent open("b2");
    open.configure(
        "[gossip]\nbind = \"127.0.0.10:7946\"\njoin = [\"127.0.0.1\"]\nprofile = \"local\"\n");
    TestAgent label("b3");
    label.configure(
        "[gossip]\nbind = \"127.0.0.11:7946\"\njoin = [\"127.0.0.1\"]\nlabel = \"other\"\n" +
        sealed.gossip());
    for (TestAgent* outsider : {&other, &open, &label}) outsider->start();
    // Each has tried, and been refused: that is counted.
    await(
        [&] {
            const Json counters = sealed.mesh.agent(0).json({"status"})["agent"]["counters"];
            return counters["gossip_messages_refused"] >= 3;
        },
        [&] { return sealed.mesh.agent(0).json({"status"}).dump(2); });
    sealed.mesh.await_alive(2);
    CHECK(sealed.mesh.agent(0).json({"members"})["members"].size() == 2);
    for (TestAgent* outsider : {&other, &open, &label}) {
        CHECK(outsider->json({"status"})["mesh"]["alive"] == 1);
    }
}

TEST_CASE("keys rotate across the mesh without losing a member") {
    SealedMesh sealed(4);
    sealed.mesh.start();
    const std::string second = new_key();

    const Json before = sealed.key({"list"});
    REQUIRE(before["keys"].size() == 1);
    CHECK(before["keys"][0]["primary_on"] == 4);
    const std::string first_id = before["keys"][0]["id"];

    // What nobody has cannot be used, and the primary cannot go.
    const Finished early = sealed.mesh.agent(0).picket({"key", "use", second});
    CHECK(early.exit_code == 1);
    CHECK(early.errors.find("that key is not in the ring") != std::string::npos);
    CHECK(sealed.mesh.agent(1).picket({"key", "remove", first_id}).errors.find("is the primary") !=
          std::string::npos);

    const Json installed = sealed.key({"install", second});
    CHECK(installed["confirmed"] == 4);
    CHECK(installed["unconfirmed"].empty());
    REQUIRE(installed["keys"].size() == 2);
    CHECK(installed["keys"][1]["installed_on"] == 4);
    const std::string second_id = installed["keys"][1]["id"];

    // Anybody may ask, and the same again changes nothing.
    CHECK(sealed.key({"use", second_id}, 2)["confirmed"] == 4);
    CHECK(sealed.key({"use", second_id}, 2)["confirmed"] == 4);
    CHECK(sealed.key({"list"})["keys"][0]["id"] == second_id);
    CHECK(sealed.key({"remove", first_id}, 3)["confirmed"] == 4);
    const Json after = sealed.key({"list"}, 1);
    REQUIRE(after["keys"].size() == 1);
    CHECK(after["keys"][0]["id"] == second_id);
    CHECK(after["keys"][0]["primary_on"] == 4);

    // The live ring outlives a restart, whatever the seed says; both are told.
    const std::string ring = sealed.mesh.agent(3).state_path("keyring");
    CHECK((std::filesystem::status(ring).permissions() & std::filesystem::perms::all) ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
    sealed.mesh.agent(3).kill();
    sealed.mesh.start(3);
    sealed.mesh.await_alive(4);
    CHECK(sealed.mesh.agent(3).json({"status"})["agent"]["problems"].dump().find(
              "is not in the live ring") != std::string::npos);
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(sealed.mesh.agent(i).picket({"events"}).output.find("has left") == std::string::npos);
    }
}

TEST_CASE("a member that does not answer is named, and no key is used over its head") {
    SealedMesh sealed(3);
    sealed.mesh.start();
    const std::string second = new_key();
    Firewall firewall;
    firewall.cut("127.0.0.3", "{ 127.0.0.1, 127.0.0.2 }");
    firewall.cut("{ 127.0.0.1, 127.0.0.2 }", "127.0.0.3");
    const Finished installed = sealed.mesh.agent(0).picket({"key", "install", second, "--json"});
    CHECK(installed.exit_code == 1);
    const Json silent = Json::parse(installed.output);
    CHECK(silent["asked"] == 3);
    CHECK(silent["confirmed"] == 2);
    REQUIRE(silent["unconfirmed"].size() == 1);
    CHECK(silent["unconfirmed"][0]["agent"] == "a3");
    firewall.heal();
    sealed.mesh.await_alive(3);

    const std::string id = silent["keys"][1]["id"];
    const Finished used = sealed.mesh.agent(0).picket({"key", "use", id});
    CHECK(used.exit_code == 1);
    CHECK(used.errors.find("a3 would be cut off") != std::string::npos);
    CHECK(sealed.key({"install", second})["confirmed"] == 3);
    CHECK(sealed.key({"use", id})["confirmed"] == 3);
}

TEST_CASE("a mesh without keys takes none: it would travel in clear") {
    TestMesh mesh(2);
    mesh.start();
    const Finished finished = mesh.agent(0).picket({"key", "install", new_key()});
    CHECK(finished.exit_code == 1);
    CHECK(finished.errors.find("a new one would travel in clear") != std::string::npos);
}

}  // namespace
}  // namespace picket::testing
