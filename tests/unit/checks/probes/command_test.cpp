#include "checks/probes/command.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/limits.h"
#include "agent/io/clock.h"
#include "agent/io/loop.h"
#include "tests/support/processes.h"
#include "tests/support/temporary_directory.h"

namespace picket::checks {
namespace {

using namespace std::chrono_literals;

Text text(const std::string& value) {
    return {value, value};
}

Definition definition_of(const std::vector<std::string>& command) {
    CommandQuery query;
    for (const std::string& word : command) query.command.push_back(text(word));
    Definition definition;
    definition.name = "plugin";
    definition.scope = Scope::host;
    definition.query = query;
    return definition;
}

// One run against a deadline; checks that no descriptor is left behind.
Outcome ask(const Definition& definition, Duration timeout = 60s) {
    const io::Loop first;  // The first loop of a process opens two descriptors for good.
    const std::size_t descriptors = testing::open_descriptors();
    std::optional<Outcome> outcome;
    {
        io::Loop loop;
        const auto probe = make_command_probe(definition, loop);
        const Instant now = io::monotonic_now();
        probe->start(now, now + timeout, [&](Outcome found) {
            CHECK_FALSE(outcome);
            outcome = std::move(found);
        });
        CHECK_FALSE(outcome);
        while (!outcome) loop.run_once();
    }
    CHECK(testing::open_descriptors() == descriptors);
    return *std::move(outcome);
}

struct Plugin {
    explicit Plugin(const std::string& commands)
        : path(directory.write_script("check_it", commands)), definition(definition_of({path})) {}

    CommandQuery& query() { return definition.query.as<CommandQuery>(); }

    testing::TemporaryDirectory directory;
    std::string path;
    Definition definition;
};

Outcome ask_script(const std::string& commands) {
    return ask(Plugin(commands).definition);
}

TEST_CASE("OK passes, with the first line, the whole output and the performance data") {
    const Outcome outcome =
        ask_script("echo 'PING OK - 1 ms|rta=0.8ms;10;20 pl=0% lost=U'; echo more");
    CHECK(outcome.finding == Finding::passed);
    CHECK(outcome.failure_class == FailureClass::none);
    CHECK(outcome.message == "PING OK - 1 ms");
    CHECK(outcome.detail == "PING OK - 1 ms|rta=0.8ms;10;20 pl=0% lost=U\nmore");
    CHECK(outcome.latency > 0s);
    REQUIRE(outcome.metrics.size() == 2);
    CHECK(outcome.metrics[0].label == "rta");
    CHECK(outcome.metrics[0].value == 0.8);
    CHECK(outcome.metrics[0].unit == "ms");
    CHECK(outcome.metrics[1].label == "pl");
    REQUIRE(outcome.expectations.size() == 1);
    CHECK(outcome.expectations[0].met);
    CHECK(outcome.expectations[0].found == "OK (exit code 0)");
}

TEST_CASE("WARNING passes and says so, unless fail_on is warning") {
    Plugin plugin("echo 'WARNING: 60 mails queued'; exit 1");
    Outcome outcome = ask(plugin.definition);
    CHECK(outcome.finding == Finding::passed);
    CHECK(outcome.message == "WARNING: 60 mails queued");
    CHECK(outcome.expectations[0].met);

    plugin.query().fail_on = PluginState::warning;
    outcome = ask(plugin.definition);
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.failure_class == FailureClass::plugin);
    CHECK(outcome.message == "WARNING: 60 mails queued");
    CHECK_FALSE(outcome.expectations[0].met);
}

TEST_CASE("CRITICAL fails with class plugin") {
    const Outcome outcome = ask_script("echo 'DISK CRITICAL | free=1%'; exit 2");
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.failure_class == FailureClass::plugin);
    CHECK(outcome.message == "DISK CRITICAL");
    CHECK(outcome.metrics.size() == 1);
}

