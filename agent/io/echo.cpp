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
        requests_ = std::make_unique<IcmpEcho>(*std::move(socket), target, payload_bytes,
                                               [this](const IcmpEvent& event) {
                                                   if (event.error_number != 0) return;
                                                   timer_.clear();
                                                   std::exchange(done_, nullptr)(Finding::answered);
                                               });
    }
    timer_.set(monotonic_now());
}

void Echo::on_timer() {
    const Instant now = monotonic_now();
    if (requests_ == nullptr || now >= until_) {
        const Finding finding = requests_ == nullptr ? Finding::impossible : Finding::silent;
        return std::exchange(done_, nullptr)(finding);
    }
    // One that cannot be sent now may be in a moment; the time limits how often it is tried.
    static_cast<void>(requests_->send(number_++));
    timer_.set(std::min(now + gap, until_));
}

}  // namespace picket::io
