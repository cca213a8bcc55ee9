#include "agent/files.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "agent/base/limits.h"
#include "agent/io/drop_in_directory.h"
#include "agent/io/read_file.h"
#include "checks/drop_in.h"

namespace picket {
namespace {

// Nothing in picket sets the environment.
std::string environment(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): see above
    return value == nullptr ? std::string() : std::string(value);
}

// Whether the directory can be written, or made in a parent that can.
bool writable(std::string_view directory) {
    const std::string path(directory);
    if (access(path.c_str(), W_OK | X_OK) == 0) return true;
    if (errno != ENOENT) return false;
    const std::string parent = path.substr(0, path.rfind('/'));
    return access(parent.c_str(), W_OK | X_OK) == 0;
}

Result<std::string> read_text(const std::string& path) {
    // One byte more than may be brought in, for the newline that is dropped.
    auto file = io::read_file(path, checks::substitution_bytes_max + 1);
    if (file.has_value()) return std::move(file->text);
    if (file.error().code() != Code::exhausted) return tl::make_unexpected(file.error());
    return failure(Code::exhausted, "the file is larger than 64 KiB");
}

Result<std::string> read_source(checks::Source source, std::string_view name) {
    const std::string text(name);
    switch (source) {
        case checks::Source::environment: {
            const char* value =
                std::getenv(text.c_str());  // NOLINT(concurrency-mt-unsafe): see environment()
            if (value == nullptr) {
                return failure(Code::not_found, "is not set in the agent's environment");
            }
            return std::string(value);
        }
        case checks::Source::file:
            return read_text(text);
        case checks::Source::credential:
            break;
    }
    const std::string directory = environment("CREDENTIALS_DIRECTORY");
    if (directory.empty()) {
        return failure(Code::not_found,
                       "the agent has no credentials: CREDENTIALS_DIRECTORY is not set");
    }
    return read_text(directory + "/" + text);
}

}  // namespace

Surroundings look_around() {
    Surroundings surroundings;
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) == 0) surroundings.host_name = name.data();
    if (surroundings.host_name.empty()) surroundings.host_name = "localhost";
    surroundings.system_state_writable = writable(system_state_dir);
    surroundings.system_socket_writable =
        writable(system_socket.substr(0, system_socket.rfind('/')));
    surroundings.xdg_state_home = environment("XDG_STATE_HOME");
    surroundings.home = environment("HOME");
    return surroundings;
}

ParsedConfig load_config(const std::string& path, const Surroundings& surroundings) {
    auto file = io::read_file(path, limits::definition_file_bytes_max);
    if (file.has_value()) return parse_config(file->text, path, surroundings);
    ParsedConfig parsed{default_config(surroundings), {}};
    const bool absent = file.error().code() == Code::not_found && path == config_path_default;
    if (!absent) parsed.problems.push_back({path, {}, {}, file.error().message()});
    return parsed;
}

CheckFiles read_check_files(const std::vector<std::string>& directories) {
    CheckFiles read;
    std::vector<std::vector<DropInFile>> found;
    const io::DirectoryLimits bounds{.files_max = limits::checks_max,
                                     .file_bytes_max = limits::definition_file_bytes_max};
    for (const std::string& directory : directories) {
        auto files = io::read_drop_in_directory(directory, bounds);
        if (files.has_value()) {
            found.push_back(*std::move(files));
        } else {
            read.problems.push_back({directory, {}, {}, files.error().message()});
        }
    }
    read.files = checks::effective_files(std::move(found));
    return read;
}

checks::SecretReader secret_reader() {
    return read_source;
}

}  // namespace picket
