// Reading the *.toml files of one drop-in directory.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "agent/base/drop_in_file.h"
#include "agent/base/result.h"

namespace picket::io {

struct DirectoryLimits {
    std::size_t files_max = 20'000;  // Further names are refused, each as a fault.
    std::size_t file_bytes_max = 1024UL * 1024;
};

// The visible *.toml files of `path`, ordered by name; none where there is no such
// directory. io where the directory itself cannot be read.
Result<std::vector<DropInFile>> read_drop_in_directory(const std::string& path,
                                                       DirectoryLimits limits);

}  // namespace picket::io
