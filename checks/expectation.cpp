#include "checks/expectation.h"

#include <fmt/format.h>
#include <re2/re2.h>

namespace picket::checks {
namespace {

constexpr std::int64_t pattern_memory_bytes_max = 1024 * 1024;

}  // namespace

Status check_pattern(std::string_view pattern) {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(pattern_memory_bytes_max);
    const RE2 compiled(re2::StringPiece(pattern.data(), pattern.size()), options);
    if (!compiled.ok()) {
        return failure(Code::invalid,
                       fmt::format("is not a regular expression: {}", compiled.error()));
    }
    return {};
}

}  // namespace picket::checks
