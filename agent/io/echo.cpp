#include "agent/io/echo.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "agent/base/random.h"
#include "agent/io/clock.h"
#include "agent/io/entropy.h"

namespace picket::io {

Echo::Echo(Loop& loop, const IpAddress& target, Duration timeout, std::function<void(Finding)> done)
    : done_(std::move(done)),
      timer_(loop, [this] { on_timer(); }),
      until_(monotonic_now() + timeout) {
    Random random(random_seed());
    const auto on_events = [this](const std::vector<IcmpEvent>& events) {
        const bool answered = std::any_of(events.begin(), events.end(), [](const auto& event) {
            return event.error_number == 0;
        });
        if (!answered) return;
        timer_.clear();
        std::exchange(done_, nullptr)(Finding::answered);
    };
    auto socket = IcmpSocket::open(loop, {.target = target}, random, on_events);
    if (socket) socket_ = *std::move(socket);
    timer_.set(monotonic_now());
}

void Echo::on_timer() {
    const Instant now = monotonic_now();
    if (socket_ == nullptr || now >= until_) {
        return std::exchange(done_,
                             nullptr)(socket_ == nullptr ? Finding::impossible : Finding::silent);
    }
    // One that cannot be sent now may be in a moment; the time limits how often it is tried.
    static_cast<void>(socket_->send(sequence_++));
    timer_.set(std::min(now + gap, until_));
}

}  // namespace picket::io
