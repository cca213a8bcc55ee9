#include "agent/io/echo.h"

#include <algorithm>
#include <utility>

#include "agent/io/clock.h"

namespace picket::io {
namespace {

constexpr std::size_t payload_bytes = 56;  // As ping(8) sends.

}  // namespace

Echo::Echo(Loop& loop, IcmpSockets& sockets, const IpAddress& target, Duration timeout,
           std::function<void(Finding)> done)
    : done_(std::move(done)),
      timer_(loop, [this] { on_timer(); }),
      until_(monotonic_now() + timeout) {
    auto socket = sockets.find({.family = target.family});
    if (socket) {
        const auto on_event = [this](const IcmpEvent& event) {
            if (event.error_number == 0) conclude(Finding::answered);
        };
        requests_ = std::make_unique<IcmpEcho>(*std::move(socket), target, payload_bytes, on_event);
    }
    timer_.set(monotonic_now());
}

void Echo::on_timer() {
    const Instant now = monotonic_now();
    if (requests_ == nullptr) return conclude(Finding::impossible);
    if (now >= until_) return conclude(Finding::silent);
    // One that cannot be sent now may be in a moment; the time limits how often it is tried.
    static_cast<void>(requests_->send(number_++));
    timer_.set(std::min(now + gap, until_));
}

// Answers to the requests that are still under way are nobody's.
void Echo::conclude(Finding finding) {
    timer_.clear();
    requests_.reset();
    std::exchange(done_, nullptr)(finding);
}

}  // namespace picket::io
