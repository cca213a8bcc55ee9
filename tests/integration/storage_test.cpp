// What the agent does when its disk does not: it goes on probing and says so.

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/mount.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "agent/base/time.h"
#include "storage/page_checksums.h"
#include "tests/support/servers.h"
#include "tests/support/test_agent.h"
#include "tests/support/test_mesh.h"

namespace picket::testing {
namespace {

namespace fs = std::filesystem;

// Up also where the machine has no time for it now and then.
const std::string dummy =
    "[command.one]\ncommand = [\"/usr/lib/nagios/plugins/check_dummy\", \"0\"]\ninterval = "
    "\"200ms\"\n"
    "timeout = \"150ms\"\nfail_after = 100\n";

bool problem_with(const TestAgent& agent, const std::string& words) {
    const Json status = agent.json({"status"});
    for (const Json& problem : status["agent"]["problems"]) {
        if (problem.get<std::string>().find(words) != std::string::npos) return true;
    }
    return false;
}

Json history(const TestAgent& agent) {
    return agent.json({"history", "one", "--since", "1h"})["points"];
}

std::size_t points(const TestAgent& agent) {
    return history(agent).size();
}

// Outcomes are written in batches: awaits the time when some are on disk.
void await_points(const TestAgent& agent, std::size_t more_than) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (points(agent) <= more_than) REQUIRE(std::chrono::steady_clock::now() < deadline);
}

TEST_CASE("what was seen is there after a restart, and offline") {
    TestAgent agent;
    agent.define("one.toml", dummy);
    agent.start();
    agent.await_state("one", "up");
    await_points(agent, 3);
    CHECK(agent.stop() == 0);

    const Finished offline = run({program("picket"), "--socket", agent.socket_path(), "history",
                                  "one", "--db", agent.state_path("picket.db"), "--json"});
    CHECK(offline.exit_code == 0);
    const Json document = Json::parse(offline.output);
    CHECK(document["check"] == "one");
    CHECK(document["points"].size() > 3);

    agent.start();
    CHECK(agent.check("one")["state"] == "up");  // Before anything was asked again.
    CHECK(points(agent) >= document["points"].size());
}

TEST_CASE("a verdict survives a kill -9, and its outage has the same number") {
    Nginx web("server { listen 127.0.0.1:PORT; location / { return 200; } }");
    TestAgent agent;
    agent.define("web.toml", "[http.homepage]\nurl = \"" + web.url() +
                                 "\"\ninterval = \"2s\"\ntimeout = \"1900ms\"\n");
    agent.start();
    agent.await_state("homepage", "up");
    web.stop();
    agent.await_state("homepage", "down");
    // Durable once told: an open outage is listed from the database.
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (agent.json({"outages"})["outages"].empty()) {
        REQUIRE(std::chrono::steady_clock::now() < deadline);
    }
    agent.kill();
    agent.start();
    const Json check = agent.check("homepage");
    CHECK(check["state"] == "down");
    CHECK(check["epoch"] == 1);
    web.start();
    agent.await_state("homepage", "up");
    CHECK(agent.json({"outage", "homepage#1"})["state"] == "closed");
}

TEST_CASE("a corrupt database is set aside and the agent starts afresh") {
    TestAgent agent;
    agent.define("one.toml", dummy);
    fs::create_directory(agent.state_path());
    agent.directory().write("state/picket.db", "this is no database, but somebody's notes");
    agent.start();
    agent.await_state("one", "up");
    await_points(agent, 1);
    CHECK(problem_with(agent, "picket.db.corrupt-"));
    std::string kept;
    for (const auto& entry : fs::directory_iterator(agent.state_path())) {
        const std::string name = entry.path().filename();
        if (name.starts_with("picket.db.corrupt-")) kept = "state/" + name;
    }
    REQUIRE_FALSE(kept.empty());
    CHECK(agent.directory().read(kept) == "this is no database, but somebody's notes");
}

TEST_CASE("a byte that changed on disk costs no history, and is told") {
    TestAgent agent;
    agent.define("one.toml", dummy);
    agent.start();
    await_points(agent, 3);
    CHECK(agent.stop() == 0);
    const Finished offline = run({program("picket"), "--socket", agent.socket_path(), "history",
                                  "one", "--db", agent.state_path("picket.db"), "--json"});
    const std::size_t before = Json::parse(offline.output)["points"].size();
    std::string bytes = agent.directory().read("state/picket.db");
    bytes[200] = static_cast<char>(bytes[200] ^ 0x10);
    agent.directory().write("state/picket.db", bytes);

    agent.start();
    CHECK(problem_with(agent, "set aside as"));
    CHECK(problem_with(agent, "which is all"));
    CHECK(agent.check("one")["state"] == "up");  // Before anything was asked again.
    CHECK(points(agent) >= before);
}

TEST_CASE("a newer database is refused untouched, and probing goes on without it") {
    TestAgent agent;
    agent.define("one.toml", dummy);
    agent.start();
    await_points(agent, 1);
    CHECK(agent.stop() == 0);
    // user_version stands at offset 60 of the file, big-endian.
    std::string bytes = agent.directory().read("state/picket.db");
    bytes[62] = 0x7f;
    storage::sign_page(std::span(reinterpret_cast<std::uint8_t*>(bytes.data()), 4'096));
    agent.directory().write("state/picket.db", bytes);
    agent.start();
    CHECK(problem_with(agent, "newer"));
    agent.await_finding("one", "passed");
    CHECK(agent.stop() == 0);
    CHECK(agent.directory().read("state/picket.db") == bytes);
}

TEST_CASE("a read-only state directory stops no probe") {
    TestAgent agent;
    agent.define("one.toml", dummy);
    fs::create_directory(agent.state_path());
    // A mount, since permissions do not stop root. It goes with the namespace.
    REQUIRE(mount("none", agent.state_path().c_str(), "tmpfs", MS_RDONLY, "size=1m") == 0);
    agent.start();
    agent.await_state("one", "up");
    CHECK(problem_with(agent, "read-only"));
    CHECK(agent.stop() == 0);
    CHECK(umount(agent.state_path().c_str()) == 0);
}

// The state directory as a file system of its own. It goes with the namespace.
class StateMount {
public:
    explicit StateMount(const TestAgent& agent) : path_(agent.state_path()) {
        fs::create_directory(path_);
        REQUIRE(mount("none", path_.c_str(), "tmpfs", 0, "size=1m") == 0);
    }
    ~StateMount() { umount2(path_.c_str(), MNT_DETACH); }
    StateMount(const StateMount&) = delete;
    StateMount& operator=(const StateMount&) = delete;

    void fill() const {
        run({"/bin/sh", "-c", "cat /dev/zero >" + path_ + "/ballast 2>/dev/null"});
    }
    void make_room() const { fs::remove(path_ + "/ballast"); }
    void remount(const char* how) const {
        const Finished remounted = run({"/bin/mount", "-o", std::string("remount,") + how, path_});
        REQUIRE_MESSAGE(remounted.exit_code == 0, remounted.errors);
    }

private:
    std::string path_;
};

std::uint64_t counter(const TestAgent& agent, const std::string& name) {
    return agent.json({"status"})["agent"]["counters"][name].get<std::uint64_t>();
}

void await_counter(const TestAgent& agent, const std::string& name, std::uint64_t least) {
    await([&] { return counter(agent, name) >= least; },
          [&] { return name + ": " + std::to_string(counter(agent, name)); });
}

// So many that what waits for the disk is soon more than may wait.
std::string busy_checks() {
    std::string text;
    for (int each = 0; each < 60; ++each) {
        text +=
            "[memory.m" + std::to_string(each) + "]\ninterval = \"100ms\"\ntimeout = \"90ms\"\n";
    }
    return text;
}

// A disk is full for longer than memory can bridge: so long that ten commits are refused, and the
// oldest outcomes have to go. How long that takes depends on the limits, not on a clock.
TEST_CASE("a full disk costs history, is counted and shown, stops nothing, and heals by itself") {
    TestMesh mesh(2);
    TestAgent& agent = mesh.agent(0);
    agent.configure("[limits]\nhistory_rows_waiting_max = 1000\n");
    agent.define("busy.toml", busy_checks());
    agent.define("one.toml", dummy);
    const StateMount disk(agent);
    mesh.start();
    await_points(agent, 1);

    disk.fill();
    await_counter(agent, "history_batches_failed", 10);
    await_counter(agent, "history_rows_dropped", 1);
    CHECK(problem_with(agent, "full"));
    CHECK(problem_with(agent, "1000 outcomes wait in memory"));
    // Probing goes on, and so does gossip: a member that ends is missed.
    const Json before = agent.check("one")["last"]["at"];
    await([&] { return agent.check("one")["last"]["at"] != before; }, [] { return "no run"; });
    mesh.agent(1).kill();
    await([&] { return member_state(agent, "a2") != "alive"; }, [] { return "a2 is not missed"; });

    const std::uint64_t written = counter(agent, "history_rows_written");
    disk.make_room();
    // All that waited is written; then there is no more to say.
    await_counter(agent, "history_rows_written", written + 1'000);
    await([&] { return !problem_with(agent, "full"); }, [] { return "still told as full"; });
    const std::uint64_t dropped = counter(agent, "history_rows_dropped");
    CHECK(dropped > 0);
    CHECK(agent.stop() == 0);
    const Finished offline =
        run({program("picket"), "--socket", agent.socket_path(), "availability", "one", "--db",
             agent.state_path("picket.db"), "--json"});
    CHECK(Json::parse(offline.output)["checks"][0]["passed"].get<std::uint64_t>() > 0);
}

// While files are open for writing the kernel refuses to remount what is well; so the disk becomes
// read-only between two lives of the agent, and writable again within one.
TEST_CASE(
    "a disk remounted read-only stops no probe, and is written to once it is writable again") {
    TestAgent agent;
    agent.define("one.toml", dummy);
    const StateMount disk(agent);
    agent.start();
    await_points(agent, 3);
    CHECK(agent.stop() == 0);

    disk.remount("ro");
    agent.start();
    agent.await_finding("one", "passed");
    CHECK(problem_with(agent, "ead-only"));
    CHECK(counter(agent, "history_rows_written") == 0);

    disk.remount("rw");
    await_counter(agent, "history_rows_written", 1);
    CHECK_FALSE(problem_with(agent, "ead-only"));
    await_points(agent, 4);  // With what was there before.
    CHECK(agent.stop() == 0);
}

// The state directory as a disk whose file system can fail. It goes with the namespace.
class FailingDisk {
public:
    explicit FailingDisk(const TestAgent& agent)
        : path_(agent.state_path()), image_(agent.directory().path("disk.img")) {
        fs::create_directory(path_);
        must({"/usr/bin/truncate", "-s", "16M", image_});
        must({"/sbin/mkfs.ext4", "-q", image_});
        mounted_ = mount_again();
    }
    ~FailingDisk() { umount2(path_.c_str(), MNT_DETACH); }
    FailingDisk(const FailingDisk&) = delete;
    FailingDisk& operator=(const FailingDisk&) = delete;

    // False where the machine lends no loop device.
    bool mounted() const { return mounted_; }
    // What errors=remount-ro does after the first error, also where files are open for writing.
    void fail() const { must({"/bin/mount", "-o", "remount,abort", path_}); }
    // As a person does it.
    void mend() const {
        REQUIRE(umount(path_.c_str()) == 0);
        const Finished checked = run({"/sbin/e2fsck", "-p", image_});
        REQUIRE_MESSAGE(checked.exit_code <= 1, checked.output);
        REQUIRE(mount_again());
    }

private:
    static void must(const std::vector<std::string>& command) {
        const Finished finished = run(command);
        REQUIRE_MESSAGE(finished.exit_code == 0, finished.errors);
    }
    bool mount_again() const {
        return run({"/bin/mount", "-o", "loop", image_, path_}).exit_code == 0;
    }

    std::string path_;
    std::string image_;
    bool mounted_ = false;
};

TEST_CASE(
    "a file system that turns read-only under the agent stops no probe, and is told as that") {
    TestAgent agent;
    const FailingDisk disk(agent);
    if (!disk.mounted()) {
        // The store alone is tested in the same way with a disk of its own (power_loss_test).
        MESSAGE("NOT TESTED: this machine lends no loop device");
        return;
    }
    agent.configure("[limits]\nhistory_rows_waiting_max = 1000\n");
    agent.define("busy.toml", busy_checks());
    agent.define("one.toml", dummy);
    agent.start();
    await_points(agent, 1);
    const std::size_t before = points(agent);

    disk.fail();
    await_counter(agent, "history_batches_failed", 3);
    await_counter(agent, "history_rows_dropped", 1);
    CHECK(problem_with(agent, "ead-only file system"));
    CHECK(problem_with(agent, "1000 outcomes wait in memory"));
    const Json last = agent.check("one")["last"]["at"];
    await([&] { return agent.check("one")["last"]["at"] != last; }, [] { return "no run"; });
    CHECK(points(agent) >= before);  // Reading goes on, too.
    CHECK(agent.stop() == 0);

    disk.mend();
    agent.start();
    await_counter(agent, "history_rows_written", 1);
    CHECK_FALSE(problem_with(agent, "ead-only"));
    await_points(agent, before);
    CHECK(agent.stop() == 0);
}

WallTime time_of(const Json& text) {
    const auto time = parse_time(text.get<std::string>());
    REQUIRE_MESSAGE(time, text.dump());
    return *time;
}

TEST_CASE(
    "killed at any moment, the agent loses at most the last second, and stores nothing twice") {
    TestAgent agent;
    agent.define("one.toml", dummy);
    std::size_t before = 0;
    for (int i = 0; i < 5; ++i) {
        agent.start();
        const std::size_t found = points(agent);
        CHECK(found >= before);
        await_points(agent, found + 2);
        // What an answer tells is on disk.
        const Json told = history(agent);
        before = told.size();
        const WallTime seen = time_of(agent.check("one")["last"]["at"]);
        agent.kill();
        const Finished offline = run({program("picket"), "--socket", agent.socket_path(), "history",
                                      "one", "--db", agent.state_path("picket.db"), "--json"});
        REQUIRE(offline.exit_code == 0);
        const Json stored = Json::parse(offline.output)["points"];
        WallTime last{};
        for (const Json& point : stored) {
            if (point["finding"] == "not_observed") continue;
            CHECK(time_of(point["at"]) > last);
            last = time_of(point["at"]);
        }
        CHECK(last >= time_of(told.back()["at"]));
        WARN(last >= seen - std::chrono::seconds(1));  // Where the disk is no slower than that.
    }
}

}  // namespace
}  // namespace picket::testing
