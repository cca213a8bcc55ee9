// FileDescriptor: a descriptor with an owner.

#pragma once

#include <unistd.h>

#include <utility>

namespace picket::io {

class FileDescriptor {
public:
    FileDescriptor() = default;
    // Takes over `fd`; a negative one means none, as system calls return it.
    explicit FileDescriptor(int fd) : fd_(fd) {}
    FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~FileDescriptor() {
        if (fd_ >= 0) ::close(fd_);
    }

    bool open() const { return fd_ >= 0; }
    int get() const { return fd_; }
    // The caller closes it from now on.
    int release() { return std::exchange(fd_, -1); }

private:
    int fd_ = -1;
};

}  // namespace picket::io
