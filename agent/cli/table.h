// Table: aligned columns that fit the line.
//
// A column is as wide as its widest cell. Where the line is too short, the
// columns that may shrink do, the last one first, each down to its least width;
// their cells end in an ellipsis then. No line ends in blanks. Cells are made
// printable here, so that a table is safe whatever goes in.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/display.h"

namespace picket::cli {

// A piece of a cell in one colour.
struct Span {
    std::string text;
    Colour colour = Colour::none;
};

struct Cell {
    // NOLINTBEGIN(google-explicit-constructor): a row reads as a list of texts.
    Cell(std::string text, Colour colour = Colour::none) : spans{Span{std::move(text), colour}} {}
    Cell(const char* text, Colour colour = Colour::none) : Cell(std::string(text), colour) {}
    // NOLINTEND(google-explicit-constructor)
    explicit Cell(std::vector<Span> pieces) : spans(std::move(pieces)) {}

    std::vector<Span> spans;
};

enum class Align : std::uint8_t { left, right };

struct Column {
    std::string heading;
    Align align = Align::left;
    std::size_t width_min = 0;  // 0: does not shrink.
};

class Table {
public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    // Requires as many cells as there are columns.
    void add(std::vector<Cell> row);
    bool empty() const { return rows_.empty(); }

    // Lines, each with its line feed. Without headings where all are empty.
    std::string text(const Style& style, std::size_t indent = 0) const;

private:
    std::vector<std::size_t> widths(const Style& style, std::size_t indent) const;
    std::string line(const Style& style, const std::vector<Cell>& row,
                     const std::vector<std::size_t>& widths) const;

    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

}  // namespace picket::cli
