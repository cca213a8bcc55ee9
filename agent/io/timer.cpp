#include "agent/io/timer.h"

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"

namespace picket::io {

Timer::Timer(Loop& loop, std::function<void()> on_fire)
    : handle_(make_handle<uv_timer_t>(
          std::move(on_fire), [&loop](uv_timer_t* timer) { uv_timer_init(&loop.uv(), timer); })) {}

void Timer::set(Instant at) {
    if (at == never) return clear();
    const bool waiting = uv_is_active(reinterpret_cast<uv_handle_t*>(&handle_->uv)) != 0;
    if (waiting && at == set_for_) return;
    set_for_ = at;
    // libuv counts whole milliseconds of the same clock, rounded down; so round up.
    uv_update_time(handle_->uv.loop);
    const Duration loop_time = std::chrono::milliseconds(uv_now(handle_->uv.loop));
    const Duration wait = std::max(at.time_since_epoch() - loop_time, Duration{0});
    const auto wait_ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    const int result = uv_timer_start(&handle_->uv, HandleState<uv_timer_t>::fire,
                                      static_cast<std::uint64_t>(wait_ms), 0);
    PICKET_ASSERT(result == 0);
}

void Timer::clear() {
    uv_timer_stop(&handle_->uv);
}

}  // namespace picket::io
