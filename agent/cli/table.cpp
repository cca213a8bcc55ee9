#include "agent/cli/table.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "agent/base/assert.h"

namespace picket::cli {
namespace {

constexpr std::size_t gap = 2;  // Blanks between columns.

std::size_t cell_width(const Style& style, const Cell& cell) {
    std::size_t width = 0;
    for (const Span& span : cell.spans) width += display_width(printable(style, span.text));
    return width;
}

// The cell in at most `width` columns; `used` is what it takes.
std::string cell_text(const Style& style, const Cell& cell, std::size_t width, std::size_t& used) {
    std::string text;
    for (const Span& span : cell.spans) {
        const std::string shown =
            cut_to_width(style, printable(style, span.text), width - std::min(used, width));
        used += display_width(shown);
        text += paint(style, span.colour, shown);
    }
    return text;
}

}  // namespace

void Table::add(std::vector<Cell> row) {
    PICKET_ASSERT(row.size() == columns_.size());
    rows_.push_back(std::move(row));
}

std::vector<std::size_t> Table::widths(const Style& style, std::size_t indent) const {
    std::vector<std::size_t> widths;
    for (const Column& column : columns_) widths.push_back(column.heading.size());
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], cell_width(style, row[i]));
        }
    }
    const std::size_t total =
        std::accumulate(widths.begin(), widths.end(), indent + gap * (columns_.size() - 1));
    std::size_t excess = total - std::min(total, style.width);
    for (std::size_t i = columns_.size(); i-- > 0 && excess > 0;) {
        if (columns_[i].width_min == 0) continue;
        const std::size_t given =
            std::min(excess, widths[i] - std::min(widths[i], columns_[i].width_min));
        widths[i] -= given;
        excess -= given;
    }
    return widths;
}

std::string Table::line(const Style& style, const std::vector<Cell>& row,
                        const std::vector<std::size_t>& widths) const {
    std::string line;
    std::size_t owed = 0;  // Blanks that are written only if something follows.
    for (std::size_t i = 0; i < row.size(); ++i) {
        std::size_t used = 0;
        const std::string text = cell_text(style, row[i], widths[i], used);
        const std::size_t padding = widths[i] - std::min(used, widths[i]);
        if (columns_[i].align == Align::right) owed += padding;
        if (used > 0) line += std::string(std::exchange(owed, 0), ' ') + text;
        owed += gap + (columns_[i].align == Align::left ? padding : 0);
    }
    return line + "\n";
}

std::string Table::text(const Style& style, std::size_t indent) const {
    const std::vector<std::size_t> wanted = widths(style, indent);
    const std::string margin(indent, ' ');
    std::string text;
    const bool headed = std::any_of(columns_.begin(), columns_.end(),
                                    [](const Column& column) { return !column.heading.empty(); });
    if (headed) {
        std::vector<Cell> headings;
        for (const Column& column : columns_) headings.emplace_back(column.heading, Colour::dim);
        text += margin + line(style, headings, wanted);
    }
    for (const auto& row : rows_) text += margin + line(style, row, wanted);
    return text;
}

}  // namespace picket::cli
