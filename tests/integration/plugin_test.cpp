// Command checks with Debian's monitoring-plugins, and with plugins that misbehave.

#include <doctest/doctest.h>

#include <string>

#include "tests/support/servers.h"
#include "tests/support/test_agent.h"

namespace picket::testing {
namespace {

const std::string plugins = "/usr/lib/nagios/plugins/";

std::string command(const std::string& name, const std::string& arguments,
                    const std::string& more = "") {
    return "[command." + name + "]\ncommand = [" + arguments +
           "]\ninterval = \"2s\"\ntimeout = \"1900ms\"\n" + more;
}

std::string message(const Json& last) {
    return last["message"].get<std::string>();
}

TEST_CASE("a plugin's four states are what they are held to be") {
    TestAgent agent;
    std::string text;
    for (const char* state : {"0", "1", "2", "3"}) {
        text += command(std::string("state-") + state,
                        "\"" + plugins + "check_dummy\", \"" + state + "\", \"as asked\"");
    }
    text += command("strict", "\"" + plugins + "check_dummy\", \"1\"", "fail_on = \"warning\"\n");
    agent.define("commands.toml", text);
    agent.start();
    CHECK(message(agent.await_finding("state-0", "passed")) == "OK: as asked");
    CHECK(message(agent.await_finding("state-1", "passed")) == "WARNING: as asked");
    const Json critical = agent.await_finding("state-2", "failed", "plugin");
    CHECK(message(critical) == "CRITICAL: as asked");
    CHECK(message(agent.await_finding("state-3", "errored")) == "UNKNOWN: as asked");
    agent.await_finding("strict", "failed", "plugin");
    agent.await_state("state-2", "down");
    CHECK(agent.check("state-3")["state"] == "unknown");
}

TEST_CASE("real plugins ask real things and their figures are kept") {
    Nginx web("server { listen 127.0.0.1:PORT; location / { return 200 'Welcome'; } }");
    const std::string port = std::to_string(web.port());
    TestAgent agent;
    agent.define(
        "commands.toml",
        command("load", "\"" + plugins +
                            "check_load\", \"-w\", \"900,900,900\", \"-c\", "
                            "\"999,999,999\"") +
            command("port", "\"" + plugins + "check_tcp\", \"-H\", \"127.0.0.1\", \"-p\", \"" +
                                port + "\""));
    agent.start();
    agent.await_finding("load", "passed");
    agent.await_finding("port", "passed");
    const Json outcome = agent.json({"probe", "load"});
    REQUIRE(outcome["metrics"].size() >= 3);
    CHECK(outcome["metrics"][0]["label"] == "load1");
    web.stop();
    agent.await_state("port", "down");
}

TEST_CASE("plugins that hang, fork, flood or die disturb nobody") {
    TestAgent agent;
    const auto script = [&](const std::string& name, const std::string& commands) {
        return "\"" + agent.directory().write_script(name, commands) + "\"";
    };
    agent.define(
        "commands.toml",
        command("hang", script("hang", "sleep 3600")) +
            command("stubborn",
                    script("stubborn", "trap '' TERM INT HUP\nwhile :; do sleep 3600; done")) +
            command("fork", script("fork", "sleep 3600 &\nsleep 3600")) +
            command("leave", script("leave", "sleep 3600 &\necho OK left a child behind")) +
            command("flood", script("flood", "echo OK first\nhead -c 10000000 /dev/zero")) +
            command("die", script("die", "kill -SEGV $$")) +
            command("missing", "\"/nonexistent/plugin\"") +
            command("environment",
                    script("environment",
                           "[ -z \"$PICKET_TEST_LEAK\" ] && "
                           "[ \"$KEPT\" = yes ] && echo OK"),
                    "env = { KEPT = \"yes\" }\n"));
    agent.start({{"PICKET_TEST_LEAK", "leaked"}});
    for (const char* name : {"hang", "stubborn", "fork"}) {
        CAPTURE(name);
        const Json last = agent.await_finding(name, "failed");
        CHECK(last["class"] == "timeout");
        CHECK(last["latency_ms"].get<double>() >= 1890);
    }
    CHECK(message(agent.await_finding("leave", "passed")) == "OK left a child behind");
    CHECK(message(agent.await_finding("flood", "passed")) == "OK first");
    CHECK(message(agent.await_finding("die", "errored")).find("signal") != std::string::npos);
    CHECK(message(agent.await_finding("missing", "errored")).find("/nonexistent/plugin") !=
          std::string::npos);
    agent.await_finding("environment", "passed");
    CHECK(agent.stop() == 0);
}

}  // namespace
}  // namespace picket::testing
