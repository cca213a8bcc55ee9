#include "agent/io/clock.h"

#include <ctime>

namespace picket::io {
namespace {

Duration read(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return std::chrono::seconds(time.tv_sec) + Duration(time.tv_nsec / 1000);
}

}  // namespace

// CLOCK_BOOTTIME would count a suspend as time in which nobody answered.
Instant monotonic_now() {
    return Instant(read(CLOCK_MONOTONIC));
}
WallTime wall_now() {
    return WallTime(read(CLOCK_REALTIME));
}

}  // namespace picket::io
