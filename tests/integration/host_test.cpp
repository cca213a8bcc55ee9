// Checks of this host: the real helper, a systemctl that a test wrote, a real time
// server, and heartbeats of a real agent.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "checks/probes/local.h"
#include "checks/types/disk.h"
#include "tests/support/ask_check.h"
#include "tests/support/process.h"
#include "tests/support/test_agent.h"
#include "tests/support/test_mesh.h"

namespace picket::testing {
namespace {

using namespace std::chrono_literals;
using checks::Finding;
using checks::Outcome;

TEST_CASE("the disk of a path is looked at by a process of its own") {
    const Outcome root = ask_check("[disk.root]\npath = \"/\"\nread_only = \"ok\"\n");
    CHECK(root.finding == Finding::passed);
    CHECK(contains(root.message, "/: "));
    CHECK(root.metrics.size() == 5);
    const Outcome full = ask_check(
        "[disk.root]\npath = \"/\"\nread_only = \"ok\"\n"
        "free_below = \"100%\"\n");
    CHECK(full.finding == Finding::failed);
    CHECK(contains(full.message, "free, expected at least 100%"));
    CHECK(said(ask_check("[disk.gone]\npath = \"/nonexistent\"\n")) ==
          "content: /nonexistent: no such file or directory");
    const TemporaryDirectory directory;
    CHECK(said(ask_check("[disk.here]\npath = \"" + directory.path() + "\"\nmounted = true\n")) ==
          "content: " + directory.path() + ": nothing is mounted here");
    CHECK(
        ask_check("[disk.proc]\npath = \"/proc\"\nmounted = true\nread_only = \"ok\"\n").finding ==
        Finding::passed);
}

TEST_CASE("a file system that does not answer is a timeout, and the next run asks again") {
    const TemporaryDirectory directory;
    const checks::Definition definition = parse_check("[disk.nfs]\npath = \"/mnt/nfs\"\n");
    ProbeBench bench;
    checks::ProgramProbe probe(
        definition, bench.loop,
        {.program = {.program = directory.write_script("hang", "exec sleep 600")},
         .subject = "/mnt/nfs",
         .silence = "no answer from the file system"},
        [](std::string_view, Instant) { return checks::passed(0s, ""); });
    const std::string silence = "timeout: /mnt/nfs: no answer from the file system within ";
    CHECK(said(bench.ask(probe, 200ms)) == silence + "200ms");
    // The first must be dead before the second is started.
    CHECK(said(bench.ask(probe, 5s)) == silence + "5s");
}

TEST_CASE("files are found, missed, too old and too large") {
    const TemporaryDirectory directory;
    const auto check = [&](const std::string& name, const std::string& more) {
        return said(ask_check("[file.f]\npath = \"" + directory.path(name) + "\"\n" + more));
    };
    const auto path = [&](const std::string& name) { return directory.path(name); };
    CHECK(check("a", "") == "content: " + path("a") + ": no such file or directory");
    CHECK(check("a", "missing = \"ok\"\n") ==
          "passed: " + path("a") + ": not there, which is right");
    directory.write("a", "0123456789");
    directory.write("b", "01234567890123456789");
    const timespec long_ago[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
    REQUIRE(::utimensat(AT_FDCWD, path("b").c_str(), long_ago, 0) == 0);
    CHECK(contains(check("a", "older_than = \"1h\"\nsize_below = 10\nsize_above = 10\n"),
                   "passed: " + path("a") + ": 10 B, written "));
    CHECK(contains(check("b", "older_than = \"1h\"\n"), "expected within 1h"));
    CHECK(contains(check("*", "older_than = \"1h\"\n"), "passed: "));
    CHECK(contains(check("*", "older_than = \"1h\"\nage_of = \"oldest\"\n"),
                   "content: " + path("b") + ", the oldest of 2, was written "));
    CHECK(check("*", "size_above = 19\n") ==
          "content: " + path("b") + " has 20 B, expected at most 19 B");
    CHECK(check("*", "count_min = 3\n") ==
          "content: 2 files " + path("*") + ", expected at least 3");
    CHECK(check("c*", "") == "content: no file is called " + path("c*"));
}

TEST_CASE("processes are found by name, command, pidfile and user") {
    const TemporaryDirectory directory;
    // For so long nobody else on this machine sleeps.
    const std::string nap = std::to_string(1'000'000 + ::getpid());
    const Process sleeper({"/bin/sleep", nap});
    const auto check = [](const std::string& more) {
        return said(ask_check("[process.p]\n" + more));
    };
    const std::string pid = std::to_string(sleeper.pid());
    const std::string whole = "^/bin/sleep " + nap + "$";
    CHECK(check("cmdline = \"" + whole + "\"\ncount_max = 1\n") ==
          "passed: 1 process like " + whole + ": sleep (pid " + pid + ")");
    CHECK(check("name = \"sleep\"\ncmdline = \" " + nap +
                "$\"\nage_above = \"1h\"\nrss_above = \"100MiB\"\n")
              .starts_with("passed: 1 process"));
    CHECK(check("name = \"sleep\"\ncmdline = \"" + nap + "\"\nage_below = \"1h\"\n")
              .starts_with("content: sleep (pid " + pid + ") runs for "));
    CHECK(check("name = \"no-such-program\"\n") ==
          "content: 0 processes named no-such-program, expected at least 1");
    const std::string pidfile = directory.write("pid", pid + "\n");
    CHECK(check("pidfile = \"" + pidfile + "\"\n").starts_with("passed: 1 process"));
    directory.write("pid", "0\n");
    CHECK(check("pidfile = \"" + pidfile + "\"\n") ==
          "content: 0 processes of " + pidfile + ", expected at least 1");
    CHECK(check("pidfile = \"/nonexistent.pid\"\n") ==
          "content: /nonexistent.pid: no such file or directory");
    CHECK(check("cmdline = \"" + nap + "\"\nuser = \"nosuchuser\"\n") ==
          "errored: processes: there is no user nosuchuser");
    CHECK(check("cmdline = \"" + whole + "\"\nuser = \"daemon\"\ncount_min = 0\n")
              .starts_with("passed: 0 processes"));
}

TEST_CASE("memory and load are read where the kernel tells them") {
    const Outcome memory =
        ask_check("[memory.m]\navailable_below = 1\nswap_used_above = \"100%\"\n");
    CHECK(memory.finding == Finding::passed);
    CHECK(contains(ask_check("[memory.m]\navailable_below = \"100%\"\n").message,
                   "available, expected at least 100%"));
    CHECK(ask_check("[load.l]\nabove = 100000\n").finding == Finding::passed);
    CHECK(contains(said(ask_check("[load.l]\nper_core_above = [100000, 100000, 0]\n")),
                   "content: load15 is "));
    const Outcome pressure = ask_check("[memory.m]\npressure_above = \"100%\"\n");
    if (::access("/proc/pressure/memory", R_OK) == 0) {
        CHECK(pressure.finding == Finding::passed);
    } else {
        CHECK(contains(said(pressure),
                       "errored: this kernel keeps no pressure figures (PSI): "
                       "/proc/pressure/memory: "));
    }
}

TEST_CASE("units are what systemctl says") {
    const TemporaryDirectory directory;
    directory.write_script("systemctl", R"(
case "$*" in
*" -- web.service") printf 'Id=web.service\nLoadState=loaded\nActiveState=active\nSubState=running\nResult=success\nUnitFileState=enabled\n' ;;
*" -- gone.service") printf 'Id=gone.service\nLoadState=not-found\nActiveState=inactive\nSubState=dead\n' ;;
*" -- down.service") printf 'Id=down.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\nResult=exit-code\n' ;;
*) echo "System has not been booted with systemd as init system (PID 1). Can't operate." >&2; exit 1 ;;
esac)");
    const std::string before = std::getenv("PATH");
    ::setenv("PATH", (directory.path() + ":/bin").c_str(), 1);
    const auto check = [](const std::string& unit) {
        return said(ask_check("[unit.u]\nunit = \"" + unit + "\"\n"));
    };
    CHECK(check("web.service") == "passed: web.service is active (running)");
    CHECK(
        check("down.service") ==
        "content: down.service is failed (failed, result exit-code), expected ActiveState active");
    CHECK(check("gone.service") == "content: systemd knows no unit gone.service");
    CHECK(check("x.service") ==
          "errored: x.service: System has not been booted with systemd as init system (PID 1). "
          "Can't operate.");
    ::setenv("PATH", "/nonexistent", 1);
    CHECK(check("web.service") ==
          "errored: no systemctl in PATH: units are for hosts that systemd runs");
    ::setenv("PATH", before.c_str(), 1);
}

