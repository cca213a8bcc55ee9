// An instant before everything that happened. Unlike long_ago one may say how long ago
// it is: a century.

#pragma once

#include "agent/base/time.h"
#include "gossip/agreement/long_ago.h"

namespace picket::gossip {

constexpr Instant long_ago{-std::chrono::hours(24 * 365 * 100)};

}  // namespace picket::gossip
