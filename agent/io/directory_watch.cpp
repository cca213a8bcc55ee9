#include "agent/io/directory_watch.h"

#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <filesystem>
#include <string_view>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/errno_text.h"
#include "agent/io/clock.h"

namespace picket::io {
namespace {

constexpr std::size_t read_bytes = std::size_t{64} * 1024;

// As the kernel has it (path_resolution(7)).
constexpr std::size_t links_max = 40;

// On the way to a directory: names that come, go, or are opened to us by a chmod.
constexpr std::uint32_t name_events =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB;
// In a directory itself: what is written, too.
constexpr std::uint32_t all_events = name_events | IN_MODIFY | IN_CLOSE_WRITE;
// The watched directory itself is another one now, or none.
constexpr std::uint32_t self_events = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED;

std::deque<std::string> parts_of(const std::filesystem::path& path) {
    std::deque<std::string> parts;
    for (const auto& part : path.relative_path()) {
        if (!part.empty() && part != ".") parts.push_back(part.string());
    }
    return parts;
}

}  // namespace

Result<std::unique_ptr<DirectoryWatch>> DirectoryWatch::create(
    Loop& loop, const std::vector<std::string>& directories, Options options,
    std::function<void()> on_change) {
    std::vector<std::string> absolute;
    for (const std::string& directory : directories) {
        std::error_code error;
        absolute.push_back(std::filesystem::absolute(directory, error).string());
        if (error) return failure(Code::io, "watch " + directory + ": " + error.message());
    }
    FileDescriptor inotify(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!inotify.open()) {
        return failure(Code::exhausted, "watch directories: " + errno_text(errno) +
                                            " (fs.inotify.max_user_instances)");
    }
    return std::unique_ptr<DirectoryWatch>(new DirectoryWatch(
        loop, std::move(absolute), options, std::move(inotify), std::move(on_change)));
}

DirectoryWatch::DirectoryWatch(Loop& loop, std::vector<std::string> directories, Options options,
                               FileDescriptor inotify, std::function<void()> on_change)
    : directories_(std::move(directories)),
      options_(options),
      on_change_(std::move(on_change)),
      inotify_(std::move(inotify)),
      timer_(loop, [this] { on_quiet(); }),
      poll_(loop, inotify_.get(), [this](int) { on_readable(); }) {
    PICKET_ASSERT(options_.quiet <= options_.delay_max);
    arm();
    poll_.watch(UV_READABLE);
}

// Watches what the directories are now, and forgets what they were. A watch that
// stays keeps its descriptor, so no event of it is lost.
void DirectoryWatch::arm() {
    Interests interests;
    problems_.clear();
    way_changed_ = false;
    for (const std::string& directory : directories_) arm_directory(directory, interests);
    for (const auto& [descriptor, interest] : interests_) {
        // Fails where the kernel has dropped it by itself, with the directory.
        if (!interests.contains(descriptor)) ::inotify_rm_watch(inotify_.get(), descriptor);
    }
    interests_ = std::move(interests);
}

// Walks to `directory` as the kernel would. Each step is watched before it is taken,
// so that a change after it is seen.
void DirectoryWatch::arm_directory(const std::string& directory, Interests& interests) {
    namespace fs = std::filesystem;
    fs::path here = "/";
    std::deque<std::string> parts = parts_of(directory);
    std::size_t links = 0;
    while (!parts.empty()) {
        const std::string part = std::move(parts.front());
        parts.pop_front();
        if (part == "..") {
            here = here.parent_path();
            continue;
        }
        // One that we may pass through but not read is passed through unwatched.
        (void)watch(here.string(), part, interests);
        std::error_code error;
        const fs::path next = here / part;
        const fs::file_status status = fs::symlink_status(next, error);
        if (status.type() == fs::file_type::symlink && ++links <= links_max) {
            const fs::path target = fs::read_symlink(next, error);
            const std::deque<std::string> target_parts = parts_of(target);
            parts.insert(parts.begin(), target_parts.begin(), target_parts.end());
            if (target.is_absolute()) here = "/";
        } else if (status.type() == fs::file_type::directory) {
            here = next;
        } else {
            // Where there is nothing, its name is watched for, and that will do.
            if (status.type() != fs::file_type::not_found) {
                const int otherwise = status.type() == fs::file_type::symlink ? ELOOP : ENOTDIR;
                problems_.push_back("watch " + directory + ": " +
                                    errno_text(error ? error.value() : otherwise));
            }
            return;
        }
    }
    if (auto watched = watch(here.string(), "", interests); !watched) {
        problems_.push_back(std::move(watched).error().within("watch " + directory).message());
    }
}

// Watches `directory` for `name`, or for everything where that is empty.
Status DirectoryWatch::watch(const std::string& directory, const std::string& name,
                             Interests& interests) {
    const std::uint32_t events = name.empty() ? all_events : name_events;
    const int descriptor =
        ::inotify_add_watch(inotify_.get(), directory.c_str(), events | IN_ONLYDIR | IN_MASK_ADD);
    if (descriptor < 0) {
        const bool at_limit = errno == ENOSPC;
        return failure(
            at_limit ? Code::exhausted : Code::io,
            at_limit ? "no watch left (fs.inotify.max_user_watches)" : errno_text(errno));
    }
    Interest& interest = interests[descriptor];
    if (name.empty()) {
        interest.everything = true;
    } else {
        interest.names.insert(name);
    }
    return {};
}

void DirectoryWatch::on_readable() {
    std::array<char, read_bytes> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    const ssize_t result = ::read(inotify_.get(), bytes.data(), bytes.size());
    if (result <= 0) return;
    bool changed = false;
    std::string_view rest(bytes.data(), static_cast<std::size_t>(result));
    while (!rest.empty()) {
        inotify_event event{};
        PICKET_ASSERT(rest.size() >= sizeof(event));  // The kernel writes whole events.
        std::memcpy(&event, rest.data(), sizeof(event));
        // The name is padded with NUL.
        const std::string_view name = rest.substr(sizeof(event), event.len);
        const std::size_t length = std::min(name.find('\0'), name.size());
        if (on_event(event.wd, event.mask, std::string(name.substr(0, length)))) changed = true;
        rest.remove_prefix(sizeof(event) + event.len);
    }
    if (!changed) return;
    if (way_changed_) arm();
    const Instant now = monotonic_now();
    if (first_change_ == never) first_change_ = now;
    timer_.set(std::min(now + options_.quiet, first_change_ + options_.delay_max));
}

// Returns true where the event is a change.
bool DirectoryWatch::on_event(int descriptor, std::uint32_t events, const std::string& name) {
    if ((events & IN_Q_OVERFLOW) != 0) {
        way_changed_ = true;
        return true;
    }
    const auto found = interests_.find(descriptor);
    if (found == interests_.end()) return false;
    const Interest& interest = found->second;
    if ((events & self_events) != 0 || interest.names.contains(name)) {
        way_changed_ = true;
        return true;
    }
    return interest.everything;
}

void DirectoryWatch::on_quiet() {
    first_change_ = never;
    const auto on_change = on_change_;
    on_change();  // It may destroy this watch.
}

}  // namespace picket::io
