#include "agent/io/poll_set.h"

#include <sys/epoll.h>

#include <array>
#include <utility>

#include "agent/base/assert.h"

namespace picket::io {
namespace {

std::uint32_t to_epoll(int events) {
    return ((events & UV_READABLE) != 0 ? EPOLLIN : 0U) |
           ((events & UV_WRITABLE) != 0 ? EPOLLOUT : 0U);
}

// An error or a hang-up is for whoever reads or writes next.
int from_epoll(std::uint32_t events) {
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) return UV_READABLE | UV_WRITABLE;
    return ((events & EPOLLIN) != 0 ? UV_READABLE : 0) |
           ((events & EPOLLOUT) != 0 ? UV_WRITABLE : 0);
}

}  // namespace

PollSet::PollSet(uv_loop_t& loop) : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    PICKET_ASSERT(epoll_.open());
    handle_ = make_handle<uv_poll_t, int, int>(
        [this](int, int) { on_ready(); },
        [&](uv_poll_t* poll) { PICKET_ASSERT(uv_poll_init(&loop, poll, epoll_.get()) == 0); });
    using State = HandleState<uv_poll_t, int, int>;
    PICKET_ASSERT(uv_poll_start(&handle_->uv, UV_READABLE, State::fire) == 0);
    uv_unref(reinterpret_cast<uv_handle_t*>(&handle_->uv));
    uv_loop_set_data(&loop, this);
}

PollSet& PollSet::of(const uv_loop_t& loop) {
    auto* set = static_cast<PollSet*>(uv_loop_get_data(&loop));
    PICKET_ASSERT(set != nullptr);
    return *set;
}

PollSet::~PollSet() {
    PICKET_ASSERT(watched_.empty());
}

PollSet::Id PollSet::add(int fd, OnEvents on_events) {
    watched_.emplace(++last_id_, std::make_shared<Watched>(Watched{fd, 0, std::move(on_events)}));
    return last_id_;
}

void PollSet::watch(Id id, int events) {
    Watched& watched = *watched_.at(id);
    if (events != watched.events) update(id, watched, events);
}

void PollSet::remove(Id id) {
    const auto found = watched_.find(id);
    PICKET_ASSERT(found != watched_.end());
    if (found->second->events != 0) update(id, *found->second, 0);
    watched_.erase(found);
}

void PollSet::update(Id id, Watched& watched, int events) {
    const int before = std::exchange(watched.events, events);
    epoll_event event{};
    event.events = to_epoll(events);
    event.data.u64 = id;
    const int change = events == 0 ? EPOLL_CTL_DEL : before == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    const bool changed = epoll_ctl(epoll_.get(), change, watched.fd, &event) == 0;
    // A descriptor that was closed too early has left the set already.
    PICKET_ASSERT(changed || events == 0);
    auto* handle = reinterpret_cast<uv_handle_t*>(&handle_->uv);
    if (before == 0 && ++waiting_ == 1) uv_ref(handle);
    if (events == 0 && --waiting_ == 0) uv_unref(handle);
}

void PollSet::on_ready() {
    std::array<epoll_event, events_per_turn_max> ready{};
    const int count = epoll_wait(epoll_.get(), ready.data(), events_per_turn_max, 0);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = ready[static_cast<std::size_t>(i)];
        const auto found = watched_.find(event.data.u64);
        // One before it may have ended the wait.
        if (found == watched_.end() || found->second->events == 0) continue;
        const std::shared_ptr<Watched> watched = found->second;
        watched->on_events(from_epoll(event.events));
    }
}

}  // namespace picket::io
