// ServiceManager: what systemd is told about this agent (sd_notify(3)).
//
// Where the agent was not started by a service manager (no NOTIFY_SOCKET in its
// environment) all of it does nothing. Where a watchdog is set (WATCHDOG_USEC) a
// keep-alive goes out from the loop at half of its time, so that systemd restarts an
// agent whose loop is stuck. A message that cannot be sent is dropped: the next one
// says more.

#pragma once

#include <optional>
#include <string_view>

#include "agent/base/time.h"
#include "agent/io/loop.h"
#include "agent/io/timer.h"

namespace picket::io {

class ServiceManager {
public:
    // Begins the keep-alives. The loop must outlive the ServiceManager.
    explicit ServiceManager(Loop& loop);

    // The agent is at work: after start-up, and again after each reloading().
    void ready();
    void reloading();
    void stopping();
    // One line for `systemctl status`.
    void status(std::string_view line);

private:
    void keep_alive();

    Duration keep_alive_every_{0};
    std::optional<Timer> keep_alive_timer_;  // Absent where no watchdog waits for us.
};

}  // namespace picket::io
