// A network file system whose server has gone: who looks at it cannot even be killed,
// and the agent goes on.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fuse.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>
#include <thread>

#include "tests/support/ask_check.h"
#include "tests/support/test_agent.h"

namespace picket::testing {
namespace {

using namespace std::chrono_literals;

// Mounted by the kernel's FUSE; its server takes every request and answers none but
// the first, without which there is no file system. As with a dead NFS server, the
// kernel lets nobody go whose request it has sent.
class HungMount {
public:
    // The test's own mount namespace is where it is seen.
    explicit HungMount(const std::string& path)
        : path_(path), device_(open("/dev/fuse", O_RDWR | O_CLOEXEC)) {
        if (device_ < 0) return;
        const std::string options =
            fmt::format("fd={},rootmode=40000,user_id=0,group_id=0", device_);
        mounted_ = mount("hung", path.c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) == 0;
        if (mounted_) server_ = std::thread([this] { serve(); });
    }
    ~HungMount() {
        if (mounted_) umount2(path_.c_str(), MNT_FORCE | MNT_DETACH);  // Wakes all who wait.
        if (server_.joinable()) server_.join();
        if (device_ >= 0) close(device_);
    }
    HungMount(const HungMount&) = delete;
    HungMount& operator=(const HungMount&) = delete;

    bool mounted() const { return mounted_; }

private:
    void serve() const {
        std::array<char, 65536> buffer{};
        while (true) {
            const ssize_t size = read(device_, buffer.data(), buffer.size());
            if (size < 0 && errno == ENODEV) return;  // Unmounted.
            fuse_in_header request{};
            if (size < static_cast<ssize_t>(sizeof request)) continue;
            std::memcpy(&request, buffer.data(), sizeof request);
            if (request.opcode == FUSE_INIT) answer_init(request.unique);
        }
    }

    void answer_init(std::uint64_t unique) const {
        struct {
            fuse_out_header header;
            fuse_init_out init;
        } answer{};
        answer.header = {.len = sizeof answer, .error = 0, .unique = unique};
        answer.init.major = FUSE_KERNEL_VERSION;
        answer.init.minor = FUSE_KERNEL_MINOR_VERSION;
        answer.init.max_write = 4096;
        CHECK(write(device_, &answer, sizeof answer) == static_cast<ssize_t>(sizeof answer));
    }

    const std::string path_;
    const int device_;
    bool mounted_ = false;
    std::thread server_;
};

TEST_CASE("a file system that hangs holds one helper, and no check but its own") {
    const TemporaryDirectory directory;
    const HungMount hung(directory.path());
    if (!hung.mounted()) {
        MESSAGE("no FUSE here: not tested");
        return;
    }
    const std::string disk = "[disk.nfs]\npath = \"" + directory.path() + "\"\n";
    const checks::Definition definition = parse_check(disk);
    ProbeBench bench;
    const auto probe = checks::make_probe(definition, bench.services());
    // Long enough that it hangs in there when it is killed.
    CHECK(said(bench.ask(*probe, 5s)) ==
          "timeout: " + directory.path() + ": no answer from the file system within 5s");
    for (int i = 0; i < 2; ++i) {
        const std::string stuck = said(bench.ask(*probe, 200ms));
        CHECK(stuck.starts_with("timeout: " + directory.path() +
                                ": no answer from the file system; pid "));
        CHECK(stuck.ends_with(" still waits for it, and survives SIGKILL"));
    }

    TestAgent agent;
    agent.define("hung.toml", "[defaults]\ninterval = \"500ms\"\ntimeout = \"200ms\"\n" + disk +
                                  "[file.nfs-file]\npath = \"" + directory.path("a") + "\"\n");
    agent.start();
    for (const std::string name : {"nfs", "nfs-file"}) {
        CHECK(agent.await_finding(name, "failed")["class"] == "timeout");
    }
    // It still reads its files, runs programs and answers.
    agent.define("alive.toml",
                 "[command.alive]\ncommand = [\"/bin/true\"]\ninterval = \"1s\"\n"
                 "timeout = \"900ms\"\n");
    agent.await({{"type", "reload"}});
    agent.await_finding("alive", "passed");
    CHECK(agent.stop() == 0);
}

}  // namespace
}  // namespace picket::testing