TEST_CASE("UNKNOWN and codes that are no state are our own fault") {
    Outcome outcome = ask_script("echo 'UNKNOWN: no such device'; exit 3");
    CHECK(outcome.finding == Finding::errored);
    CHECK(outcome.failure_class == FailureClass::local);
    CHECK(outcome.message == "UNKNOWN: no such device");
    outcome = ask_script("exec nonexistent-program");
    CHECK(outcome.finding == Finding::errored);
    CHECK(outcome.message.find("exit code 127, which is no state: (nothing on stdout) stderr: ") ==
          0);
    CHECK(outcome.message.find("nonexistent-program") != std::string::npos);
}

TEST_CASE("a plugin that dies by a signal or cannot be run is our own fault") {
    const Plugin dying("echo early; kill -SEGV $$");
    Outcome outcome = ask(dying.definition);
    CHECK(outcome.finding == Finding::errored);
    CHECK(outcome.message == "run " + dying.path + ": died by signal 11 (SEGV)");
    CHECK(outcome.detail == "early");
    outcome = ask(definition_of({"/nonexistent/check_x"}));
    CHECK(outcome.finding == Finding::errored);
    CHECK(outcome.message == "run /nonexistent/check_x: no such file or directory");
}

TEST_CASE("a plugin that prints nothing is judged by its exit code") {
    CHECK(ask_script("exit 0").message == "exit code 0 and no output");
    CHECK(ask_script("echo 'cannot open' >&2; exit 2").message ==
          "(nothing on stdout) stderr: cannot open");
    CHECK(ask_script("exec >&- 2>&-; exit 2").finding == Finding::failed);
}

TEST_CASE("a plugin that forks, hangs and ignores signals fails at the deadline, and is gone") {
    Plugin plugin(
        "echo $$ > pid; trap '' TERM INT HUP; (trap '' TERM; sleep 1000) & sleep 1000; exit 0");
    plugin.query().working_directory = plugin.directory.path();
    const Outcome outcome = ask(plugin.definition, 300ms);
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.failure_class == FailureClass::timeout);
    CHECK(outcome.message == "run " + plugin.path + ": no result within 300ms; killed");
    CHECK(outcome.latency >= 300ms);
    CHECK(outcome.latency < 100s);
    const std::string pid = plugin.directory.read("pid");
    if (!pid.empty()) CHECK(testing::session_ended(std::stoi(pid)));
}

TEST_CASE("a plugin that prints ten megabytes is judged, its output cut and said to be") {
    const Outcome outcome =
        ask_script("echo 'CRITICAL: see below'; head -c 10000000 /dev/zero | tr '\\0' x; exit 2");
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.message == "CRITICAL: see below");
    CHECK(outcome.detail.size() <= 8192);
    CHECK(outcome.detail.substr(outcome.detail.size() - 17) == "\n[there was more]");
}

TEST_CASE("a long first line is cut in the message and whole in the detail") {
    const Outcome outcome = ask_script("printf '%0500d' 0");
    CHECK(outcome.message.size() == limits::message_bytes_max);
    CHECK(outcome.detail.size() == 500);
}

TEST_CASE("a right answer later than `latency` fails with class latency") {
    Plugin plugin("echo 'OK - fine'");
    plugin.definition.latency = 1us;
    Outcome outcome = ask(plugin.definition);
    CHECK(outcome.finding == Finding::failed);
    CHECK(outcome.failure_class == FailureClass::latency);
    CHECK(outcome.message.find(": OK - fine") != std::string::npos);
    REQUIRE(outcome.expectations.size() == 2);
    CHECK(outcome.expectations[0].met);
    CHECK_FALSE(outcome.expectations[1].met);
    plugin.definition.latency = 60s;
    CHECK(ask(plugin.definition).finding == Finding::passed);
}

TEST_CASE("a plugin sees its own environment, arguments and directory, and no shell") {
    Plugin plugin("echo \"$#:$1\"; env | sort; pwd");
    plugin.query().command.push_back(text("a b; $(false) *"));
    plugin.query().env = {{"PATH", text("/bin:/usr/bin")}, {"TOKEN", text("t")}};
    plugin.query().working_directory = plugin.directory.path();
    const Outcome outcome = ask(plugin.definition);
    CHECK(outcome.detail == "1:a b; $(false) *\nLC_ALL=C\nPATH=/bin:/usr/bin\nPWD=" +
                                plugin.directory.path() + "\nTOKEN=t\n" + plugin.directory.path());
}

