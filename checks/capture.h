// CapturingPattern: a regular expression that tells what its groups matched.
//
// For dialogues and journeys, where a later step repeats what an earlier answer
// said. RE2, with the limits of Pattern (expectation.h).

#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checks/interpolation.h"

namespace re2 {
class RE2;
}  // namespace re2

namespace picket::checks {

class CapturingPattern {
public:
    struct Match {
        std::size_t end = 0;  // Where it ends in the text.
        Captures captures;    // Of each group, under its name, or its number from 1.
    };

    // Requires an expression that check_pattern() accepts.
    explicit CapturingPattern(std::string_view expression);
    ~CapturingPattern();
    CapturingPattern(CapturingPattern&&) noexcept;
    CapturingPattern& operator=(CapturingPattern&&) noexcept;

    // The first match in `text`.
    std::optional<Match> search(std::string_view text) const;

    // The names of its groups, in order; a number where one has none.
    std::vector<std::string> groups() const;

    const std::string& expression() const;

private:
    std::unique_ptr<re2::RE2> compiled_;
};

}  // namespace picket::checks
