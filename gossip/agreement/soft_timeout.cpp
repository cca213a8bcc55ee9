#include "gossip/agreement/soft_timeout.h"

#include <algorithm>
#include <limits>

namespace picket::gossip {

using std::chrono::milliseconds;

void SoftTimeout::learn(Duration latency) {
    constexpr auto most = std::numeric_limits<std::uint16_t>::max();
    const auto whole = std::chrono::ceil<milliseconds>(latency).count();
    samples_[next_] = static_cast<std::uint16_t>(std::clamp<std::int64_t>(whole, 0, most));
    next_ = (next_ + 1) % samples_max;
    count_ = std::min(count_ + 1, samples_max);
    p99_ = Duration(-1);
}

Duration SoftTimeout::value(Duration timeout) const {
    if (count_ < samples_min) return timeout;
    if (p99_ < Duration::zero()) {
        std::array<std::uint16_t, samples_max> sorted = samples_;
        const auto rank = static_cast<std::ptrdiff_t>((count_ * 99 + 99) / 100 - 1);
        const auto end = sorted.begin() + static_cast<std::ptrdiff_t>(count_);
        std::nth_element(sorted.begin(), sorted.begin() + rank, end);
        p99_ = milliseconds(sorted[static_cast<std::size_t>(rank)]);
    }
    const Duration least = std::min<Duration>(std::chrono::seconds(1), timeout);
    return std::clamp<Duration>(4 * p99_, least, timeout);
}

}  // namespace picket::gossip
