#include "agent/io/shared_part.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include "agent/base/text.h"
#include "agent/base/version.h"
#include "agent/io/installed.h"

namespace picket::io {
namespace {

std::string last_problem() {
    const char* said = ::dlerror();  // NOLINT(concurrency-mt-unsafe): one thread loads parts.
    return said == nullptr ? "unknown" : printable_line(said, 160);
}

}  // namespace

Result<void*> load_shared_part(std::string_view name, const char* symbol,
                               const char* version_symbol) {
    const std::string path = installed_part(name);
    if (::access(path.c_str(), F_OK) != 0) {
        return failure(Code::not_found, fmt::format("{} is not installed ({})", name, path));
    }
    // What it is linked with is resolved now, not in the middle of a check.
    void* part = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (part == nullptr) {
        return failure(Code::io, fmt::format("{} cannot be loaded: {}", name, last_problem()));
    }
    auto* const* part_version = static_cast<const char* const*>(::dlsym(part, version_symbol));
    void* found = ::dlsym(part, symbol);
    if (part_version == nullptr || found == nullptr) {
        return failure(Code::io, fmt::format("{} is no part of picket: {}", name, last_problem()));
    }
    if (std::string_view(*part_version) != version) {
        return failure(Code::io, fmt::format("{} is of version {}, this agent of {}: restart it",
                                             name, *part_version, version));
    }
    return found;
}

}  // namespace picket::io
