// UnixListener: the local API's socket file, from its making to its removal.
//
// A socket file that a dead agent left behind is replaced; one that answers is
// refused, as is anything there that is no socket. The file is open to its owner
// and, where the group exists and this process may give it away, to that group;
// it is never open to more than that, not even for a moment. close() removes the
// file, unless another has taken its place meanwhile.

#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "agent/base/result.h"

namespace picket::api {

class UnixListener {
public:
    // Listens at `path`; its directory is made if it is missing.
    static Result<UnixListener> open(const std::string& path, const std::string& group);

    UnixListener(UnixListener&& other) noexcept;
    UnixListener& operator=(UnixListener&&) = delete;
    ~UnixListener() { close(); }

    int fd() const { return fd_; }
    const std::optional<gid_t>& group() const { return group_; }

    void close();

private:
    UnixListener(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

    Status bind();
    void open_to(const std::string& group);

    std::string path_;
    int fd_ = -1;
    std::optional<gid_t> group_;  // Of the name asked for, where there is one.
    // The file that bind() made; both zero before.
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

// True where the process at the other end of `connection` runs as root, as this
// process's user, or in `group`, by the kernel's word. `uid` and `gid` get the
// peer's.
bool privileged_peer(int connection, const std::optional<gid_t>& group, uid_t& uid, gid_t& gid);

}  // namespace picket::api
