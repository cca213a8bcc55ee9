#include "checks/substitution.h"

#include <fmt/format.h>

#include <array>

#include "agent/base/problem.h"
#include "agent/base/text.h"
#include "checks/value_forms.h"

namespace picket::checks {
namespace {

constexpr std::array<std::string_view, 3> source_names{"env", "file", "credential"};

Status check_source_name(Source source, std::string_view name) {
    switch (source) {
        case Source::environment:
            return check_variable(name);
        case Source::file:
            return check_absolute_path(name);
        case Source::credential:
            break;
    }
    if (name.empty() || name.find('/') != name.npos || name.starts_with('.')) {
        return failure(Code::invalid, fmt::format("'{}' is not the name of a credential", name));
    }
    return check_line(name);
}

// `inner` is what stands between "${" and "}".
Result<std::string> read_one(std::string_view inner, const SecretReader& reader) {
    const std::size_t colon = inner.find(':');
    const std::string_view kind = inner.substr(0, colon);
    for (std::size_t i = 0; i < source_names.size(); ++i) {
        if (colon == inner.npos || source_names[i] != kind) continue;
        const auto source = static_cast<Source>(i);
        const std::string_view name = inner.substr(colon + 1);
        PICKET_TRY(check_source_name(source, name));
        std::string text = PICKET_TRY(reader(source, name));
        if (source != Source::environment && text.ends_with('\n')) text.pop_back();
        if (text.size() > substitution_bytes_max) {
            return failure(Code::invalid,
                           fmt::format("holds more than {} KiB", substitution_bytes_max / 1024));
        }
        if (!valid_utf8(text)) return failure(Code::invalid, "does not hold UTF-8 text");
        return text;
    }
    return failure(
        Code::invalid,
        fmt::format("write ${{env:X}}, ${{file:/path}} or ${{credential:X}}, or $${{ for "
                    "a literal ${{{}",
                    did_you_mean(closest(kind, source_names))));
}

}  // namespace

Result<Substituted> substitute(std::string_view written, const SecretReader& reader) {
    Substituted result;
    while (!written.empty()) {
        const std::size_t at = written.find("${");
        if (at == written.npos) break;
        if (at > 0 && written[at - 1] == '$') {  // "$${"
            result.text.append(written.substr(0, at - 1)).append("${");
            written.remove_prefix(at + 2);
            continue;
        }
        result.text.append(written.substr(0, at));
        const std::size_t end = written.find('}', at);
        if (end == written.npos) {
            return failure(Code::invalid, "'${' without its '}'; $${ stands for a literal ${");
        }
        auto one = read_one(written.substr(at + 2, end - at - 2), reader);
        if (!one.has_value()) {
            return tl::make_unexpected(
                std::move(one).error().within(written.substr(at, end + 1 - at)));
        }
        result.text += *one;
        result.secrets.push_back(*std::move(one));
        written.remove_prefix(end + 1);
    }
    result.text.append(written);
    return result;
}

}  // namespace picket::checks
