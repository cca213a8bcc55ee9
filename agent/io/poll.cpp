#include "agent/io/poll.h"

#include <utility>

#include "agent/base/assert.h"

namespace picket::io {

Poll::Poll(Loop& loop, int fd, OnEvents on_events)
    : handle_(make_handle<uv_poll_t, int, int>(
          [on_events = std::move(on_events)](int status, int events) {
              on_events(status < 0 ? UV_READABLE | UV_WRITABLE : events);
          },
          [&loop, fd](uv_poll_t* poll) {
              PICKET_ASSERT(uv_poll_init(&loop.uv(), poll, fd) == 0);
          })) {}

void Poll::watch(int events) {
    if (events == 0) {
        uv_poll_stop(&handle_->uv);
        return;
    }
    using State = HandleState<uv_poll_t, int, int>;
    PICKET_ASSERT(uv_poll_start(&handle_->uv, events, State::fire) == 0);
}

}  // namespace picket::io
