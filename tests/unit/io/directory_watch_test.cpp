#include "agent/io/directory_watch.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "agent/io/clock.h"
#include "tests/support/processes.h"
#include "tests/support/temporary_directory.h"

namespace picket::io {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// A watch that reports at once, so that a test can ask "was that a change?" without
// waiting: inotify events are there when the call that caused them returns.
class Watched {
public:
    explicit Watched(const std::vector<std::string>& directories) {
        auto created = DirectoryWatch::create(loop_, directories, {.quiet = 0ms, .delay_max = 0ms},
                                              [this] { ++calls_; });
        REQUIRE(created);
        watch_ = *std::move(created);
    }

    // How often it was called for what happened since the last time.
    int calls() {
        const int before = calls_;
        // One turn reads events, the next reports them; the rest would show what follows.
        for (int turn = 0; turn < 8; ++turn) {
            loop_.run_ready();
            const Instant tick = monotonic_now() + 1ms;  // libuv's clock has to move.
            while (monotonic_now() < tick) {
            }
        }
        return calls_ - before;
    }
    bool changed() { return calls() > 0; }

    const std::vector<std::string>& problems() const { return watch_->problems(); }

private:
    Loop loop_;
    int calls_ = 0;
    std::unique_ptr<DirectoryWatch> watch_;
};

TEST_CASE("files that come, change, are renamed and go are changes, reading them is not") {
    const testing::TemporaryDirectory directory;
    Watched watched({directory.path()});
    CHECK_FALSE(watched.changed());
    directory.write("a.toml", "1");
    CHECK(watched.changed());
    CHECK_FALSE(watched.changed());
    directory.write("a.toml", "2");
    CHECK(watched.changed());
    CHECK(directory.read("a.toml") == "2");
    CHECK(fs::exists(directory.path("a.toml")));
    CHECK_FALSE(watched.changed());
    fs::rename(directory.path("a.toml"), directory.path("b.toml"));
    CHECK(watched.changed());
    fs::permissions(directory.path("b.toml"), fs::perms::owner_read);
    CHECK(watched.changed());
    fs::remove(directory.path("b.toml"));
    CHECK(watched.changed());
    CHECK(watched.problems().empty());
}

TEST_CASE("five hundred files dropped in at once are one call") {
    const testing::TemporaryDirectory directory;
    Loop loop;
    int calls = 0;
    const auto watch =
        DirectoryWatch::create(loop, {directory.path()}, {.quiet = 50ms, .delay_max = 60s}, [&] {
            ++calls;
            loop.stop();
        });
    REQUIRE(watch);
    for (int i = 0; i < 500; ++i) directory.write(std::to_string(i) + ".toml", "x");
    loop.run();
    for (int turn = 0; turn < 8; ++turn) loop.run_ready();
    CHECK(calls == 1);
}

TEST_CASE("a directory that never rests is reported all the same") {
    const testing::TemporaryDirectory directory;
    Loop loop;
    bool called = false;
    const auto watch =
        DirectoryWatch::create(loop, {directory.path()}, {.quiet = 100ms, .delay_max = 150ms}, [&] {
            called = true;
            loop.stop();
        });
    REQUIRE(watch);
    int writes = 0;
    Timer writer(loop, [&] {
        directory.write("busy.toml", std::to_string(++writes));
        if (writes < 5000) writer.set(monotonic_now() + 1ms);
    });
    writer.set(monotonic_now());
    loop.run();
    CHECK(called);
    CHECK(writes < 5000);
}

TEST_CASE("what happens beside the way to a directory is no change") {
    const testing::TemporaryDirectory directory;
    fs::create_directory(directory.path("checks.d"));
    Watched watched({directory.path("checks.d")});
    directory.write("noise", "x");
    fs::create_directory(directory.path("noise.d"));
    CHECK_FALSE(watched.changed());
    directory.write("checks.d/a.toml", "x");
    CHECK(watched.changed());
}

TEST_CASE("a directory need not exist yet, nor what it is in") {
    const testing::TemporaryDirectory directory;
    Watched watched({directory.path("a/b/c")});
    CHECK(watched.problems().empty());
    fs::create_directories(directory.path("a"));
    CHECK(watched.changed());
    fs::create_directories(directory.path("a/b/c"));
    CHECK(watched.changed());
    directory.write("a/b/c/x.toml", "x");
    CHECK(watched.changed());
}

TEST_CASE("a directory may go, come back, and be replaced") {
    const testing::TemporaryDirectory directory;
    const std::string path = directory.path("checks.d");
    fs::create_directory(path);
    Watched watched({path});
    fs::remove(path);
    CHECK(watched.changed());
    CHECK_FALSE(watched.changed());
    fs::create_directory(path);
    CHECK(watched.changed());
    directory.write("checks.d/a.toml", "x");
    CHECK(watched.changed());

    fs::create_directory(directory.path("new"));
    CHECK_FALSE(watched.changed());
    fs::rename(path, directory.path("old"));
    fs::rename(directory.path("new"), path);
    CHECK(watched.changed());
    directory.write("old/a.toml", "y");
    CHECK_FALSE(watched.changed());
    directory.write("checks.d/b.toml", "x");
    CHECK(watched.changed());
}

TEST_CASE("a parent may be replaced") {
    const testing::TemporaryDirectory directory;
    fs::create_directories(directory.path("etc/checks.d"));
    fs::create_directories(directory.path("new/checks.d"));
    Watched watched({directory.path("etc/checks.d")});
    fs::rename(directory.path("etc"), directory.path("old"));
    CHECK(watched.changed());
    fs::rename(directory.path("new"), directory.path("etc"));
    CHECK(watched.changed());
    directory.write("etc/checks.d/a.toml", "x");
    CHECK(watched.changed());
    directory.write("old/checks.d/a.toml", "x");
    CHECK_FALSE(watched.changed());
}

TEST_CASE("links on the way may flip, as those of a Kubernetes volume do") {
    const testing::TemporaryDirectory directory;
    fs::create_directories(directory.path("volume/v1/checks.d"));
    fs::create_directories(directory.path("volume/v2/checks.d"));
    fs::create_directory_symlink("v1", directory.path("volume/..data"));
    fs::create_directory_symlink("..data/./checks.d", directory.path("volume/checks.d"));
    fs::create_directory_symlink(directory.path("volume/../volume/checks.d"),
                                 directory.path("checks.d"));
    Watched watched({directory.path("checks.d")});
    CHECK(watched.problems().empty());
    directory.write("volume/v1/checks.d/a.toml", "x");
    CHECK(watched.changed());
    directory.write("volume/v2/checks.d/a.toml", "x");
    CHECK_FALSE(watched.changed());

    fs::create_directory_symlink("v2", directory.path("volume/..data_tmp"));
    CHECK_FALSE(watched.changed());
    fs::rename(directory.path("volume/..data_tmp"), directory.path("volume/..data"));
    CHECK(watched.changed());
    directory.write("volume/v2/checks.d/b.toml", "x");
    CHECK(watched.changed());
    directory.write("volume/v1/checks.d/b.toml", "x");
    CHECK_FALSE(watched.changed());

    fs::remove(directory.path("checks.d"));
    CHECK(watched.changed());
}

TEST_CASE("a link may lead nowhere, and later somewhere") {
    const testing::TemporaryDirectory directory;
    fs::create_directory_symlink("target/checks.d", directory.path("checks.d"));
    Watched watched({directory.path("checks.d")});
    fs::create_directories(directory.path("target/checks.d"));
    CHECK(watched.changed());
    directory.write("target/checks.d/a.toml", "x");
    CHECK(watched.changed());
}

TEST_CASE("one directory may lie in another, and be named twice") {
    const testing::TemporaryDirectory directory;
    fs::create_directory(directory.path("inner"));
    Watched watched({directory.path("inner"), directory.path(), directory.path()});
    directory.write("a.toml", "x");
    CHECK(watched.changed());
    directory.write("inner/a.toml", "x");
    CHECK(watched.changed());
    fs::remove_all(directory.path("inner"));
    CHECK(watched.changed());
    directory.write("b.toml", "x");
    CHECK(watched.changed());
}

TEST_CASE("what is in the way of a directory is a problem until it is gone") {
    const testing::TemporaryDirectory directory;
    const std::string path = directory.path("checks.d");
    const std::string loop = directory.path("loop");
    directory.write("checks.d", "a file");
    fs::create_symlink("loop", loop);
    Watched watched({path, path + "/inner", loop});
    CHECK(watched.problems() ==
          std::vector<std::string>{"watch " + path + ": not a directory",
                                   "watch " + path + "/inner: not a directory",
                                   "watch " + loop + ": too many levels of symbolic links"});
    fs::remove(path);
    fs::remove(loop);
    CHECK(watched.changed());
    CHECK(watched.problems().empty());
}

TEST_CASE("an overflow of the kernel's queue counts as a change") {
    const testing::TemporaryDirectory directory;
    Watched watched({directory.path("checks.d")});
    std::size_t events_max = 16384;
    const std::string limit = "/proc/sys/fs/inotify/max_queued_events";
    if (std::ifstream file(limit); file) file >> events_max;
    // Noise only, which is no change as long as the queue holds it. Two names in turn,
    // for the kernel merges equal events.
    const std::string a = directory.path("a");
    const std::string b = directory.path("b");
    directory.write("a", "x");
    CHECK_FALSE(watched.changed());
    for (std::size_t events = 0; events <= events_max; events += 4) {
        fs::rename(a, b);
        fs::rename(b, a);
    }
    bool changed = false;
    for (int tries = 0; tries < 100 && !changed; ++tries) changed = watched.changed();
    CHECK(changed);
    fs::create_directory(directory.path("checks.d"));
    CHECK(watched.changed());
}

TEST_CASE("a watch may be destroyed by what it calls, and leaves no descriptor") {
    const testing::TemporaryDirectory directory;
    const Loop first;
    const std::size_t descriptors = testing::open_descriptors();
    {
        Loop loop;
        std::unique_ptr<DirectoryWatch> watch;
        auto created = DirectoryWatch::create(
            loop, {directory.path()}, {.quiet = 1ms, .delay_max = 1ms}, [&] { watch.reset(); });
        REQUIRE(created);
        watch = *std::move(created);
        directory.write("a.toml", "x");
        loop.run();
        CHECK(watch == nullptr);
    }
    CHECK(testing::open_descriptors() == descriptors);
}

}  // namespace
}  // namespace picket::io
