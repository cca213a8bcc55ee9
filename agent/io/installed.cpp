#include "agent/io/installed.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>

namespace picket::io {

std::string installed_part(std::string_view name) {
    std::array<char, PATH_MAX> self{};
    const ssize_t length = ::readlink("/proc/self/exe", self.data(), self.size());
    if (length > 0) {
        const std::string_view program(self.data(), static_cast<std::size_t>(length));
        const std::string directory(program.substr(0, program.rfind('/') + 1));
        for (const std::string_view place : {"", "../lib/picket/"}) {
            std::string path = directory;
            path.append(place).append(name);
            if (::access(path.c_str(), R_OK) == 0) return path;
        }
    }
    return std::string(parts_directory) + "/" + std::string(name);
}

std::optional<std::string> environment_variable(const std::string& name) {
    const char* value =
        std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nobody sets it.
    if (value == nullptr) return std::nullopt;
    return std::string(value);
}

std::optional<std::string> find_program(std::string_view name) {
    const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nobody sets it.
    std::string_view directories =
        path == nullptr ? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" : path;
    while (!directories.empty()) {
        const std::string_view directory = directories.substr(0, directories.find(':'));
        directories.remove_prefix(std::min(directory.size() + 1, directories.size()));
        // A relative directory is wherever this process happens to stand.
        if (!directory.starts_with('/')) continue;
        std::string program(directory);
        program += '/';
        program += name;
        if (::access(program.c_str(), X_OK) == 0) return program;
    }
    return std::nullopt;
}

}  // namespace picket::io
