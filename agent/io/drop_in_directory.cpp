#include "agent/io/drop_in_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "agent/base/errno_text.h"
#include "agent/io/read_file.h"

namespace picket::io {
namespace {

struct CloseDirectory {
    void operator()(DIR* directory) const { closedir(directory); }
};

}  // namespace

Result<std::vector<DropInFile>> read_drop_in_directory(const std::string& path,
                                                       DirectoryLimits limits) {
    std::vector<DropInFile> files;
    const std::unique_ptr<DIR, CloseDirectory> directory(opendir(path.c_str()));
    if (!directory) {
        if (errno == ENOENT) return files;
        return failure(Code::io, errno_text(errno));
    }
    // Nobody else reads this stream: readdir() needs no lock.
    // NOLINTNEXTLINE(concurrency-mt-unsafe)
    for (errno = 0; const dirent* entry = readdir(directory.get()); errno = 0) {
        if (is_drop_in_name(entry->d_name)) files.emplace_back().name = entry->d_name;
    }
    if (errno != 0) return failure(Code::io, errno_text(errno));
    std::ranges::sort(files, {}, &DropInFile::name);
    for (std::size_t i = 0; i < files.size(); ++i) {
        DropInFile& file = files[i];
        file.path = path + "/" + file.name;
        if (i >= limits.files_max) {
            file.fault = fmt::format("more than {} files in one directory", limits.files_max);
            continue;
        }
        auto read = read_file_at(dirfd(directory.get()), file.name, limits.file_bytes_max);
        if (read.has_value()) {
            file.text = std::move(read->text);
            file.null_device = read->null_device;
            file.modified = read->modified;
        } else {
            file.fault = read.error().message();
        }
    }
    return files;
}

}  // namespace picket::io
