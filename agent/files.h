// What the agent reads at its start and at every reload: its configuration, its
// drop-in directories, the secrets that definitions name.
//
// The one place where the pure parsers meet the machine. Blocking, on small and
// bounded files only.

#pragma once

#include <string>
#include <vector>

#include "agent/base/drop_in_file.h"
#include "agent/base/problem.h"
#include "agent/config.h"
#include "checks/substitution.h"

namespace picket {

// The host's name, the environment, and which system directories can be written.
Surroundings look_around();

// Reads and parses `path`. No file at config_path_default is the default
// configuration; anywhere else it is a problem.
ParsedConfig load_config(const std::string& path, const Surroundings& surroundings);

struct CheckFiles {
    std::vector<DropInFile> files;  // As effective_files() leaves them.
    std::vector<Problem> problems;  // Directories that cannot be read.
};

CheckFiles read_check_files(const std::vector<std::string>& directories);

// Reads the agent's environment, files, and $CREDENTIALS_DIRECTORY.
checks::SecretReader secret_reader();

}  // namespace picket
