// The life of an agent: start, reload, stop, and what people do to its files.

#include <doctest/doctest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>

#include "tests/support/servers.h"
#include "tests/support/test_agent.h"

namespace picket::testing {
namespace {

namespace fs = std::filesystem;

std::string dummy(const std::string& name, int state, const std::string& interval = "1h") {
    return "[command.\"" + name + "\"]\ncommand = [\"/usr/lib/nagios/plugins/check_dummy\", \"" +
           std::to_string(state) + "\"]\ninterval = \"" + interval + "\"\n";
}

TEST_CASE("an agent without checks starts, answers and stops without a trace") {
    TestAgent agent;
    agent.start();
    const Json status = agent.json({"status"});
    CHECK(status["agent"]["name"] == "a1");
    CHECK(status["agent"]["zone"] == "z1");
    CHECK(status["agent"]["problems"].empty());
    CHECK(status["checks"].empty());
    CHECK(status["mesh"]["alive"] == 1);
    CHECK(agent.picket({"status", "--exit-code"}).exit_code == 0);

    CHECK(agent.stop() == 0);
    CHECK_FALSE(fs::exists(agent.socket_path()));
    CHECK(agent.picket({"status"}).exit_code == 3);
}

TEST_CASE("an agent stops at once while probes are in flight") {
    TestAgent agent;
    agent.define("slow.toml",
                 "[command.slow]\ncommand = [\"/bin/sleep\", \"600\"]\ntimeout = \"590s\"\n"
                 "interval = \"600s\"\n");
    agent.start();
    // The run in flight is what the agent must not wait for.
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (agent.json({"status"})["agent"]["counters"]["starts"] == 0) {
        REQUIRE(std::chrono::steady_clock::now() < deadline);
    }
    CHECK(agent.stop() == 0);  // It is waited for far shorter than the run would last.
}

TEST_CASE("two agents never share a state directory or a socket") {
    TestAgent agent;
    agent.start();
    const Finished second =
        run({program("picketd"), "--config", agent.config_path()}, {{"NOTIFY_SOCKET", ""}});
    CHECK(second.exit_code == 1);
    CHECK(second.errors.find("another picketd") != std::string::npos);
    CHECK(agent.picket({"status"}).exit_code == 0);
}

TEST_CASE("a socket that a killed agent left behind is no obstacle") {
    TestAgent agent;
    agent.start();
    agent.kill();
    CHECK(fs::exists(agent.socket_path()));
    agent.start();
    CHECK(agent.picket({"status"}).exit_code == 0);
}

TEST_CASE("files dropped in, changed and removed take effect by themselves") {
    TestAgent agent;
    agent.start();
    agent.define("one.toml", dummy("one", 0));
    agent.await({{"type", "reload"}});
    agent.await_state("one", "up");

    agent.define("one.toml", dummy("two", 0));
    agent.await({{"type", "reload"}});
    CHECK(agent.check("two")["type"] == "command");
    CHECK(agent.json({"status"})["checks"].size() == 1);

    agent.undefine("one.toml");
    agent.await({{"type", "reload"}});
    CHECK(agent.json({"status"})["checks"].empty());
}

TEST_CASE("five hundred files at once are one reload") {
    TestAgent agent;
    agent.start();
    // However slowly this writes them.
    agent.process().signal(SIGSTOP);
    for (int i = 0; i < 500; ++i) {
        agent.define("c" + std::to_string(i) + ".toml", dummy("c" + std::to_string(i), 0));
    }
    agent.process().signal(SIGCONT);
    const Json reload = agent.await({{"type", "reload"}});
    CHECK(reload["message"].get<std::string>().find("500 added") != std::string::npos);
    CHECK(agent.json({"status"})["checks"].size() == 500);
}

TEST_CASE("a reload leaves what did not change alone: its state, its outcome, its epoch") {
    TestAgent agent;
    agent.define("one.toml", dummy("one", 0));
    agent.define("two.toml", dummy("two", 0));
    agent.start();
    agent.await_state("one", "up");
    const Json before = agent.recorded("one");

    agent.define("two.toml", dummy("two", 0, "2h"));
    agent.await({{"type", "reload"}});
    CHECK(agent.recorded("one") == before);

    // Asked for, by a signal, and by the command: the same, and nothing to do.
    agent.process().signal(SIGHUP);
    agent.await({{"type", "reload"}});
    const Json reload = agent.json({"reload"});
    CHECK(reload["unchanged"] == 2);
    CHECK(reload["changed"] == 0);
    CHECK(agent.recorded("one") == before);
}

TEST_CASE("a bad file changes nothing but the list of problems") {
    TestAgent agent;
    agent.define("one.toml", dummy("one", 0));
    agent.start();
    agent.await_state("one", "up");

    agent.define("one.toml", "[command.one]\ncomand = [\"/bin/true\"]\n");
    agent.define("two.toml", dummy("two", 0));
    agent.await({{"type", "reload"}});
    const Json status = agent.json({"status"});
    REQUIRE(status["agent"]["problems"].size() >= 1);
    const std::string problem = status["agent"]["problems"][0];
    CHECK(problem.find("one.toml:2:1: ") != std::string::npos);
    CHECK(problem.find("did you mean command") != std::string::npos);
    CHECK(agent.check("one")["state"] == "up");
    agent.await_state("two", "up");

    agent.define("one.toml", dummy("one", 0));
    agent.await({{"type", "reload"}});
    CHECK(agent.json({"status"})["agent"]["problems"].empty());
}

TEST_CASE("on a cold start a faulty check is shown as unknown with its problem") {
    TestAgent agent;
    agent.define("bad.toml", "[http.homepage]\nurl = \"http://127.0.0.1/\"\ninterval = \"1s\"\n");
    agent.start();
    const Json check = agent.check("homepage");
    CHECK(check["state"] == "unknown");
    CHECK(check["problem"].get<std::string>().find("timeout") != std::string::npos);
    CHECK(agent.picket({"status", "--exit-code"}).exit_code == 1);
}

TEST_CASE("validate says every problem where it is, and runs nothing") {
    TestAgent agent;
    agent.define("bad.toml",
                 "[http.homepage]\nurl = \"http://127.0.0.1/\"\nintervall = \"10s\"\n"
                 "body_matches = \"(\"\n");
    agent.directory().write("picket.toml",
                            "[agent]\nchecks = [\"" + agent.directory().path("checks.d") + "\"]\n");
    const Finished validated =
        run({program("picketd"), "validate", "--config", agent.config_path()});
    CHECK(validated.exit_code == 1);
    CHECK(validated.output.find("bad.toml:3:1: ") != std::string::npos);
    CHECK(validated.output.find("did you mean interval") != std::string::npos);
    CHECK(validated.output.find("bad.toml:4:") != std::string::npos);

    agent.define("bad.toml", dummy("one", 0));
    CHECK(run({program("picketd"), "validate", "--config", agent.config_path()}).exit_code == 0);
}

TEST_CASE("a secret reaches the target and no output") {
    Nginx web(
        "server { listen 127.0.0.1:PORT; location / { if ($http_authorization != 'Bearer "
        "s3cr3t-t0ken') { return 403; } return 200 'in'; } }");
    TestAgent agent;
    const std::string file = agent.directory().write("token", "Bearer s3cr3t-t0ken\n");
    agent.define("web.toml", "[http.homepage]\nurl = \"" + web.url() +
                                 "\"\nheaders = { Authorization = \"${file:" + file + "}\" }\n");
    agent.start();
    agent.await_state("homepage", "up");
    for (const auto& arguments :
         std::vector<std::vector<std::string>>{{"show", "homepage"},
                                               {"show", "homepage", "--json"},
                                               {"status", "--json"},
                                               {"probe", "homepage", "--trace"},
                                               {"probe", "homepage", "--json"},
                                               {"history", "homepage", "--json"},
                                               {"events", "--json"}}) {
        const Finished shown = agent.picket(arguments);
        CHECK(shown.exit_code == 0);
        CHECK(shown.output.find("s3cr3t") == std::string::npos);
    }
    CHECK(agent.picket({"show", "homepage"}).output.find("${file:") != std::string::npos);
}

}  // namespace
}  // namespace picket::testing
