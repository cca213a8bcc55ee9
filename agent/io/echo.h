// Echo: whether an address answers pings.
//
// Sends an echo request every 250 ms until one is answered or the time is over. An
// answer of any of them will do. One Echo is one question; destroying it drops the answer.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "agent/base/address.h"
#include "agent/base/time.h"
#include "agent/io/deadline.h"
#include "agent/io/icmp_socket.h"
#include "agent/io/loop.h"

namespace picket::io {

class Echo {
public:
    enum class Finding {
        answered,
        silent,      // Also where the network said that it leads nowhere.
        impossible,  // This process may not ask (icmp_socket.h).
    };
    static constexpr Duration gap = std::chrono::milliseconds(250);

    // `done` is called once, from the loop, and may destroy the Echo.
    Echo(Loop& loop, IcmpSockets& sockets, const IpAddress& target, Duration timeout,
         std::function<void(Finding)> done);

private:
    void on_timer();
    void conclude(Finding finding);

    std::function<void(Finding)> done_;
    Deadline timer_;
    Instant until_;
    std::uint16_t number_ = 0;
    std::unique_ptr<IcmpEcho> requests_;  // Absent where we may not send any.
};

}  // namespace picket::io
