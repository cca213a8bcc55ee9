// Problem: what is wrong with a file that a person wrote, and where.
//
// Every fault of a configuration or definition file is one of these, and one
// line of text: `FILE:LINE:COLUMN: key: what is wrong, did you mean X`. Faults
// of a whole file (it cannot be read, it is too large) stand at 1:1.

#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace picket {

// Where something stands in a file. Lines and columns count from 1; a column
// counts characters.
struct Position {
    std::uint32_t line = 1;
    std::uint32_t column = 1;

    auto operator<=>(const Position&) const = default;
};

struct Problem {
    std::string file;
    Position position;
    std::string key;  // "http.homepage.interval"; empty where the fault has no key.
    std::string message;

    bool operator==(const Problem&) const = default;
};

// One printable line, at most problem_bytes_max bytes.
std::string to_text(const Problem& problem);

constexpr std::size_t problem_bytes_max = 1024;

// ", did you mean X", or nothing where X is empty.
std::string did_you_mean(std::string_view suggestion);

// The problems of one file, in the order of their position. At problems_max the
// rest is counted, not kept, and the last line says how many there were.
class ProblemList {
public:
    static constexpr std::size_t problems_max = 100;

    explicit ProblemList(std::string file) : file_(std::move(file)) {}

    void add(Position position, std::string_view key, std::string_view message);

    bool empty() const { return problems_.empty(); }
    // Further problems are only counted: spare the work of explaining them.
    bool full() const { return problems_.size() >= problems_max; }

    std::vector<Problem> take() &&;

private:
    std::string file_;
    std::vector<Problem> problems_;
    std::size_t left_out_ = 0;
};

}  // namespace picket
