// PluginOutput: what a Nagios plugin said, in the words of its API.
//
// The exit code is the state. The first line of the output that is not empty is the summary; the
// lines that follow say more. A `|` on the first line begins performance data up
// to the end of that line; a `|` on a later line begins more of it, up to the end of
// the output. An item is
//
//     'label'=value[UOM];[warn];[crit];[min];[max]
//
// where the label needs its quotes only for spaces, `''` in it stands for a quote,
// and the value `U` means that it could not be determined. Items are separated by
// white space, of which a line end is some.
//
// Plugins are written by everybody, so nothing here is an error: what does not
// follow the grammar is skipped and counted. Only the first
// `plugin_output_bytes_max` bytes count, as with Nagios; an item that this limit cuts through is
// skipped, for half a number is a wrong one.

#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace picket::checks {

constexpr std::size_t plugin_output_bytes_max = 8192;
constexpr std::size_t perfdata_label_bytes_max = 255;
constexpr std::size_t perfdata_unit_bytes_max = 16;

enum class PluginExit : std::uint8_t { ok, warning, critical, unknown };

// 0 to 3 as the API has them; every other code means unknown.
PluginExit plugin_exit(int exit_code);

// `[@]start:end`: values that raise an alert are those outside, with `@` those
// inside; the ends themselves are inside. "10" is 0 to 10, "10:" has no end, and
// "~" is the start that no value is below.
struct Range {
    double start = 0;
    double end = std::numeric_limits<double>::infinity();
    bool alerts_inside = false;

    bool alerts(double value) const;
    bool operator==(const Range&) const = default;
};

std::optional<Range> parse_range(std::string_view text);

struct PerfdataItem {
    std::string label;            // Printable.
    std::optional<double> value;  // Finite; absent for `U`.
    std::string unit;             // "", "s", "ms", "us", "%", "B", "KB", "c", or the plugin's own.
    std::optional<Range> warning;
    std::optional<Range> critical;
    std::optional<double> minimum;
    std::optional<double> maximum;
};

struct PluginOutput {
    std::string summary;      // One line, without performance data; may be empty.
    std::string long_output;  // Further lines, without performance data.
    std::string text;         // All of it, performance data too, as the plugin laid it out.
    std::vector<PerfdataItem> perfdata;
    std::size_t skipped = 0;  // Items and thresholds that do not follow the grammar.
    bool cut = false;         // There was more than plugin_output_bytes_max.
};

// All text that comes out is printable: control characters and what is not UTF-8
// became '?', tabs became spaces.
PluginOutput parse_plugin_output(std::string_view output);

}  // namespace picket::checks
