#include "agent/secret_reader.h"

#include <fmt/format.h>

#include <cstdlib>

#include "agent/base/assert.h"
#include "agent/io/read_file.h"

namespace picket {
namespace {

Result<std::string> read_environment(const std::string& name) {
    // Nothing in picketd writes the environment.
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): see above
    if (value == nullptr) {
        return failure(Code::not_found, fmt::format("{} is not set in the environment", name));
    }
    return std::string(value);
}

Result<std::string> read_text(const std::string& path) {
    io::ReadFile read = PICKET_TRY(io::read_file(path, checks::substitution_bytes_max));
    return std::move(read.text);
}

// systemd.exec(5), LoadCredential=: one file a credential, no directories.
Result<std::string> read_credential(const std::string& name) {
    const auto directory = read_environment("CREDENTIALS_DIRECTORY");
    if (!directory) {
        return failure(Code::not_found, "no credentials: CREDENTIALS_DIRECTORY is not set");
    }
    if (name.find('/') != std::string::npos || name == "." || name == "..") {
        return failure(Code::invalid, fmt::format("'{}' is not the name of a credential", name));
    }
    return read_text(*directory + "/" + name);
}

}  // namespace

Result<std::string> read_secret(checks::Source source, std::string_view name) {
    const std::string text(name);
    switch (source) {
        case checks::Source::environment:
            return read_environment(text);
        case checks::Source::file:
            return read_text(text);
        case checks::Source::credential:
            return read_credential(text);
    }
    PICKET_ASSERT(false);
    return failure(Code::invalid, "no such source");
}

}  // namespace picket
