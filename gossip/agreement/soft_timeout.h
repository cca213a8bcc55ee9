// SoftTimeout: after how long without an answer a target is suspected.
//
// Four times the 99th percentile of what the target usually takes, at least a second, at
// most the timeout; the timeout itself until 20 answers are known. Passing it raises a
// suspicion and is no vote: a slow answer is still an answer (agreement.md, 2.3).

#pragma once

#include <array>
#include <cstddef>

#include "agent/base/time.h"

namespace picket::gossip {

class SoftTimeout {
public:
    static constexpr std::size_t samples_min = 20;
    static constexpr std::size_t samples_max = 128;  // The latest.

    void learn(Duration latency);
    Duration value(Duration timeout) const;

private:
    // In milliseconds, rounded up: enough for a bound that begins at a second.
    std::array<std::uint16_t, samples_max> samples_{};
    std::size_t count_ = 0;
    std::size_t next_ = 0;
    mutable Duration p99_{-1};  // Worked out when asked for; negative: not yet.
};

}  // namespace picket::gossip
