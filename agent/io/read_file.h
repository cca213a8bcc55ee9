// Reading small files that people keep: configuration, definitions, secrets.
//
// Blocking, but never for long: only regular files are read, a FIFO or a device
// is refused without waiting for it, and the size is bounded.

#pragma once

#include <cstddef>
#include <string>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace picket::io {

struct ReadFile {
    std::string text;
    bool null_device = false;  // The path is, or leads to, /dev/null.
    WallTime modified{};       // As the file system has it.
};

// not_found where there is no such file, exhausted where it is larger than
// `bytes_max`, io otherwise. Messages hold the reason alone: "permission denied",
// "is a directory, not a file".
Result<ReadFile> read_file(const std::string& path, std::size_t bytes_max);

// As above, below the open directory `directory`.
Result<ReadFile> read_file_at(int directory, const std::string& name, std::size_t bytes_max);

}  // namespace picket::io
