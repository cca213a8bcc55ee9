#include "agent/io/read_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <chrono>
#include <system_error>

#include "agent/base/errno_text.h"

namespace picket::io {
namespace {

const dev_t null_device = makedev(1, 3);

struct Descriptor {
    explicit Descriptor(int number) : fd(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd >= 0) close(fd);
    }
    int fd;
};

tl::unexpected<Error> errno_failure(int error) {
    return failure(error == ENOENT ? Code::not_found : Code::io, errno_text(error));
}

std::string size_text(std::size_t bytes) {
    constexpr std::size_t mebibyte = 1024UL * 1024;
    if (bytes % mebibyte == 0) return fmt::format("{} MiB", bytes / mebibyte);
    if (bytes % 1024 == 0) return fmt::format("{} KiB", bytes / 1024);
    return fmt::format("{} bytes", bytes);
}

}  // namespace

Result<ReadFile> read_file(const std::string& path, std::size_t bytes_max) {
    return read_file_at(AT_FDCWD, path, bytes_max);
}

Result<ReadFile> read_file_at(int directory, const std::string& name, std::size_t bytes_max) {
    const Descriptor file(
        openat(directory, name.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    if (file.fd < 0) return errno_failure(errno);
    struct stat status {};
    if (fstat(file.fd, &status) != 0) return errno_failure(errno);
    ReadFile result;
    if (S_ISDIR(status.st_mode)) return failure(Code::io, "is a directory, not a file");
    if (S_ISCHR(status.st_mode) && status.st_rdev == null_device) {
        result.null_device = true;
        return result;
    }
    if (!S_ISREG(status.st_mode)) return failure(Code::io, "is not a regular file");
    result.modified = WallTime(std::chrono::seconds(status.st_mtim.tv_sec));
    const auto too_large = [&] {
        return failure(Code::exhausted,
                       fmt::format("the file is larger than {}", size_text(bytes_max)));
    };
    if (status.st_size > 0 && static_cast<std::size_t>(status.st_size) > bytes_max) {
        return too_large();
    }
    // The size is a hint only: the file may grow meanwhile, and those of /proc say 0.
    constexpr std::size_t step_bytes = 16UL * 1024;
    std::size_t length = 0;
    while (true) {
        result.text.resize(length + step_bytes);
        const ssize_t count = read(file.fd, result.text.data() + length, step_bytes);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno_failure(errno);
        length += static_cast<std::size_t>(count);
        if (length > bytes_max) return too_large();
        if (count == 0) break;
    }
    result.text.resize(length);
    return result;
}

}  // namespace picket::io
