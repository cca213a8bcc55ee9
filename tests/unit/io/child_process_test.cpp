#include "agent/io/child_process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "agent/io/clock.h"
#include "agent/io/timer.h"
#include "tests/support/processes.h"
#include "tests/support/temporary_directory.h"

namespace picket::io {
namespace {

using namespace std::chrono_literals;
using testing::open_descriptors;
using testing::session_ended;

struct Ran {
    ChildExit exit;
    pid_t pid = 0;
};

// Runs the program to its end, or terminates it once it has made the file
// `kill_once`. Checks that nothing is left of it: no process, no descriptor.
Ran run(const ChildProcess::Options& options, const std::string& kill_once = "/dev/null/none") {
    Loop first;  // The first loop of a process opens two descriptors for good.
    const std::size_t descriptors = open_descriptors();
    Ran ran;
    {
        Loop loop;
        std::optional<ChildExit> exit;
        auto child =
            ChildProcess::spawn(loop, options, [&](ChildExit ended) { exit = std::move(ended); });
        REQUIRE_MESSAGE(child, child.error().message());
        Timer look(loop, [&] {
            if (std::filesystem::exists(kill_once)) return (*child)->terminate();
            look.set(monotonic_now() + 2ms);
        });
        look.set(monotonic_now());
        ran.pid = (*child)->pid();
        while (!exit) loop.run_once();
        ran.exit = *std::move(exit);
        CHECK(session_ended(ran.pid));
    }
    CHECK(open_descriptors() == descriptors);
    return ran;
}

std::string spawn_failure(const ChildProcess::Options& options) {
    Loop first;
    const std::size_t descriptors = open_descriptors();
    std::string message;
    {
        Loop loop;
        auto child = ChildProcess::spawn(loop, options, [](const ChildExit&) { FAIL("it ran"); });
        REQUIRE_FALSE(child);
        message = child.error().message();
        CHECK_FALSE(loop.run_ready());
    }
    CHECK(open_descriptors() == descriptors);
    return message;
}

// A script that begins something that outlives it tells its pid through this file.
pid_t written_pid(const testing::TemporaryDirectory& directory, std::string_view name) {
    return std::stoi(directory.read(name));
}

TEST_CASE("a child's output, errors and exit code are reported") {
    testing::TemporaryDirectory directory;
    const auto script = directory.write_script("say", "echo \"$1 $2\"; echo oops >&2; exit 3");
    const Ran ran = run({.program = script, .arguments = {"a b", "c"}});
    CHECK(ran.exit.code == 3);
    CHECK(ran.exit.signal == 0);
    CHECK(ran.exit.output == "a b c\n");
    CHECK(ran.exit.error_output == "oops\n");
    CHECK(ran.exit.bytes_dropped == 0);
}

TEST_CASE("a child gets the environment it is given and nothing else") {
    const Ran ran = run({.program = "/usr/bin/env", .environment = {"B=2", "A=1"}});
    CHECK(ran.exit.output == "B=2\nA=1\n");
}

TEST_CASE("a child begins in its directory, in its own session, with an empty stdin") {
    testing::TemporaryDirectory directory;
    const auto script = directory.write_script(
        "where", "pwd; read line || echo end; cut -d' ' -f1,5,6 /proc/$$/stat");
    const Ran ran = run({.program = script, .working_directory = directory.path()});
    const std::string pid = std::to_string(ran.pid);
    CHECK(ran.exit.output == directory.path() + "\nend\n" + pid + " " + pid + " " + pid + "\n");
}

TEST_CASE("a child inherits no descriptor, not even one that would survive exec") {
    const FileDescriptor careless(::open("/dev/null", O_RDONLY));  // NOLINT(android-cloexec-open)
    const Ran ran = run({.program = "/bin/ls", .arguments = {"/proc/self/fd"}});
    CHECK(ran.exit.output == "0\n1\n2\n3\n");  // 3 is the listing itself.
}

TEST_CASE("a child has no signal blocked or ignored") {
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t blocked;
    sigset_t before;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
    const Ran ran =
        run({.program = "/bin/grep", .arguments = {"^Sig\\(Blk\\|Ign\\)", "/proc/self/status"}});
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    const std::string& status = ran.exit.output;
    REQUIRE(status.rfind("SigBlk:\t0000000000000000\nSigIgn:\t", 0) == 0);
    // Signals 32 and 33 are glibc's own, which it ignores in what it spawns.
    CHECK((std::stoull(status.substr(status.size() - 17), nullptr, 16) & 0x7fffffff) == 0);
}

TEST_CASE("a child that prints more than the cap neither blocks nor grows us") {
    const Ran ran = run({.program = "/bin/dd",
                         .arguments = {"if=/dev/zero", "bs=1M", "count=10", "status=none"},
                         .output_bytes_max = 1000});
    CHECK(ran.exit.code == 0);
    CHECK(ran.exit.output.size() == 1000);
    CHECK(ran.exit.bytes_dropped == 10 * 1024 * 1024 - 1000);
}

TEST_CASE("a child that is over before it was listened to loses nothing of what it printed") {
    const Ran ran = run({.program = "/usr/bin/head", .arguments = {"-c", "60000", "/dev/zero"}});
    CHECK(ran.exit.output.size() == 60'000);
    CHECK(ran.exit.bytes_dropped == 0);
}

TEST_CASE("a child that prints for ever is read, dropped and killed") {
    testing::TemporaryDirectory directory;
    const auto script = directory.write_script("yes", "yes | head -c 100000; touch ready; yes");
    const Ran ran =
        run({.program = script, .working_directory = directory.path(), .output_bytes_max = 1000},
            directory.path("ready"));
    CHECK(ran.exit.signal == SIGKILL);
    CHECK(ran.exit.output.size() == 1000);
}

TEST_CASE("a death by signal is told from an exit") {
    testing::TemporaryDirectory directory;
    const Ran ran = run({.program = directory.write_script("die", "kill -SEGV $$")});
    CHECK(ran.exit.signal == SIGSEGV);
}

TEST_CASE("a child that ignores SIGTERM and hangs is killed with all it began") {
    testing::TemporaryDirectory directory;
    const auto script = directory.write_script(
        "hang", "trap '' TERM INT HUP\n(touch ready; while :; do sleep 100; done) &\nsleep 100");
    const Ran ran =
        run({.program = script, .working_directory = directory.path()}, directory.path("ready"));
    CHECK(ran.exit.signal == SIGKILL);
}

TEST_CASE("termination reaches a descendant that made a group of its own") {
    testing::TemporaryDirectory directory;
    // coreutils' timeout calls setpgid.
    const auto script =
        directory.write_script("group", "timeout 100 sh -c 'touch ready; sleep 100'; exit 0");
    const Ran ran =
        run({.program = script, .working_directory = directory.path()}, directory.path("ready"));
    CHECK(ran.exit.signal == SIGKILL);
}

TEST_CASE("a background process that holds the pipe is neither waited for nor left behind") {
    testing::TemporaryDirectory directory;
    const auto script = directory.write_script("daemon", "sleep 100 &\necho done");
    const Instant begun = monotonic_now();
    const Ran ran = run({.program = script});
    CHECK(ran.exit.code == 0);
    CHECK(ran.exit.output == "done\n");
    CHECK(monotonic_now() - begun < 30s);
}

TEST_CASE("a process that leaves the session escapes, and holds up nobody") {
    testing::TemporaryDirectory directory;
    const auto script =
        directory.write_script("escape", "setsid sh -c 'echo $$ > " + directory.path("pid") +
                                             "; while :; do echo noise; done' &\n"
                                             "while ! test -s " +
                                             directory.path("pid") + "; do :; done");
    const Ran ran = run({.program = script});
    CHECK(ran.exit.code == 0);
    const pid_t escaped = written_pid(directory, "pid");
    ::kill(escaped, SIGKILL);
    CHECK(session_ended(escaped));
}

TEST_CASE("a child that closes its output is still waited for") {
    testing::TemporaryDirectory directory;
    const auto script =
        directory.write_script("close", "echo early; exec >&- 2>&-; sleep 0.05; exit 2");
    const Ran ran = run({.program = script});
    CHECK(ran.exit.code == 2);
    CHECK(ran.exit.output == "early\n");
}

TEST_CASE("a child that prints nothing has empty output and used some time") {
    testing::TemporaryDirectory directory;
    const Ran ran = run({.program = directory.write_script(
                             "work", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done")});
    CHECK(ran.exit.output.empty());
    CHECK(ran.exit.user_time + ran.exit.system_time > 0s);
}

TEST_CASE("what cannot be run is an error that says why") {
    testing::TemporaryDirectory directory;
    const auto text = directory.write("text", "#!/bin/sh\n");
    const auto windows = directory.write_script("windows", "");
    directory.write("windows", "#!/bin/sh\r\n");
    const auto missing = directory.path("missing");
    const auto garbage = directory.write_script("garbage", "");
    directory.write("garbage", "\x01\x02\x03");

    CHECK(spawn_failure({.program = missing}) == "run " + missing + ": no such file or directory");
    CHECK(spawn_failure({.program = text}) == "run " + text + ": permission denied");
    CHECK(spawn_failure({.program = directory.path()}) ==
          "run " + directory.path() + ": permission denied");
    CHECK(spawn_failure({.program = windows}) ==
          "run " + windows + ": its interpreter: no such file or directory");
    CHECK(spawn_failure({.program = garbage}) == "run " + garbage + ": exec format error");
    CHECK(spawn_failure({.program = "/bin/true", .working_directory = missing}) ==
          "run /bin/true: working directory " + missing + ": no such file or directory");
    CHECK(spawn_failure({.program = "/bin/true", .arguments = {std::string("a\0b", 3)}}) ==
          "run /bin/true: an argument or a variable holds a NUL byte");
}

TEST_CASE("a child may be destroyed by what it calls") {
    Loop loop;
    bool ended = false;
    std::unique_ptr<ChildProcess> child;
    child = *ChildProcess::spawn(loop, {.program = "/bin/true"}, [&](const ChildExit&) {
        child.reset();
        ended = true;
    });
    loop.run();
    CHECK(ended);
    CHECK(child == nullptr);
}

TEST_CASE("destroying a child in flight kills it and drops its callback") {
    Loop first;
    const std::size_t descriptors = open_descriptors();
    testing::TemporaryDirectory directory;
    const auto script = directory.write_script("hang", "sleep 100 & sleep 100");
    pid_t pid = 0;
    {
        Loop loop;
        auto child = ChildProcess::spawn(loop, {.program = script},
                                         [](const ChildExit&) { FAIL("called"); });
        REQUIRE(child);
        pid = (*child)->pid();
        child->reset();
        CHECK(::kill(pid, 0) != 0);  // Reaped.
        CHECK_FALSE(loop.run_ready());
    }
    CHECK(session_ended(pid));
    CHECK(open_descriptors() == descriptors);
}

TEST_CASE("terminating an ended child does nothing") {
    Loop loop;
    bool ended = false;
    auto child = ChildProcess::spawn(loop, {.program = "/bin/true"},
                                     [&](const ChildExit&) { ended = true; });
    REQUIRE(child);
    loop.run();
    REQUIRE(ended);
    (*child)->terminate();
    CHECK_FALSE(loop.run_ready());
}

}  // namespace
}  // namespace picket::io
