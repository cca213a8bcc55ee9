#include "agent/io/drop_in_directory.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/io/read_file.h"

namespace picket::io {
namespace {

namespace fs = std::filesystem;

class TemporaryDirectory {
public:
    TemporaryDirectory() {
        std::string pattern = (fs::temp_directory_path() / "picket-test-XXXXXX").string();
        path_ = mkdtemp(pattern.data());
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() { fs::remove_all(path_); }

    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    const std::string& path() const { return path_; }

    void write(const std::string& name, std::string_view text) const {
        std::ofstream(*this / name, std::ios::binary) << text;
    }

private:
    std::string path_;
};

TEST_CASE("a directory's *.toml files are read, in the order of their names") {
    const TemporaryDirectory directory;
    directory.write("b.toml", "bee");
    directory.write("a.toml", "");
    directory.write(".hidden.toml", "x");
    directory.write("c.txt", "x");
    const auto files = read_drop_in_directory(directory.path(), {}).value();
    REQUIRE(files.size() == 2);
    CHECK(files[0].name == "a.toml");
    CHECK(files[0].text.empty());
    CHECK(files[1].path == directory / "b.toml");
    CHECK(files[1].text == "bee");
}

TEST_CASE("what is no readable file is named with its reason, and nothing waits for it") {
    const TemporaryDirectory directory;
    fs::create_directory(directory / "directory.toml");
    REQUIRE(mkfifo((directory / "fifo.toml").c_str(), 0600) == 0);
    directory.write("large.toml", std::string(101, 'x'));
    fs::create_symlink("/dev/null", directory / "masked.toml");
    fs::create_symlink("nowhere", directory / "missing.toml");
    fs::create_symlink("/dev/zero", directory / "zero.toml");
    const auto files = read_drop_in_directory(directory.path(), {.file_bytes_max = 100}).value();
    REQUIRE(files.size() == 6);
    CHECK(files[0].fault == "is a directory, not a file");
    CHECK(files[1].fault == "is not a regular file");
    CHECK(files[2].fault == "the file is larger than 100 bytes");
    CHECK(files[3].fault.empty());
    CHECK(files[3].null_device);
    CHECK(files[4].fault == "no such file or directory");
    CHECK(files[5].fault == "is not a regular file");
}

TEST_CASE("a missing directory has no files; a file in its place is an error") {
    const TemporaryDirectory directory;
    CHECK(read_drop_in_directory(directory / "none", {})->empty());
    directory.write("file", "x");
    CHECK(read_drop_in_directory(directory / "file", {}).error().message() == "not a directory");
}

TEST_CASE("a file without read permission says so") {
    const TemporaryDirectory directory;
    directory.write("a.toml", "x");
    REQUIRE(chmod((directory / "a.toml").c_str(), 0) == 0);
    // The superuser may read everything, so be somebody else for a moment. In a user
    // namespace of one user there is nobody else to be.
    const uid_t self = geteuid();
    if (self == 0 && seteuid(65534) != 0) return;
    const auto read = read_file(directory / "a.toml", 100);
    REQUIRE(seteuid(self) == 0);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().message() == "permission denied");
}

TEST_CASE("more files than the limit are refused by name") {
    const TemporaryDirectory directory;
    for (const char* name : {"a.toml", "b.toml", "c.toml"}) directory.write(name, "x");
    const auto files = read_drop_in_directory(directory.path(), {.files_max = 2}).value();
    REQUIRE(files.size() == 3);
    CHECK(files[1].fault.empty());
    CHECK(files[2].fault == "more than 2 files in one directory");
}

TEST_CASE("a file as large as the limit is read whole") {
    const TemporaryDirectory directory;
    directory.write("a", std::string(100'000, 'x'));
    CHECK(read_file(directory / "a", 100'000)->text.size() == 100'000);
    CHECK(read_file(directory / "a", 99'999).error().code() == Code::exhausted);
    CHECK(read_file(directory / "none", 10).error().code() == Code::not_found);
    CHECK(read_file("/proc/self/status", 1024 * 1024)->text.find("Name:") == 0);
}

}  // namespace
}  // namespace picket::io
