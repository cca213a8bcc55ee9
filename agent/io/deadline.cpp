#include "agent/io/deadline.h"

#include <utility>

#include "agent/io/clock.h"

namespace picket::io {

Deadline::Deadline(Loop& loop, std::function<void()> on_fire, Duration look)
    : on_fire_(std::move(on_fire)), look_(look), timer_(loop, [this] { on_time(); }) {}

void Deadline::set(Instant at) {
    if (looks_ && at == set_for_) return;
    looks_ = false;
    set_for_ = at;
    timer_.set(at);
}

void Deadline::clear() {
    looks_ = false;
    timer_.clear();
}

void Deadline::on_time() {
    const Instant now = monotonic_now();
    const Duration late = now - set_for_;
    if (!looks_ && late >= late_min && late <= stall_max) {
        looks_ = true;
        return timer_.set(now + look_);
    }
    looks_ = false;
    on_fire_();
}

}  // namespace picket::io
