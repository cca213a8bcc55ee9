#include "tests/support/temporary_directory.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "agent/base/assert.h"

namespace picket::testing {

TemporaryDirectory::TemporaryDirectory() {
    std::error_code error;
    const auto parent =
        std::filesystem::canonical(std::filesystem::temp_directory_path(error), error);
    PICKET_ASSERT(!error);
    path_ = (parent / "picket-test-XXXXXX").string();
    PICKET_ASSERT(::mkdtemp(path_.data()) != nullptr);
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::path(std::string_view name) const {
    return path_ + "/" + std::string(name);
}

std::string TemporaryDirectory::write(std::string_view name, std::string_view text) const {
    std::string file_path = path(name);
    std::ofstream file(file_path, std::ios::binary | std::ios::trunc);
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    file.close();
    PICKET_ASSERT(file.good());
    return file_path;
}

std::string TemporaryDirectory::write_script(std::string_view name,
                                             std::string_view commands) const {
    std::string file_path = write(name, "#!/bin/sh\n" + std::string(commands) + "\n");
    std::error_code error;
    std::filesystem::permissions(file_path, std::filesystem::perms::owner_all, error);
    PICKET_ASSERT(!error);
    return file_path;
}

std::string TemporaryDirectory::read(std::string_view name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace picket::testing
