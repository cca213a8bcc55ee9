#include "agent/io/replace_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "agent/base/errno_text.h"
#include "agent/io/file_descriptor.h"

namespace picket::io {
namespace {

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = write(fd, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

}  // namespace

Status replace_file(const std::string& path, std::string_view text, mode_t mode) {
    const std::string beside = path + ".new";
    const auto failed = [&](std::string_view what, const std::string& subject) {
        return failure(Code::io, std::string(what) + " " + subject + ": " + errno_text(errno));
    };
    // A mode is given to a new file only: one that was left behind may have another.
    unlink(beside.c_str());
    FileDescriptor file(open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!file.open()) return failed("create", beside);
    if (!write_all(file.get(), text) || fsync(file.get()) != 0) return failed("write", beside);
    if (rename(beside.c_str(), path.c_str()) != 0) return failed("rename", beside);
    // The new name is on the disk once its directory is.
    const std::string directory = path.substr(0, path.rfind('/') + 1);
    const FileDescriptor parent(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!parent.open() || fsync(parent.get()) != 0) return failed("write", directory);
    return {};
}

}  // namespace picket::io
