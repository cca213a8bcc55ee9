// Run: one finished attempt of one check, and when it was.

#pragma once

#include "agent/base/time.h"
#include "checks/outcome.h"

namespace picket::checks {

struct Run {
    Instant started;
    Instant ended;
    WallTime started_at;
    WallTime ended_at;
    Outcome outcome;
};

}  // namespace picket::checks
