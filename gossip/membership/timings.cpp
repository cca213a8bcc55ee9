#include "gossip/membership/timings.h"

#include <cmath>

namespace picket::gossip {

unsigned transmit_limit(const Timings& timings, std::size_t members) {
    const double scale = std::ceil(std::log10(static_cast<double>(members) + 1));
    return timings.retransmit_factor * static_cast<unsigned>(scale);
}

Duration push_pull_interval(const Timings& timings, std::size_t members) {
    constexpr std::size_t unscaled_max = 32;
    if (members <= unscaled_max) return timings.push_pull_interval;
    const double doublings = std::log2(static_cast<double>(members)) - std::log2(unscaled_max);
    return timings.push_pull_interval * (static_cast<int>(std::ceil(doublings)) + 1);
}

}  // namespace picket::gossip
