#include "checks/interpolation.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <ranges>

#include "agent/base/text.h"

namespace picket::checks {
namespace {

bool name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

// Walks `text`: `literal` gets what stands between, `name` what stands in braces.
Status walk(std::string_view text, const std::function<void(std::string_view)>& literal,
            const std::function<Status(std::string_view)>& name) {
    while (true) {
        const std::size_t open = text.find("{{");
        literal(text.substr(0, open));
        if (open == text.npos) return {};
        const std::size_t close = text.find("}}", open);
        if (close == text.npos) return failure(Code::invalid, "a {{ without its }}");
        const std::string_view inside = trim(text.substr(open + 2, close - open - 2));
        if (inside.empty() || !std::ranges::all_of(inside, name_character)) {
            return failure(Code::invalid, fmt::format("'{{{{{}}}}}' is not the name of a capture",
                                                      printable_line(inside, 40)));
        }
        PICKET_TRY(name(inside));
        text.remove_prefix(close + 2);
    }
}

}  // namespace

Result<std::string> interpolate(std::string_view text, const Captures& captures) {
    std::string result;
    PICKET_TRY(walk(
        text, [&](std::string_view literal) { result += literal; },
        [&](std::string_view name) -> Status {
            const auto latest = std::ranges::find(captures.rbegin(), captures.rend(), name,
                                                  [](const auto& c) { return c.first; });
            if (latest == captures.rend()) {
                return failure(Code::not_found, fmt::format("nothing was captured as {}", name));
            }
            result += latest->second;
            return {};
        }));
    return result;
}

Result<std::vector<std::string>> interpolated_names(std::string_view text) {
    std::vector<std::string> names;
    PICKET_TRY(walk(
        text, [](std::string_view) {},
        [&](std::string_view name) -> Status {
            names.emplace_back(name);
            return {};
        }));
    return names;
}

}  // namespace picket::checks
