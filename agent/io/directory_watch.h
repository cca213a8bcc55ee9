// DirectoryWatch: says that something in some directories changed, once it is over.
//
// `on_change` is called once the directories have been quiet for `quiet`, and
// `delay_max` after the first change at the latest, so that five hundred files
// dropped in at once are one call and a directory that never rests is still read.
// It does not say what changed: whoever is called reads the directories again, and
// what changed after that read began is another call. A call may come without a
// change, never the other way round.
//
// A directory need not exist, and may be created, deleted, renamed over, or reached
// through symbolic links that flip (as Kubernetes' `..data` does): each directory
// on the way to it, links followed, is watched for the name that leads on. What
// the kernel does not tell, and what SIGHUP is for: a change to a file outside that
// a link in a directory points to, a change on another host of a network file
// system, and a mount over a directory.
//
// The kernel's queue of events is finite: when it overflows, that counts as a change.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/io/file_descriptor.h"
#include "agent/io/loop.h"
#include "agent/io/poll.h"
#include "agent/io/timer.h"

namespace picket::io {

class DirectoryWatch {
public:
    struct Options {
        Duration quiet = std::chrono::milliseconds(300);
        Duration delay_max = std::chrono::seconds(2);
    };

    // Watches `directories`, relative ones as seen from the working directory of now.
    // Returns exhausted where the kernel grants no inotify instance. The loop must
    // outlive the DirectoryWatch, which `on_change` may destroy.
    static Result<std::unique_ptr<DirectoryWatch>> create(
        Loop& loop, const std::vector<std::string>& directories, Options options,
        std::function<void()> on_change);

    DirectoryWatch(const DirectoryWatch&) = delete;
    DirectoryWatch& operator=(const DirectoryWatch&) = delete;

    // Directories that cannot be watched now though something of that name is there:
    // "watch /etc/picket/checks.d: permission denied". Tried again when something on
    // the way to one of the directories changes.
    const std::vector<std::string>& problems() const { return problems_; }

private:
    // What one watched directory is watched for.
    struct Interest {
        bool everything = false;      // It is one of the directories themselves.
        std::set<std::string> names;  // What leads on to some of them.
    };
    using Interests = std::map<int, Interest>;  // By the kernel's watch descriptor.

    DirectoryWatch(Loop& loop, std::vector<std::string> directories, Options options,
                   FileDescriptor inotify, std::function<void()> on_change);

    void arm();
    void arm_directory(const std::string& directory, Interests& interests);
    Status watch(const std::string& directory, const std::string& name, Interests& interests);
    void on_readable();
    bool on_event(int descriptor, std::uint32_t events, const std::string& name);
    void on_quiet();

    const std::vector<std::string> directories_;
    const Options options_;
    const std::function<void()> on_change_;
    FileDescriptor inotify_;  // Outlives its Poll, which stands below it.
    Interests interests_;
    std::vector<std::string> problems_;
    bool way_changed_ = false;  // A directory may now be another one: arm again.
    Instant first_change_ = never;
    Timer timer_;
    Poll poll_;
};

}  // namespace picket::io
