#include "tests/sim/sim_network.h"

namespace picket::testing {
namespace {

constexpr Duration retransmission = std::chrono::milliseconds(200);  // Linux's shortest.
constexpr int retransmissions_max = 5;

Duration between(Random& random, Duration min, Duration max) {
    return min + Duration(random.below(static_cast<std::uint64_t>((max - min).count()) + 1));
}

}  // namespace

void SimNetwork::heal() {
    side_.clear();
    cuts_.clear();
}

bool SimNetwork::passes(AgentIndex from, AgentIndex to) const {
    if (side_.contains(from) != side_.contains(to)) return false;
    return !cuts_.contains({from, to});
}

Duration SimNetwork::delay() {
    const bool tail = weather_.tail_percent > 0 && random_.chance(weather_.tail_percent, 100);
    return between(random_, weather_.delay_min, tail ? weather_.tail_max : weather_.delay_max);
}

std::vector<Duration> SimNetwork::packet(AgentIndex from, AgentIndex to) {
    std::vector<Duration> copies;
    if (!passes(from, to)) return copies;
    if (weather_.loss_percent > 0 && random_.chance(weather_.loss_percent, 100)) return copies;
    copies.push_back(delay());
    if (weather_.duplicate_percent > 0 && random_.chance(weather_.duplicate_percent, 100)) {
        copies.push_back(delay());
    }
    return copies;
}

Duration SimNetwork::stream() {
    Duration total = delay();
    for (int i = 0; i < retransmissions_max && weather_.loss_percent > 0; ++i) {
        if (!random_.chance(weather_.loss_percent, 100)) break;
        total += retransmission * (1 << i);
    }
    return total;
}

}  // namespace picket::testing
