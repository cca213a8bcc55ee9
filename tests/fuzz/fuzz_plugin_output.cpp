// Whatever a plugin prints: what comes out is bounded, printable and finite.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/base/assert.h"
#include "agent/base/text.h"
#include "checks/plugin_output.h"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace {

using picket::checks::PerfdataItem;
using picket::checks::Range;

void check_line(std::string_view line) {
    PICKET_ASSERT(picket::printable_line(line, line.size()) == line);
}

void check_range(const std::optional<Range>& range) {
    if (!range) return;
    PICKET_ASSERT(range->start <= range->end);
    PICKET_ASSERT(range->alerts(range->end) == range->alerts_inside);
}

void check_item(const PerfdataItem& item) {
    PICKET_ASSERT(!item.label.empty());
    check_line(item.label);
    check_line(item.unit);
    PICKET_ASSERT(!item.value || std::isfinite(*item.value));
    check_range(item.warning);
    check_range(item.critical);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    const auto output = picket::checks::parse_plugin_output(text);
    check_line(output.summary);
    PICKET_ASSERT(output.text.size() <= picket::checks::plugin_output_bytes_max);
    PICKET_ASSERT(output.summary.size() + output.long_output.size() <= output.text.size());
    PICKET_ASSERT(output.perfdata.size() <= size);
    for (const PerfdataItem& item : output.perfdata) check_item(item);
    check_range(picket::checks::parse_range(text));
    return 0;
}
