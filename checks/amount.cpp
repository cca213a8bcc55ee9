#include "checks/amount.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <string_view>

namespace picket::checks {

std::string spoken_bytes(double bytes) {
    constexpr std::array<std::string_view, 6> units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    std::size_t unit = 0;
    while (std::abs(bytes) >= 1024 && unit + 1 < units.size()) {
        bytes /= 1024;
        ++unit;
    }
    if (unit == 0) return fmt::format("{:.0f} B", bytes);
    if (bytes < 10) return fmt::format("{:.1f} {}", bytes, units[unit]);
    return fmt::format("{:.0f} {}", bytes, units[unit]);
}

std::string spoken_percent(double percent) {
    return fmt::format("{:.3g}%", percent);
}

}  // namespace picket::checks