TEST_CASE("a plugin is confined to a user and to limits") {
    const TemporaryDirectory directory;
    REQUIRE(::chmod(directory.path().c_str(), 0755) == 0);
    const auto check = [&](const std::string& commands, const std::string& more) {
        const std::string plugin = directory.write_script("plugin", commands);
        REQUIRE(::chmod(plugin.c_str(), 0755) == 0);
        return said(ask_check("[command.c]\ncommand = [\"" + plugin + "\"]\n" + more));
    };
    CHECK(check("echo OK $(ulimit -n) $(ulimit -v) $(ulimit -t)",
                "files_max = 20\nmemory_max = \"1GiB\"\ncpu_max = \"3s\"\n") ==
          "passed: OK 20 1048576 3");
    CHECK(check("while :; do :; done", "cpu_max = \"1s\"\n").find("died by signal") !=
          std::string::npos);
    ::setenv("PICKET_TEST_KEPT", "kept", 1);
    CHECK(check("echo \"OK $PICKET_TEST_KEPT $HOME\"", "env_keep = [\"PICKET_TEST_KEPT\"]\n") ==
          "passed: OK kept");
    ::unsetenv("PICKET_TEST_KEPT");
    CHECK(check("echo OK", "user = \"nosuchuser\"\n") == "errored: there is no user nosuchuser");
    CHECK(said(ask_check("[command.c]\ncommand = [\"/nonexistent\"]\nfiles_max = 20\n")) ==
          "errored: run /nonexistent: no such file or directory");
    // In a user namespace there is nobody to become.
    const std::string as_daemon = check("echo OK $(id -un) $(id -Gn)", "user = \"daemon\"\n");
    const bool allowed = as_daemon == "passed: OK daemon daemon";
    const bool refused = contains(as_daemon,
                                  "errored: run as user daemon (the agent needs "
                                  "CAP_SETUID and CAP_SETGID): ");
    CHECK_MESSAGE((allowed || refused), as_daemon);
}

