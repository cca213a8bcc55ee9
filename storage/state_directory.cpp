#include "storage/state_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "agent/base/errno_text.h"

namespace picket::storage {

namespace {

constexpr mode_t directory_mode = 0750;
constexpr mode_t lock_mode = 0640;
constexpr std::string_view corrupt_suffix = ".corrupt-";

tl::unexpected<Error> system_failure(std::string_view attempt, const std::string& path,
                                     int number) {
    return failure(number == ENOSPC ? Code::exhausted : Code::io,
                   fmt::format("{} {}: {}", attempt, path, errno_text(number)));
}

// Whoever holds the lock wrote its pid there; empty where it did not get to.
std::string holder_of(int descriptor) {
    std::array<char, 20> text{};
    const auto length = ::pread(descriptor, text.data(), text.size(), 0);
    std::string pid;
    for (ssize_t index = 0; index < length; ++index) {
        const char character = text.at(static_cast<std::size_t>(index));
        if (std::isdigit(static_cast<unsigned char>(character)) == 0) break;
        pid += character;
    }
    return pid;
}

// "20261123T030000.123Z": sorts by time and needs no quoting in a shell.
std::string compact_time(WallTime time) {
    std::string text = format_time(time);
    std::erase_if(text, [](char character) { return character == '-' || character == ':'; });
    return text;
}

// The databases that were set aside, oldest first.
Result<std::vector<std::string>> all_set_aside(const std::filesystem::path& database_path) {
    const std::string prefix = database_path.filename().string().append(corrupt_suffix);
    std::error_code error;
    std::filesystem::directory_iterator entry(database_path.parent_path(), error);
    std::vector<std::string> found;
    while (!error && entry != std::filesystem::directory_iterator()) {
        const std::string name = entry->path().filename().string();
        if (name.starts_with(prefix) && !name.ends_with("-wal") && !name.ends_with("-shm")) {
            found.push_back(entry->path().string());
        }
        entry.increment(error);
    }
    if (error) return system_failure("list", database_path.parent_path(), error.value());
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace

Status create_directories(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) {
        if (S_ISDIR(status.st_mode)) return {};
        return failure(Code::io, fmt::format("open {}: not a directory", path));
    }
    const std::string parent = std::filesystem::path(path).parent_path();
    if (!parent.empty() && parent != path) PICKET_TRY(create_directories(parent));
    if (::mkdir(path.c_str(), directory_mode) == 0 || errno == EEXIST) return {};
    return system_failure("create", path, errno);
}

Result<FileLock> FileLock::acquire(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, lock_mode);
    if (descriptor < 0) return system_failure("open", path, errno);
    FileLock lock(descriptor);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return system_failure("lock", path, errno);
        const std::string pid = holder_of(descriptor);
        return failure(Code::exhausted,
                       fmt::format("lock {}: another picketd{} uses this state directory", path,
                                   pid.empty() ? "" : fmt::format(" (pid {})", pid)));
    }
    // The pid is a courtesy: on a full disk the lock holds without it.
    const std::string pid = fmt::format("{}\n", ::getpid());
    if (::ftruncate(descriptor, 0) == 0) {
        [[maybe_unused]] const auto written = ::pwrite(descriptor, pid.data(), pid.size(), 0);
    }
    return lock;
}

FileLock::~FileLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::string> set_aside(const std::string& database_path, WallTime now) {
    if (PICKET_TRY(all_set_aside(database_path)).size() >= set_aside_max) {
        return failure(Code::io, fmt::format("{0} is corrupt, and {1} corrupt ones are set aside "
                                             "already; check the disk, then remove {0}{2}*",
                                             database_path, set_aside_max, corrupt_suffix));
    }
    const std::string wanted =
        fmt::format("{}{}{}", database_path, corrupt_suffix, compact_time(now));
    std::string target = wanted;
    struct stat status {};
    for (int copy = 2; ::stat(target.c_str(), &status) == 0; ++copy) {
        target = fmt::format("{}.{}", wanted, copy);
    }
    // The log first: should we end in between, the next start finds the corrupt
    // database alone and sets it aside; a log must never meet a fresh database.
    for (const char* suffix : {"-wal", "-shm", ""}) {
        const std::string from = database_path + suffix;
        if (::rename(from.c_str(), (target + suffix).c_str()) != 0 && errno != ENOENT) {
            return system_failure("set aside", from, errno);
        }
    }
    return target;
}

Result<std::string> newest_set_aside(const std::string& database_path) {
    auto found = PICKET_TRY(all_set_aside(database_path));
    return found.empty() ? std::string() : std::move(found.back());
}

Status replace_file(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) return system_failure("rename", from, errno);
    // A rename is on disk once its directory is.
    const std::string parent = std::filesystem::path(to).parent_path();
    const int descriptor = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return {};
    ::fsync(descriptor);
    ::close(descriptor);
    return {};
}

}  // namespace picket::storage
