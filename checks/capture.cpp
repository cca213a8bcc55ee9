#include "checks/capture.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include "agent/base/assert.h"
#include "checks/expectation.h"

namespace picket::checks {

CapturingPattern::CapturingPattern(std::string_view expression) {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(pattern_memory_bytes_max);
    compiled_ =
        std::make_unique<RE2>(re2::StringPiece(expression.data(), expression.size()), options);
    PICKET_ASSERT(compiled_->ok());
}
CapturingPattern::~CapturingPattern() = default;
CapturingPattern::CapturingPattern(CapturingPattern&&) noexcept = default;
CapturingPattern& CapturingPattern::operator=(CapturingPattern&&) noexcept = default;

std::optional<CapturingPattern::Match> CapturingPattern::search(std::string_view text) const {
    const re2::StringPiece whole(text.data(), text.size());
    std::vector<re2::StringPiece> groups(
        static_cast<std::size_t>(compiled_->NumberOfCapturingGroups()) + 1);
    if (!compiled_->Match(whole, 0, whole.size(), RE2::UNANCHORED, groups.data(),
                          static_cast<int>(groups.size()))) {
        return std::nullopt;
    }
    Match match;
    match.end = static_cast<std::size_t>(groups[0].data() + groups[0].size() - whole.data());
    const std::vector<std::string> names = this->groups();
    for (std::size_t i = 0; i < names.size(); ++i) {
        const re2::StringPiece& group = groups[i + 1];
        match.captures.emplace_back(names[i], std::string(group.data(), group.size()));
    }
    return match;
}

std::vector<std::string> CapturingPattern::groups() const {
    std::vector<std::string> names;
    const auto& named = compiled_->CapturingGroupNames();
    for (int i = 1; i <= compiled_->NumberOfCapturingGroups(); ++i) {
        const auto name = named.find(i);
        names.push_back(name == named.end() ? fmt::format("{}", i) : name->second);
    }
    return names;
}

const std::string& CapturingPattern::expression() const {
    return compiled_->pattern();
}

}  // namespace picket::checks