TEST_CASE("a time server is synchronised, or is not, and agrees with this host") {
    const TemporaryDirectory directory;
    const auto start = [&](const std::string& more, int port) {
        const std::string configuration = directory.write(
            "chrony.conf", "port " + std::to_string(port) +
                               "\nbindaddress 127.0.0.1\nallow\ncmdport 0\nbindcmdaddress /\n"
                               "pidfile " +
                               directory.path("pid") + "\n" + more);
        return std::make_unique<Process>(
            std::vector<std::string>{"/usr/sbin/chronyd", "-d", "-x", "-u", "root", "-f",
                                     configuration},
            std::map<std::string, std::string>{}, Process::Errors::with_output);
    };
    const int port = free_port();
    const std::string address = "127.0.0.1:" + std::to_string(port);
    const auto check = [&](const std::string& more) {
        return said(ask_check("[ntp.t]\nserver = \"" + address + "\"\n" + more));
    };
    CHECK(check("") == "refused: ask " + address + " for the time: connection refused");
    auto server = start("local stratum 5\n", port);
    REQUIRE(server->read_until("chronyd"));
    std::string answer;
    await(
        [&] {
            answer = check("offset_above = \"2s\"\nstratum_above = 5\n");
            return answer.starts_with("passed: " + address + ": offset ");
        },
        [&] { return answer; });
    CHECK(contains(answer, "stratum 5"));
    CHECK(check("stratum_above = 4\n") ==
          "content: " + address + " is of stratum 5, expected at most 4");
    server = nullptr;
    server = start("", port);
    REQUIRE(server->read_until("chronyd"));
    await(
        [&] {
            answer = check("");
            return answer.starts_with("status: " + address + " is not synchronised (stratum ");
        },
        [&] { return answer; });
}

TEST_CASE("a job's signals make its check, and outlive the agent") {
    TestAgent agent;
    agent.define("jobs.toml",
                 "[heartbeat.backup]\nperiod = \"1h\"\nruntime_above = \"1h\"\n"
                 "[heartbeat.quick]\nperiod = \"300ms\"\ngrace = \"0s\"\n"
                 "[load.other]\nabove = 100000\n");
    agent.start();
    CHECK(contains(agent.await_finding("backup", "errored")["message"].get<std::string>(),
                   "no signal yet"));
    CHECK(agent.picket({"ping", "backup", "--start"}).exit_code == 0);
    CHECK(agent.picket({"ping", "backup", "--message", "12 files"}).exit_code == 0);
    const Json passed = agent.await_finding("backup", "passed");
    CHECK(contains(passed["message"].get<std::string>(), "12 files"));

    CHECK(agent.picket({"ping", "quick"}).exit_code == 0);
    const Json late = agent.await_finding("quick", "failed");
    CHECK(late["class"] == "timeout");
    CHECK(contains(late["message"].get<std::string>(), "expected every 300ms (grace 0"));

    const Finished failed = agent.picket({"ping", "backup", "--exit-code", "3", "--json"});
    CHECK(failed.exit_code == 0);
    CHECK(Json::parse(failed.output)["failing"] == true);
    const Json down = agent.await_finding("backup", "failed");
    CHECK(down["class"] == "plugin");
    CHECK(contains(down["message"].get<std::string>(), "with exit code 3"));

    agent.kill();
    agent.start();
    CHECK(contains(agent.await_finding("backup", "failed")["message"].get<std::string>(),
                   "with exit code 3"));
    CHECK(agent.picket({"ping", "backup", "--exit-code", "0"}).exit_code == 0);
    agent.await_finding("backup", "passed");

    const Finished unknown = agent.picket({"ping", "nobody"});
    CHECK(unknown.exit_code == 1);
    CHECK(unknown.errors == "picket: no check is named 'nobody'\n");
    CHECK(agent.picket({"ping", "other"}).errors ==
          "picket: other is no heartbeat, it is of type load\n");
    CHECK(agent.picket({"ping", "backup", "--start", "--fail"}).exit_code == 2);
}

}  // namespace
}  // namespace picket::testing
