// Timer: one libuv timer with an owner.

#pragma once

#include <functional>

#include "agent/base/time.h"
#include "agent/io/handle.h"
#include "agent/io/loop.h"

namespace picket::io {

class Timer {
public:
    Timer(Loop& loop, std::function<void()> on_fire);

    // Fires once at `at`, never before; on the next turn of the loop if that is
    // past; not at all for `never`. Replaces what was set before.
    void set(Instant at);
    void clear();

private:
    Handle<uv_timer_t> handle_;
    Instant set_for_ = never;  // While it waits.
};

}  // namespace picket::io