TEST_CASE("a plugin cannot show a secret, not even one that the limit would cut") {
    Plugin plugin("echo \"user is $1|'$1'=1\"; echo \"denied $1\" >&2; printf '%08165d%s' 0 $1");
    plugin.query().command.push_back({"hunter2-long-secret", "${env:X}"});
    plugin.definition.secrets = {"hunter2-long-secret"};
    Outcome outcome = ask(plugin.definition);
    CHECK(outcome.message == "user is ***");
    CHECK(outcome.detail.find("hunt") == std::string::npos);
    REQUIRE(outcome.metrics.size() == 1);
    CHECK(outcome.metrics[0].label == "***");

    plugin.query().command = {{"/nonexistent/hunter2-long-secret", "/nonexistent/${env:X}"}};
    outcome = ask(plugin.definition);
    CHECK(outcome.message == "run /nonexistent/***: no such file or directory");
}

TEST_CASE("a run can be cancelled, and the next begun at once") {
    const Plugin plugin("test -e second && echo second && exit 0; sleep 1000");
    Definition definition = plugin.definition;
    definition.query.as<CommandQuery>().working_directory = plugin.directory.path();
    io::Loop loop;
    const auto probe = make_command_probe(definition, loop);
    const Instant now = io::monotonic_now();
    probe->start(now, now + 60s, [](const Outcome&) { FAIL("called"); });
    probe->cancel();
    CHECK_FALSE(loop.run_ready());
    plugin.directory.write("second", "");
    std::optional<Outcome> outcome;
    probe->start(now, now + 60s, [&](Outcome found) { outcome = std::move(found); });
    loop.run();
    REQUIRE(outcome);
    CHECK(outcome->message == "second");
    probe->cancel();  // Nothing is in flight: does nothing.
}

TEST_CASE("a failed start can be cancelled too") {
    io::Loop loop;
    const Definition definition = definition_of({"/nonexistent/check_x"});
    const auto probe = make_command_probe(definition, loop);
    const Instant now = io::monotonic_now();
    probe->start(now, now + 60s, [](const Outcome&) { FAIL("called"); });
    probe->cancel();
    CHECK_FALSE(loop.run_ready());
}

TEST_CASE("a run that follows a killed one at once waits for its end, and then asks") {
    const Plugin plugin("[ -e \"$0.asked\" ] && echo OK again && exit 0\nsleep 1000");
    io::Loop loop;
    const auto probe = make_command_probe(plugin.definition, loop);
    std::vector<Outcome> outcomes;
    const Instant now = io::monotonic_now();
    probe->start(now, now + 500ms, [&](Outcome first) {
        outcomes.push_back(std::move(first));
        plugin.directory.write("check_it.asked", "");
        const Instant again = io::monotonic_now();
        probe->start(again, again + 60s,
                     [&](Outcome second) { outcomes.push_back(std::move(second)); });
    });
    loop.run();
    REQUIRE(outcomes.size() == 2);
    CHECK(outcomes[0].failure_class == FailureClass::timeout);
    CHECK(outcomes[1].finding == Finding::passed);
    CHECK(outcomes[1].message == "OK again");
}

TEST_CASE("a probe may be destroyed by what it calls, at an exit and at a deadline") {
    for (const auto* commands : {"exit 0", "sleep 1000"}) {
        CAPTURE(commands);
        const Plugin plugin(commands);
        io::Loop loop;
        auto probe = make_command_probe(plugin.definition, loop);
        const Instant now = io::monotonic_now();
        probe->start(now, now + 200ms, [&](const Outcome&) { probe.reset(); });
        loop.run();
        CHECK(probe == nullptr);
    }
}

TEST_CASE("destroying a probe in flight drops the answer") {
    const Plugin plugin("sleep 1000");
    io::Loop loop;
    auto probe = make_command_probe(plugin.definition, loop);
    const Instant now = io::monotonic_now();
    probe->start(now, now + 60s, [](const Outcome&) { FAIL("called"); });
    probe.reset();
    CHECK_FALSE(loop.run_ready());
}

}  // namespace
}  // namespace picket::checks
