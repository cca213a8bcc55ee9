// TemporaryDirectory: an empty directory that goes when the test does.

#pragma once

#include <string>
#include <string_view>

namespace picket::testing {

class TemporaryDirectory {
public:
    TemporaryDirectory();
    ~TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    // Absolute, without symbolic links.
    const std::string& path() const { return path_; }
    std::string path(std::string_view name) const;

    // Writes a file, replacing what is there, and returns its path.
    std::string write(std::string_view name, std::string_view text) const;
    // Writes an executable /bin/sh script.
    std::string write_script(std::string_view name, std::string_view commands) const;
    std::string read(std::string_view name) const;

private:
    std::string path_;
};

}  // namespace picket::testing
