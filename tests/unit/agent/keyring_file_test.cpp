#include "agent/keyring_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "tests/support/temporary_directory.h"

namespace picket {
namespace {

const std::string first = "AAAAAAAAAAAAAAAAAAAAAA==";
const std::string second = "AQEBAQEBAQEBAQEBAQEBAQ==";

struct Files {
    GossipConfig gossip;
    testing::TemporaryDirectory directory;

    void write(const std::string& name, const std::string& text) {
        chmod(directory.write(name, text).c_str(), 0640);
    }
    Result<LoadedKeys> load() {
        gossip.keyring = directory.path("seed");
        return load_keys(gossip, directory.path());
    }
};

TEST_CASE("the seed counts until a live ring is there, and the live ring from then on") {
    Files files;
    files.write("seed", first + "\n");
    auto loaded = files.load();
    REQUIRE(loaded.has_value());
    REQUIRE(loaded->keys.size() == 1);
    CHECK(loaded->keys[0].to_base64() == first);
    CHECK(loaded->problems.empty());

    files.write("keyring", keyring_text(std::vector{*gossip::wire::Key::parse_base64(second),
                                                    *gossip::wire::Key::parse_base64(first)}));
    loaded = files.load();
    REQUIRE(loaded.has_value());
    REQUIRE(loaded->keys.size() == 2);
    CHECK(loaded->keys[0].to_base64() == second);
    CHECK(loaded->origin == live_ring_path(files.directory.path()));
    CHECK(loaded->problems.empty());
}

TEST_CASE("a seed that the live ring has left behind is a problem that says so") {
    Files files;
    files.write("seed", first + "\n");
    files.write("keyring", second + "\n");
    const auto loaded = files.load();
    REQUIRE(loaded.has_value());
    REQUIRE(loaded->problems.size() == 1);
    CHECK(loaded->problems[0].find("is not in the live ring") != std::string::npos);
}

TEST_CASE("a seed that everyone can read is a problem, one that is missing or broken an error") {
    Files files;
    CHECK(files.load().error().message().find("no such file") != std::string::npos);
    files.write("seed", first + "\n");
    chmod(files.directory.path("seed").c_str(), 0644);
    CHECK(files.load()->problems[0].find("chmod 0640") != std::string::npos);
    files.write("seed", "# mine\nnonsense\n");
    CHECK(files.load().error().message().find("seed: line 2: ") != std::string::npos);
    // A live ring that cannot be read must not let the agent fall back to an old key.
    files.write("seed", first + "\n");
    files.write("keyring", "nonsense\n");
    CHECK(files.load().error().message().find("keyring: line 1: ") != std::string::npos);
}

TEST_CASE("the nonces of a key are others at each boot") {
    auto one = fresh_nonces();
    auto two = fresh_nonces();
    CHECK(*one.next() != *two.next());
}

}  // namespace
}  // namespace picket
