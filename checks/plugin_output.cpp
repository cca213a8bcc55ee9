#include "checks/plugin_output.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>
#include <utility>

#include "agent/base/text.h"

namespace picket::checks {
namespace {

constexpr std::size_t npos = std::string_view::npos;
constexpr std::string_view white_space = " \t\r\n\v\f";

std::string_view trim_front(std::string_view text) {
    return text.substr(std::min(text.find_first_not_of(white_space), text.size()));
}

// The text before the first `separator`; it and the separator are taken off `text`.
std::string_view take_until(std::string_view& text, char separator) {
    const std::size_t end = text.find(separator);
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(end == npos ? text.size() : end + 1);
    return taken;
}

// A finite decimal number at the start of `text`, which is taken off it.
std::optional<double> take_number(std::string_view& text) {
    // from_chars would also read "inf" and "nan".
    const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
    if (digits.empty() || std::string_view(".0123456789").find(digits.front()) == npos) {
        return std::nullopt;
    }
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || !std::isfinite(value)) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

std::optional<double> parse_number(std::string_view text) {
    const auto value = take_number(text);
    return text.empty() ? value : std::nullopt;
}

// Lines of printable text, at most as long as what came in.
std::string printable_lines(std::string_view text) {
    std::string lines;
    while (!text.empty()) {
        std::string line(take_until(text, '\n'));
        if (line.ends_with('\r')) line.pop_back();
        std::replace(line.begin(), line.end(), '\t', ' ');
        if (!lines.empty() || !line.empty()) {
            lines += printable_line(line, line.size());
            lines += '\n';
        }
    }
    while (lines.ends_with('\n')) lines.pop_back();
    return lines;
}

bool valid_unit(std::string_view unit) {
    const auto refused = [](char c) {
        return (c >= '0' && c <= '9') || std::string_view("\"'=|,.-+").find(c) != npos;
    };
    return unit.size() <= perfdata_unit_bytes_max && valid_utf8(unit) &&
           printable_line(unit, unit.size()) == unit &&
           std::none_of(unit.begin(), unit.end(), refused);
}

// A label and its `=`, taken off `text`.
std::optional<std::string> take_label(std::string_view& text) {
    std::string label;
    if (text.starts_with('\'')) {
        text.remove_prefix(1);
        while (true) {
            const std::size_t quote = text.find('\'');
            if (quote == npos) {
                text = {};
                return std::nullopt;
            }
            label += text.substr(0, quote);
            text.remove_prefix(quote + 1);
            if (!text.starts_with('\'')) break;
            label += '\'';
            text.remove_prefix(1);
        }
        if (!text.starts_with('=')) return std::nullopt;
        text.remove_prefix(1);
    } else {
        const std::size_t end = text.find_first_of("= \t\r\n\v\f'");
        if (end == npos || text[end] != '=') return std::nullopt;
        label = text.substr(0, end);
        text.remove_prefix(end + 1);
    }
    if (label.empty() || label.size() > perfdata_label_bytes_max) return std::nullopt;
    return printable_line(label, label.size());
}

// One field of an item that may be left out. What cannot be read is left out too.
template <typename Value, typename Parse>
std::optional<Value> take_optional(std::string_view& fields, std::size_t& skipped, Parse parse) {
    const std::string_view field = take_until(fields, ';');
    if (field.empty() || field == "U") return std::nullopt;
    const std::optional<Value> value = parse(field);
    if (!value) ++skipped;
    return value;
}

// `text` begins with an item; it is taken off, with what is unreadable of it.
std::optional<PerfdataItem> take_item(std::string_view& text, std::size_t& skipped) {
    auto label = take_label(text);
    const std::size_t end = std::min(text.find_first_of(white_space), text.size());
    std::string_view fields = text.substr(0, end);
    text.remove_prefix(end);
    if (!label) return std::nullopt;

    PerfdataItem item;
    item.label = *std::move(label);
    std::string_view value = take_until(fields, ';');
    if (value != "U") {
        item.value = take_number(value);
        if (!item.value || !valid_unit(value)) return std::nullopt;
        item.unit = value;
    }
    item.warning = take_optional<Range>(fields, skipped, parse_range);
    item.critical = take_optional<Range>(fields, skipped, parse_range);
    item.minimum = take_optional<double>(fields, skipped, parse_number);
    item.maximum = take_optional<double>(fields, skipped, parse_number);
    if (!fields.empty()) ++skipped;
    return item;
}

void read_perfdata(std::string_view text, PluginOutput& output) {
    while (true) {
        text = trim_front(text);
        if (text.empty()) return;
        if (auto item = take_item(text, output.skipped)) {
            output.perfdata.push_back(*std::move(item));
        } else {
            ++output.skipped;
        }
    }
}

}  // namespace

PluginExit plugin_exit(int exit_code) {
    if (exit_code < 0 || exit_code > 3) return PluginExit::unknown;
    return static_cast<PluginExit>(exit_code);
}

bool Range::alerts(double value) const {
    const bool inside = value >= start && value <= end;
    return inside == alerts_inside;
}

std::optional<Range> parse_range(std::string_view text) {
    Range range;
    if (text.starts_with('@')) {
        range.alerts_inside = true;
        text.remove_prefix(1);
    }
    if (text.empty()) return std::nullopt;
    if (const std::size_t colon = text.find(':'); colon != npos) {
        const std::string_view start = text.substr(0, colon);
        text.remove_prefix(colon + 1);
        if (start == "~") {
            range.start = -std::numeric_limits<double>::infinity();
        } else if (!start.empty()) {
            const auto value = parse_number(start);
            if (!value) return std::nullopt;
            range.start = *value;
        }
    }
    if (!text.empty()) {
        const auto value = parse_number(text);
        if (!value) return std::nullopt;
        range.end = *value;
    }
    if (range.start > range.end) return std::nullopt;
    return range;
}

PluginOutput parse_plugin_output(std::string_view output) {
    PluginOutput result;
    output = trim_front(output);
    result.cut = output.size() > plugin_output_bytes_max;
    const bool cut_within_word =
        result.cut && white_space.find(output[plugin_output_bytes_max]) == npos;
    output = cut_text(output, plugin_output_bytes_max);
    result.text = printable_lines(output);

    const bool one_line = output.find('\n') == npos;
    std::string_view later_perfdata = output;
    std::string_view first_perfdata = take_until(later_perfdata, '\n');
    result.summary = printable_lines(trim(take_until(first_perfdata, '|')));
    result.long_output = printable_lines(take_until(later_perfdata, '|'));

    std::string_view& last = one_line ? first_perfdata : later_perfdata;
    if (cut_within_word && !last.empty()) {
        const std::size_t space = last.find_last_of(white_space);
        last = last.substr(0, space == npos ? 0 : space);
        ++result.skipped;
    }
    read_perfdata(first_perfdata, result);
    read_perfdata(later_perfdata, result);
    return result;
}

}  // namespace picket::checks
