#include "agent/base/problem.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/base/text.h"

namespace picket {

std::string to_text(const Problem& problem) {
    const std::string line = fmt::format("{}:{}:{}: {}{}{}", problem.file, problem.position.line,
                                         problem.position.column, problem.key,
                                         problem.key.empty() ? "" : ": ", problem.message);
    return printable_line(line, problem_bytes_max);
}

std::string did_you_mean(std::string_view suggestion) {
    return suggestion.empty() ? std::string() : fmt::format(", did you mean {}", suggestion);
}

void ProblemList::add(Position position, std::string_view key, std::string_view message) {
    if (full()) {
        ++left_out_;
        return;
    }
    problems_.push_back({file_, position, std::string(key), std::string(message)});
}

std::vector<Problem> ProblemList::take() && {
    std::ranges::stable_sort(problems_, {}, &Problem::position);
    if (left_out_ > 0) {
        problems_.push_back({file_,
                             problems_.back().position,
                             {},
                             fmt::format("{} more problems are not shown", left_out_)});
    }
    return std::move(problems_);
}

}  // namespace picket
