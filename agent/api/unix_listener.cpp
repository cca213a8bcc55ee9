#include "agent/api/unix_listener.h"

#include <fmt/format.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "agent/base/errno_text.h"
#include "agent/base/log.h"

namespace picket::api {
namespace {

constexpr int backlog = 64;
constexpr std::size_t group_bytes_max = std::size_t{1024} * 1024;

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

// The kernel's socket calls take every address as this one type.
const sockaddr* generic(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

std::optional<gid_t> group_id(const std::string& name) {
    std::vector<char> buffer(4096);
    group entry{};
    group* found = nullptr;
    while (getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) == ERANGE &&
           buffer.size() < group_bytes_max) {
        buffer.resize(buffer.size() * 2);
    }
    return found == nullptr ? std::nullopt : std::optional(found->gr_gid);
}

// Removes a socket file that nobody listens on.
Status remove_stale(const std::string& path) {
    struct stat file {};
    if (lstat(path.c_str(), &file) != 0) return {};
    if (!S_ISSOCK(file.st_mode)) {
        return failure(Code::io, fmt::format("{} exists and is not a socket", path));
    }
    const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) return failure(Code::io, fmt::format("socket: {}", errno_text(errno)));
    const sockaddr_un address = address_of(path);
    const int error = connect(probe, generic(address), sizeof address) == 0 ? 0 : errno;
    ::close(probe);
    // EAGAIN is a full backlog: somebody is there, if busy.
    if (error == 0 || error == EAGAIN) {
        return failure(Code::io, fmt::format("another agent answers on {}", path));
    }
    if (error != ECONNREFUSED) {
        return failure(Code::io, fmt::format("connect {}: {}", path, errno_text(error)));
    }
    if (unlink(path.c_str()) != 0) {
        return failure(Code::io, fmt::format("remove the stale {}: {}", path, errno_text(errno)));
    }
    return {};
}

}  // namespace

Result<UnixListener> UnixListener::open(const std::string& path, const std::string& group) {
    constexpr std::size_t path_bytes_max = sizeof(sockaddr_un::sun_path) - 1;
    if (path.empty()) return failure(Code::invalid, "the socket path is empty");
    if (path.size() > path_bytes_max) {
        return failure(Code::invalid, fmt::format("{}: a socket path has at most {} bytes, this "
                                                  "one has {}",
                                                  path, path_bytes_max, path.size()));
    }
    const std::filesystem::path directory = std::filesystem::path(path).parent_path();
    if (!directory.empty()) {
        std::error_code error;
        std::filesystem::create_directories(directory, error);
        if (error) {
            return failure(Code::io,
                           fmt::format("make {}: {}", directory.string(), error.message()));
        }
    }
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return failure(Code::io, fmt::format("socket: {}", errno_text(errno)));
    UnixListener listener(path, fd);
    PICKET_TRY(listener.bind());
    listener.open_to(group);
    return listener;
}

Status UnixListener::bind() {
    PICKET_TRY(remove_stale(path_));
    // The mode of the socket itself is that of the file which bind() makes.
    fchmod(fd_, 0600);
    const sockaddr_un address = address_of(path_);
    if (::bind(fd_, generic(address), sizeof address) != 0) {
        return failure(Code::io, fmt::format("bind {}: {}", path_, errno_text(errno)));
    }
    struct stat file {};
    if (stat(path_.c_str(), &file) == 0) {
        device_ = file.st_dev;
        inode_ = file.st_ino;
    }
    if (listen(fd_, backlog) != 0) {
        return failure(Code::io, fmt::format("listen {}: {}", path_, errno_text(errno)));
    }
    return {};
}

void UnixListener::open_to(const std::string& group) {
    group_ = group_id(group);
    if (!group_.has_value()) return;
    const bool opened = chown(path_.c_str(), static_cast<uid_t>(-1), *group_) == 0 &&
                        chmod(path_.c_str(), 0660) == 0;
    if (!opened) {
        log_warning(
            fmt::format("{} stays closed to group {}: {}", path_, group, errno_text(errno)));
    }
}

UnixListener::UnixListener(UnixListener&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      group_(other.group_),
      device_(other.device_),
      inode_(other.inode_) {}

void UnixListener::close() {
    if (fd_ < 0) return;
    struct stat file {};
    const bool ours = inode_ != 0 && stat(path_.c_str(), &file) == 0 && file.st_dev == device_ &&
                      file.st_ino == inode_;
    if (ours) unlink(path_.c_str());
    ::close(std::exchange(fd_, -1));
}

bool privileged_peer(int connection, const std::optional<gid_t>& group, uid_t& uid, gid_t& gid) {
    ucred peer{};
    socklen_t length = sizeof peer;
    if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
        uid = static_cast<uid_t>(-1);
        gid = static_cast<gid_t>(-1);
        return false;
    }
    uid = peer.uid;
    gid = peer.gid;
    if (peer.uid == 0 || peer.uid == geteuid()) return true;
    if (!group.has_value()) return false;
    if (peer.gid == *group) return true;
    // SO_PEERCRED has the primary group only; this has the others.
    std::vector<gid_t> groups(64);
    length = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    int result = getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length);
    if (result != 0 && errno == ERANGE) {
        groups.resize(length / sizeof(gid_t));
        result = getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length);
    }
    if (result != 0) return false;
    groups.resize(length / sizeof(gid_t));
    return std::find(groups.begin(), groups.end(), *group) != groups.end();
}

}  // namespace picket::api
