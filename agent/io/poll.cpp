#include "agent/io/poll.h"

#include <utility>

namespace picket::io {

Poll::Poll(Loop& loop, int fd, OnEvents on_events)
    : set_(PollSet::of(loop.uv())), id_(set_.add(fd, std::move(on_events))) {}

Poll::~Poll() {
    set_.remove(id_);
}

void Poll::watch(int events) {
    set_.watch(id_, events);
}

}  // namespace picket::io
