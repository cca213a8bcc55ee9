// The only place that reads a clock.

#pragma once

#include "agent/base/time.h"

namespace picket::io {

Instant monotonic_now();
WallTime wall_now();

}  // namespace picket::io
